"""A sync in a terminal that is ended by a signal, and what history says of it."""

import os
import signal
import subprocess

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.results import SyncStatus
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.environment import variables
from sync_platform_tests.started import SCRIPT
from sync_platform_tests.up.conftest import until


@pytest.mark.parametrize(
    ("number", "code", "status", "sentence"),
    [
        (signal.SIGINT, 130, SyncStatus.CANCELED, "Canceled while it ran."),
        (signal.SIGTERM, 143, SyncStatus.STOPPED, "Stopped while it ran, because the platform"),
    ],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_ctrl_c_cancels_a_sync_and_sigterm_stops_it(
    settings: Settings,
    platform: Platform,
    acme: Connection,
    hubspot: HubSpot,
    number: signal.Signals,
    code: int,
    status: SyncStatus,
    sentence: str,
) -> None:
    hubspot.fail(kind="slow", seconds=30, path="*/contacts*")
    before = hubspot.calls.total()
    environment = {**os.environ, **variables(settings)}
    words = [SCRIPT, "sync", acme.name, "contacts"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: hubspot.calls.total() > before)
            process.send_signal(number)
            process.wait(timeout=20)
        finally:
            process.kill()
    assert process.returncode == code
    (row,) = platform.history(acme.name)
    assert row.status is status
    assert row.error is not None
    assert row.error.startswith(sentence)
    assert row.error.endswith("What it had committed stays; the next sync goes on from there.")
