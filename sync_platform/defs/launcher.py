"""Starts runs as Dagster does by itself, and knows when one can no longer be alive.

A run is a process on the machine of the code server that started it. Should that machine lose its
power, Dagster would count the run as running for ever, and let it hold its place in the queue.
"""

import os
from time import monotonic
from typing import Any

from dagster._core.launcher import (
    CheckRunHealthResult,
    DefaultRunLauncher,
    LaunchRunContext,
    WorkerStatus,
)
from dagster._core.storage.dagster_run import DagsterRun

from sync_platform.embedded import server_url
from sync_platform.settings import Settings
from sync_platform.store.standing import held, lock_of

UP_TAG = "sync_platform/up"  # run tag: which `sync-platform up` started it
UP_VARIABLE = "SYNC_PLATFORM_UP"  # the same, in the environment of what it started


class PlatformRunLauncher(DefaultRunLauncher):
    """Dagster's own launcher; runs die with the `sync-platform up` that started them."""

    gone_after = 60.0  # seconds without its lock: it may have lost its session for a moment

    def __init__(self, inst_data: Any = None) -> None:
        super().__init__(inst_data)
        self._missed_since: dict[str, float] = {}

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a process for the run, and note who does."""
        up = os.environ.get(UP_VARIABLE)
        if up:
            self._instance.add_run_tags(context.dagster_run.run_id, {UP_TAG: up})
        super().launch_run(context)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the run can still be alive; asked twice a minute by Dagster's run monitoring."""
        up = run.tags.get(UP_TAG)
        if up is None:  # started by `dagster dev` or the like
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        settings = Settings.from_env()
        if held(server_url(settings.database_url, settings.home), [lock_of(up)]):
            self._missed_since.pop(up, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        now = monotonic()
        if now - self._missed_since.setdefault(up, now) < self.gone_after:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            "the `sync-platform up` that started this run is gone, and the run with it. The next "
            "sync goes on from what it had committed",
        )
