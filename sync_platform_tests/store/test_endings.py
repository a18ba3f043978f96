"""How a sync's end is written while the server restarts, or is gone."""

from datetime import timedelta

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import SyncStatus
from sync_platform.errors import StoreUnavailable, TooManyDeletes, VendorUnavailable
from sync_platform.store.database import Database
from sync_platform.store.history import History
from sync_platform_tests.store.conftest import HandClock
from sync_platform_tests.store.syncs import CONTACTS
from sync_platform_tests.store.test_records import block_connections

RESTART = timedelta(seconds=10)  # a long one


class EventfulClock(HandClock):
    """While somebody waits, a server that was stopped comes back, or a person loses patience."""

    def __init__(self, store: Database) -> None:
        super().__init__()
        self._store = store
        self.back_at = self.ctrl_c_at = self.moment.max.replace(tzinfo=self.moment.tzinfo)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.moment >= self.ctrl_c_at:
            raise KeyboardInterrupt
        if self.moment >= self.back_at:
            block_connections(self._store, allow=True)


@pytest.fixture
def clock(store: Database) -> EventfulClock:
    return EventfulClock(store)


@pytest.fixture
def history(store: Database, clock: EventfulClock, acme: Connection) -> History:
    return History(store, clock)


def sync(history: History, clock: HandClock, store: Database, error: BaseException | None) -> None:
    """A full sync at whose end the server is stopped."""
    with history.record(CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()):
        block_connections(store, allow=False)
        if error is not None:
            raise error


def test_a_sync_that_went_well_is_a_success_although_the_server_restarts_at_its_end(
    history: History, clock: EventfulClock, store: Database
) -> None:
    began = clock.now()
    clock.back_at = began + RESTART
    sync(history, clock, store, None)
    (kept,) = history.recent()
    assert (kept.status, kept.finished_at) == (SyncStatus.SUCCEEDED, began)
    assert history.activity()[CONTACTS].fulls.well_at == began


def test_deletes_wait_for_a_person_although_the_server_restarts_when_they_are_refused(
    history: History, clock: EventfulClock, store: Database
) -> None:
    clock.back_at = clock.now() + RESTART
    with pytest.raises(TooManyDeletes) as raised:
        sync(history, clock, store, TooManyDeletes())
    assert not hasattr(raised.value, "__notes__")
    (waiting,) = history.waiting("acme-hubspot")
    assert waiting.error_code == "too_many_deletes"


def test_a_server_that_stays_away_is_waited_for_no_longer_than_a_restart_takes(
    history: History, clock: EventfulClock, store: Database
) -> None:
    began = clock.now()
    with pytest.raises(StoreUnavailable):
        sync(history, clock, store, None)
    assert RESTART <= clock.now() - began <= 2 * RESTART


@pytest.mark.parametrize("exit", [KeyboardInterrupt(), SystemExit(143)])
def test_what_is_canceled_or_stopped_is_not_held_up_by_a_server_that_is_gone(
    history: History, clock: EventfulClock, store: Database, exit: BaseException
) -> None:
    began = clock.now()
    with pytest.raises(type(exit)):
        sync(history, clock, store, exit)
    assert clock.now() - began < timedelta(seconds=1)
    assert "could not be written to the history" in exit.__notes__[-1]


@pytest.mark.parametrize("error", [None, VendorUnavailable("HubSpot is down.")])
def test_ctrl_c_ends_the_waiting_for_a_server_at_once(
    history: History, clock: EventfulClock, store: Database, error: VendorUnavailable | None
) -> None:
    clock.ctrl_c_at = clock.now()
    with pytest.raises(KeyboardInterrupt):
        sync(history, clock, store, error)
    assert clock.now() - clock.ctrl_c_at < timedelta(seconds=1)
