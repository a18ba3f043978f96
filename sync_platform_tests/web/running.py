"""A Dagster that runs what is launched, in this process: the same GraphQL calls, no processes.

It stands in for the real one, which takes half a minute to start; journeys/test_dagster_ui.py has
that one.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform_tests.transport.small_dagster import SmallDagster, SmallRun, small_dagster


@dataclass
class RunningDagster(SmallDagster):
    """Launched runs are run, one after the other, while `open` is set."""

    launched: "queue.Queue[SmallRun | None]" = field(default_factory=queue.Queue)
    open: threading.Event = field(default_factory=threading.Event)

    def _launchRun(self, params: dict[str, Any]) -> dict[str, Any]:
        told = super()._launchRun(params)
        if "run" in told:
            self.launched.put(self.runs[-1])
        return told

    def work(self, platform: Platform) -> None:
        """Run what is launched, until there is word to stop."""
        while (run := self.launched.get()) is not None:
            self.open.wait()
            if run.status == "QUEUED":
                run.status = "STARTED"
                ends = [_synced(platform, run, each) for each in run.objects]
                run.status = "SUCCESS" if all(ends) else "FAILURE"


def _synced(platform: Platform, run: SmallRun, object: str) -> bool:
    """What the object's asset would do; whether it went well."""
    config = run.config.get(object, {})
    mode, window = SyncMode(config.get("mode", "incremental")), SyncWindow()
    if "since" in config:
        mode, window = SyncMode.FROM_DATE, SyncWindow(datetime.fromisoformat(config["since"]))
    request = SyncRequest(
        Target(run.tags["sync_platform/connection"], object),
        mode=mode,
        window=window,
        run_id=run.id,
        accept_deletes=config.get("accept_deletes", False),
    )
    try:
        platform.sync(request).run(into=platform.destination)
    except SyncPlatformError:
        return False
    return True


@contextmanager
def running_dagster(platform: Platform) -> Iterator[RunningDagster]:
    """One with all assets of that platform's connectors, until the block ends."""
    assets = [
        (connector.name, obj.name)
        for connector in platform.connectors().values()
        for obj in connector.objects
    ]
    it = RunningDagster(loaded=set(assets))
    it.open.set()
    worker = threading.Thread(target=it.work, args=(platform,), name="runs", daemon=True)
    with small_dagster(it=it):
        worker.start()
        try:
            yield it
        finally:
            it.open.set()
            it.launched.put(None)
            worker.join(60)
