"""Syncs for tests of history: run in a line, ended as asked."""

from contextlib import suppress
from datetime import timedelta

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import SyncResult, Target
from sync_platform.store.history import History
from sync_platform_tests.store.conftest import HandClock

CONTACTS = Target("acme-hubspot", "contacts")
DEALS = Target("acme-hubspot", "deals")


def ended(
    history: History,
    clock: HandClock,
    target: Target = CONTACTS,
    *,
    mode: SyncMode = SyncMode.INCREMENTAL,
    error: BaseException | None = None,
    lasting: timedelta = timedelta(seconds=10),
) -> SyncResult:
    """A sync that began now, took so long and ended so; a minute passes after it."""
    recording = history.record(target, mode=mode, window=SyncWindow(), started_at=clock.now())
    with suppress(*([type(error)] if error else [])), recording as record:
        clock.sleep(lasting.total_seconds())
        if error is not None:
            raise error
    clock.sleep(60)
    return record.result
