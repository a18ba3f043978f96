"""Starts runs as Dagster does by itself, and knows when one can no longer be alive.

A run is a process on the machine of the code server that started it. Should that machine lose its
power, Dagster would count the run as running for ever, and let it hold its place in the queue.
"""

import json
import os
from time import monotonic
from typing import Any

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import (
    CheckRunHealthResult,
    DefaultRunLauncher,
    LaunchRunContext,
    WorkerStatus,
)
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient

from sync_platform.embedded import server_url
from sync_platform.settings import Settings
from sync_platform.store.standing import held, lock_of

UP_TAG = "sync_platform/up"  # run tag: which `sync-platform up` started it
UP_VARIABLE = "SYNC_PLATFORM_UP"  # the same, in the environment of what it started


class RunsElsewhere(Exception):
    """A run cannot be ended from here; transport/dagster.py tells people what this says."""


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

    def terminate(self, run_id: str) -> bool:
        """Ask a run to end; False where it cannot be asked because its machine is gone.

        Raises RunsElsewhere where it lives on a machine that this one does not reach.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished and not _reached(run):
            if self._up_lives(run):
                raise RunsElsewhere(
                    "The sync runs on another machine, which cannot be reached from here, so it "
                    "was not stopped. Stop it on the pages of that machine, or give every machine "
                    "an address for this with `sync-platform up --code-server`."
                )
            return False
        return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the run can still be alive; asked twice a minute by Dagster's run monitoring."""
        up = run.tags.get(UP_TAG)
        if up is None or self._up_lives(run):  # without a tag: started by `dagster dev` or the like
            self._missed_since.pop(up or "", None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        now = monotonic()
        if now - self._missed_since.setdefault(up, now) < self.gone_after:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            "the `sync-platform up` that started this run is gone, and the run with it. The next "
            "sync goes on from what it had committed",
        )

    def _up_lives(self, run: DagsterRun) -> bool:
        """Whether the `sync-platform up` that started the run holds its lock."""
        settings = Settings.from_env()
        lock = lock_of(run.tags.get(UP_TAG, ""))
        return bool(held(server_url(settings.database_url, settings.home), [lock]))


def _reached(run: DagsterRun) -> bool:
    """Whether this process reaches the code server that has the run."""
    place = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    if not place or run.tags.get(UP_TAG) in (None, os.environ.get(UP_VARIABLE)):
        return True  # it waits, or it is one of ours
    if "port" not in place:
        return False  # a socket; here may be one of the same name, which knows nothing of the run
    try:
        DagsterGrpcClient(host=place["host"], port=place["port"]).ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True
