"""A sync that ended with the platform, and one that somebody canceled, on pages and in the API."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.platform import Platform
from sync_platform_tests.transport.small_dagster import SmallDagster, small_dagster
from sync_platform_tests.web.conftest import MakeKey
from sync_platform_tests.web.serving import Visitor
from sync_platform_tests.web.visiting import read

SYNCS = "/api/v1/connections/acme-hubspot/syncs"
GOES_ON = "What it had committed stays; the next sync goes on from there."
STOPPED = f"because the platform or its machine was stopped; nobody canceled it. {GOES_ON}"


@pytest.fixture
def dagster(platform: Platform, acme: Connection) -> Iterator[SmallDagster]:
    """A Dagster for that platform."""
    with small_dagster(*(("hubspot", each.object) for each in acme.objects)) as it:
        platform.settings = replace(platform.settings, dagster_url=it.url)
        yield it


def ended_by(exit: BaseException, platform: Platform, run_id: str | None = None) -> None:
    """A sync of the contacts that this exit has just ended."""
    recording = platform.past.record(
        Target("acme-hubspot", "contacts"),
        mode=SyncMode.INCREMENTAL,
        window=SyncWindow(),
        started_at=platform.clock.now(),
        run_id=run_id,
    )
    with suppress(SystemExit, KeyboardInterrupt), recording:
        raise exit


@pytest.mark.usefixtures("dagster")
def test_the_page_tells_what_was_stopped_from_what_was_canceled(
    platform: Platform, signed_in: Visitor
) -> None:
    ended_by(SystemExit(), platform)
    told = read(signed_in, "/connections/acme-hubspot/syncs")
    assert "Stopped" in told
    assert STOPPED in told
    assert "Canceled" not in told
    ended_by(KeyboardInterrupt(), platform)
    told = read(signed_in, "/connections/acme-hubspot/syncs")
    assert "Canceled" in told
    assert f"Canceled while it ran. {GOES_ON}" in told


def test_a_request_whose_sync_was_stopped_did_not_succeed_and_tells_why(
    platform: Platform, dagster: SmallDagster, api_key: MakeKey
) -> None:
    client = api_key("read", "sync")
    asked = client.post(SYNCS, json={"objects": ["contacts"]}).json()
    (run,) = dagster.runs
    ended_by(SystemExit(), platform, run.id)
    run.status = "FAILURE"  # as Dagster has a run that ended so
    done = client.get(f"{SYNCS}/{asked['id']}").json()
    assert done["status"] == "failed"
    (sync,) = done["syncs"]
    assert sync["error"].endswith(STOPPED)
    assert (sync["sync"]["status"], sync["sync"]["error_code"]) == ("stopped", "stopped")
