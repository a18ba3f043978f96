"""Deletes old runs from Dagster's storage, which by itself keeps every one with all its events.

What Dagster shows of a partition comes from its latest materialization, its latest attempt and its
latest observation. So a run stays as long as one of its events is the latest of its kind: about one
run for each day of a connection, and the map of dates is the same before and after.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG

from sync_platform.defs.checks import DESCRIPTIONS
from sync_platform.defs.partitions import CONNECTION_TAG
from sync_platform.defs.resources import PlatformResource
from sync_platform.defs.sensors import JOB
from sync_platform.errors import Refused
from sync_platform.platform import Platform

NEWEST = 50  # runs of a connection that stay, as its history has 50 syncs that link to theirs
A_TICK = timedelta(seconds=30)  # some 1,000 runs; Dagster gives up on a tick after 60
AT_ONCE = 1000  # runs that are chosen together
EVENTS = (
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,  # an attempt: also of a run that failed
    dg.DagsterEventType.ASSET_OBSERVATION,
)
OLD_RUNS = """
WITH latest AS (
    SELECT max(id) AS id FROM event_logs
    WHERE asset_key = ANY(%(assets)s) AND dagster_event_type = ANY(%(events)s)
    GROUP BY asset_key, dagster_event_type, partition
), ours AS (
    SELECT r.id, row_number() OVER (PARTITION BY t.value ORDER BY r.id DESC) AS place
    FROM runs r JOIN run_tags t USING (run_id)
    WHERE t.key = %(tag)s
)
SELECT old.id, old.run_id
FROM ours JOIN runs old USING (id)
WHERE old.id > %(after)s
  AND ours.place > %(newest)s
  AND old.pipeline_name = %(job)s
  AND old.status = ANY(%(finished)s)
  AND coalesce(old.end_time, extract(epoch FROM old.create_timestamp)) < %(before)s
  AND NOT EXISTS (
      SELECT FROM event_logs JOIN latest USING (id) WHERE event_logs.run_id = old.run_id)
  AND old.run_id <> ALL(%(checked)s)
  AND NOT EXISTS (
      SELECT FROM event_logs it
      WHERE it.run_id = old.run_id AND it.asset_key <> ALL(%(assets)s))
  AND NOT EXISTS (
      SELECT FROM run_tags again
      WHERE again.key = ANY(%(again)s) AND again.value = old.run_id)
  AND NOT EXISTS (
      SELECT FROM bulk_actions backfill
      WHERE backfill.key = old.backfill_id AND backfill.status <> ALL(%(over)s))
ORDER BY old.id LIMIT %(limit)s
"""
# By these three columns there is an index. Dagster itself leaves the rows behind.
DELETE_CHECKS = """
DELETE FROM asset_check_executions
WHERE asset_key = ANY(%(assets)s) AND check_name = ANY(%(checks)s) AND run_id = %(run_id)s
"""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """How many runs were deleted, or would be; whether all were that may go."""

    runs: int
    all_done: bool = True

    def __str__(self) -> str:
        return f"{self.runs:,} old {'run' if self.runs == 1 else 'runs'}"


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Deletes runs that ended more than SYNC_PLATFORM_PRUNE_RUNS_AFTER days ago. What "
    "stays: the latest run of each partition, and the newest 50 of each connection.",
)
def old_runs(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SkipReason:
    """Old runs go, half a minute of work an hour at most."""
    it = platform.get()
    days = it.settings.prune_runs_after
    if days is None:
        return dg.SkipReason("Old runs stay: SYNC_PLATFORM_PRUNE_RUNS_AFTER is never.")
    try:
        pruned = prune(context.instance, it, timedelta(days=days), within=A_TICK)
    except Refused as refused:
        return dg.SkipReason(str(refused))
    if pruned == Pruned(runs=0):
        return dg.SkipReason("No run is old enough to go.")
    said = f"Deleted {pruned}." if pruned.all_done else f"Deleted {pruned}; more go next time."
    context.log.info(said)
    return dg.SkipReason(said)


def prune_in(
    folder: Path, platform: Platform, older_than: timedelta, *, dry_run: bool = False
) -> Pruned:
    """`prune`, with the Dagster whose dagster.yaml is in this folder, to the end."""
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        return prune(instance, platform, older_than, dry_run=dry_run)


def prune(
    instance: dg.DagsterInstance,
    platform: Platform,
    older_than: timedelta,
    *,
    newest: int = NEWEST,
    within: timedelta | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Delete the runs of our syncs that ended so long ago and that nothing needs; with `dry_run`,
    only count them. The `newest` of each connection stay; so does what is not done `within` a time.

    Raises Refused where Dagster's storage is not Postgres.
    """
    until = inf if within is None else monotonic() + within.total_seconds()
    choice = _Choice(instance, platform, older_than, newest)
    done = 0
    while chosen := choice.next():
        for run_id in chosen:
            if monotonic() >= until:
                return Pruned(runs=done, all_done=False)
            if not dry_run:
                choice.delete(run_id)
            done += 1
    return Pruned(runs=done)


class _Choice:
    """The runs that may go, oldest first."""

    def __init__(
        self, instance: dg.DagsterInstance, platform: Platform, older_than: timedelta, newest: int
    ) -> None:
        self._instance = instance
        self._after = 0  # the row of the last that was chosen
        keys = [
            dg.AssetKey([connector.name, obj.name])
            for connector in platform.whole_connectors()
            for obj in connector.objects
        ]
        self._asked = {
            "tag": CONNECTION_TAG,
            "newest": newest,
            "job": JOB,
            "finished": [each.value for each in FINISHED_STATUSES],
            "before": (platform.clock.now() - older_than).timestamp(),
            "checked": _of_latest_checks(instance, keys),
            "again": [PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG],
            "over": [each.value for each in BULK_ACTION_TERMINAL_STATUSES],
            "assets": [key.to_string() for key in keys],
            "events": [each.value for each in EVENTS],
            "checks": list(DESCRIPTIONS),
            "limit": AT_ONCE,
        }

    def next(self) -> list[str]:
        """The ids of some more; none when there are no more."""
        with self._connected() as connection:
            asked = {**self._asked, "after": self._after}
            rows = connection.exec_driver_sql(OLD_RUNS, asked).fetchall()
        if rows:
            self._after = rows[-1][0]
        return [run_id for _, run_id in rows]

    def delete(self, run_id: str) -> None:
        """The run itself goes last: one that this did not end with is chosen again."""
        with self._connected() as connection:
            connection.exec_driver_sql(DELETE_CHECKS, {**self._asked, "run_id": run_id})
        self._instance.event_log_storage.delete_events(run_id)
        self._instance.compute_log_manager.delete_logs(prefix=[run_id])
        self._instance.run_storage.delete_run(run_id)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        storage: Any = self._instance.event_log_storage
        with storage.index_connection() as connection:
            if connection.dialect.name != "postgresql":
                raise Refused("Old runs stay: Dagster's storage is not the platform's Postgres.")
            yield connection


def _of_latest_checks(instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey]) -> list[str]:
    """The runs that told how these assets' checks stand."""
    checks = [dg.AssetCheckKey(key, name) for key in keys for name in DESCRIPTIONS]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    return sorted({each.run_id for each in latest.values()})
