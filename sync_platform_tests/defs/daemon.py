"""Dagster's daemon, by its own code, a tick at a time and in this process."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionStatus,
    PartitionBackfill,
)
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import (
    QueuedRunCoordinatorDaemon,
)
from dagster._daemon.sensor import execute_sensor_iteration
from dagster_shared.yaml_utils import load_yaml_from_path

from sync_platform_tests.defs.runs import Run

LOG = logging.getLogger("dagster.daemon")
PROJECT = Path(__file__).parent.parent.parent
ORIGIN = InProcessCodeLocationOrigin(
    LoadableTargetOrigin(module_name="sync_platform.definitions"), location_name="sync_platform"
)


@contextmanager
def projects_dagster(home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster as the project's own dagster.yaml has it, but runs take place in this process, and
    it keeps its sessions with Postgres, as the webserver does: by itself it opens one for each
    question, which is most of the time that it takes."""
    config: dict[str, Any] = dict(load_yaml_from_path(str(PROJECT / "dagster.yaml")) or {})  # type: ignore[call-overload]
    config["run_launcher"] = {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    }
    config["run_monitoring"]["enabled"] = False
    (home / "dagster.yaml").write_text(json.dumps(config))  # every JSON is YAML
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=600, max_overflow=20)
        yield instance


@contextmanager
def daemon_of(instance: dg.DagsterInstance) -> Iterator["Daemon"]:
    """The daemon, with the project's code location."""
    with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget([ORIGIN])) as workspace:
        yield Daemon(workspace)


class Daemon:
    """Sensors, backfills and the run queue."""

    def __init__(self, workspace: WorkspaceProcessContext) -> None:
        self.workspace = workspace
        self.instance = workspace.instance

    def evaluate_sensors(self) -> None:
        """Evaluate every sensor, and run what was asked for."""
        list(execute_sensor_iteration(self.workspace, LOG, None, None))
        self._run_what_is_queued()

    def backfill(
        self,
        assets: Sequence[dg.AssetKey],
        partitions: Sequence[str],
        run_config: Mapping[str, object] | None = None,
    ) -> BulkActionStatus:
        """Launch a backfill as the UI does, and carry it to its end; how it ended."""
        backfill = PartitionBackfill.from_asset_partitions(
            backfill_id="asked-for",
            asset_graph=self.workspace.create_request_context().asset_graph,
            partition_names=partitions,
            asset_selection=assets,
            backfill_timestamp=datetime.now(UTC).timestamp(),
            tags={},
            dynamic_partitions_store=self.instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=run_config,
        )
        self.instance.add_backfill(backfill)
        for _ in range(5):
            list(execute_backfill_iteration(self.workspace, LOG))
            self._run_what_is_queued()
            now = self.instance.get_backfill("asked-for")
            if now is not None and now.status in BULK_ACTION_TERMINAL_STATUSES:
                return now.status
        raise AssertionError("the backfill did not end in five ticks of the daemon")

    def runs(self) -> list[Run]:
        """Every run, oldest first."""
        return [Run(self.instance, each.run_id) for each in reversed(self.instance.get_runs())]

    def _run_what_is_queued(self) -> None:
        list(QueuedRunCoordinatorDaemon(interval_seconds=1).run_iteration(self.workspace))
