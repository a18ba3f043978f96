"""What goes with an old run, when, and by whom."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster._core.storage.dagster_run import DagsterRunStatus

from sync_platform.defs.partitions import CONNECTION_TAG
from sync_platform.defs.pruning import Pruned, old_runs, prune
from sync_platform.defs.sensors import JOB
from sync_platform.errors import Refused
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform_tests.defs.pruning.conftest import (
    ACME,
    CONTACTS,
    HOUR,
    MONDAY,
    OWNERS,
    WEEK,
    ids,
    pruned,
)
from sync_platform_tests.defs.runs import Dagster, handed
from sync_platform_tests.fakes import FakeClock

pytestmark = pytest.mark.usefixtures("acme")


def count(platform: Platform, table: str) -> int:
    with psycopg.connect(platform.database_url) as postgres:
        row = postgres.execute(f"SELECT count(*) FROM dagster.{table}").fetchone()
    assert row is not None
    return int(row[0])


def test_of_a_run_that_goes_nothing_is_left(
    dagster: Dagster, platform: Platform, tmp_path: Path
) -> None:
    tables = ("runs", "run_tags", "event_logs", "asset_event_tags", "asset_check_executions")
    run = dagster.run([CONTACTS, OWNERS], MONDAY)
    of_one = {table: count(platform, table) for table in tables}
    assert all(of_one.values())
    assert (tmp_path / "storage" / run.id).is_dir()  # what its steps printed
    dagster.run([CONTACTS, OWNERS], MONDAY)
    assert pruned(dagster, platform) == {run.id}
    assert {table: count(platform, table) for table in tables} == of_one
    assert not (tmp_path / "storage" / run.id).exists()


def test_a_run_whose_deletion_was_cut_off_goes_the_next_time(
    dagster: Dagster, platform: Platform
) -> None:
    first = dagster.run([CONTACTS], MONDAY)
    dagster.run([CONTACTS], MONDAY)
    dagster.instance.event_log_storage.delete_events(first.id)
    assert pruned(dagster, platform) == {first.id}


def test_what_time_does_not_suffice_for_is_left_for_the_next_time(
    dagster: Dagster, platform: Platform, clock: FakeClock
) -> None:
    for _ in range(2):
        dagster.run([CONTACTS], MONDAY)
    clock.pass_by(HOUR)
    none = prune(dagster.instance, platform, timedelta(0), newest=0, within=timedelta(0))
    assert none == Pruned(runs=0, all_done=False)
    assert len(ids(dagster.instance)) == 2
    assert len(pruned(dagster, platform)) == 1


def test_a_dry_run_only_counts(dagster: Dagster, platform: Platform, clock: FakeClock) -> None:
    for _ in range(3):
        dagster.run([CONTACTS], MONDAY)
    clock.pass_by(HOUR)
    counted = prune(dagster.instance, platform, timedelta(0), newest=0, dry_run=True)
    assert counted == Pruned(runs=2)
    assert len(ids(dagster.instance)) == 3


def test_runs_in_a_storage_that_is_not_postgres_are_left_alone(platform: Platform) -> None:
    with dg.DagsterInstance.ephemeral() as another, pytest.raises(Refused) as refused:
        prune(another, platform, WEEK)
    assert str(refused.value) == "Old runs stay: Dagster's storage is not the platform's Postgres."


# -- the sensor -----------------------------------------------------------------------------------


def ticked(instance: dg.DagsterInstance, platform: Platform) -> str | None:
    resources = {"platform": handed(platform)}
    with dg.build_sensor_context(instance, resources=resources) as context:
        answer = old_runs(context)
    assert isinstance(answer, dg.SkipReason)
    return answer.skip_message


def test_each_hour_a_sensor_deletes_what_is_older_than_a_week(
    instance: dg.DagsterInstance, platform: Platform, clock: FakeClock
) -> None:
    assert (old_runs.minimum_interval_seconds, old_runs.default_status.value) == (3600, "RUNNING")
    tags = {CONNECTION_TAG: ACME}
    for _ in range(52):
        instance.add_run(dg.DagsterRun(job_name=JOB, status=DagsterRunStatus.CANCELED, tags=tags))
    assert ticked(instance, platform) == "No run is old enough to go."
    clock.pass_by(WEEK + HOUR)
    assert ticked(instance, platform) == "Deleted 2 old runs."
    assert len(ids(instance)) == 50


def test_the_sensor_deletes_nothing_where_the_setting_says_never(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    kept = Platform(replace(settings, prune_runs_after=None))
    said = ticked(instance, kept)
    kept.close()
    assert said == "Old runs stay: SYNC_PLATFORM_PRUNE_RUNS_AFTER is never."
