"""Runs whose process is told to end: because somebody canceled them, or the platform is stopped."""

import signal
from pathlib import Path

import pytest

from sync_platform.defs.partitions import current_partition
from sync_platform.engine.connections import Connection
from sync_platform.engine.results import SyncStatus
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.defs.daemon import projects_dagster
from sync_platform_tests.defs.test_two_runs import PATIENCE, a_run
from sync_platform_tests.environment import variables
from sync_platform_tests.up.conftest import until


@pytest.mark.parametrize(
    ("canceled", "number", "status"),
    [
        (True, signal.SIGINT, SyncStatus.CANCELED),
        (False, signal.SIGINT, SyncStatus.STOPPED),
        (False, signal.SIGTERM, SyncStatus.STOPPED),
    ],
    ids=["canceled", "Ctrl-C", "SIGTERM"],
)
def test_a_run_that_nobody_canceled_is_stopped_whatever_ended_its_process(
    acme: Connection,
    platform: Platform,
    settings: Settings,
    hubspot: HubSpot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    canceled: bool,
    number: signal.Signals,
    status: SyncStatus,
) -> None:
    for name, value in variables(settings).items():
        monkeypatch.setenv(name, value)
    hubspot.fail(kind="slow", seconds=PATIENCE, path="*/contacts*")
    before = hubspot.calls.total()
    today = current_partition(acme.name, "day", platform.settings.first_day)
    with projects_dagster(tmp_path) as instance:
        instance.add_dynamic_partitions("hubspot_connections", [acme.name])
        with a_run(tmp_path, today) as process:
            until(lambda: hubspot.calls.total() > before)
            if canceled:
                (run,) = instance.get_runs()
                instance.report_run_canceling(run)
            process.send_signal(number)
            said, _ = process.communicate(timeout=PATIENCE)
    (row,) = platform.history(acme.name)
    assert row.status is status, said
