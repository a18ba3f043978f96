"""Glances at the history, held against the whole of it."""

import pytest

from sync_platform.engine import breaker
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.errors import NeedsReauth, SyncPlatformError, TooManyDeletes, VendorUnavailable
from sync_platform.store.connections import Connections
from sync_platform.store.database import Database
from sync_platform.store.glances import Glances
from sync_platform.store.history import History
from sync_platform_tests.store.conftest import HandClock
from sync_platform_tests.store.syncs import CONTACTS, DEALS, ended

DOWN, GUARDED = VendorUnavailable("HubSpot is down."), TooManyDeletes("Too many.")


@pytest.fixture
def history(store: Database, clock: HandClock, acme: Connection) -> History:
    return History(store, clock)


def test_what_has_never_synced_is_not_there(store: Database, acme: Connection) -> None:
    assert Glances(store).all() == {}


def test_it_is_the_latest_that_ended_and_whether_one_runs(
    history: History, clock: HandClock, store: Database
) -> None:
    ended(history, clock, error=DOWN)
    last = ended(history, clock)
    glances = Glances(store).all("acme-hubspot")
    assert glances.keys() == {CONTACTS}
    it = glances[CONTACTS]
    assert (it.last_status, it.last_finished_at) == (SyncStatus.SUCCEEDED, last.finished_at)
    assert (it.running, it.failures, it.stopped) == (False, (), False)
    assert Glances(store).all("another") == {}


@pytest.mark.parametrize(
    "errors",
    [
        [DOWN] * 5,
        [DOWN] * 4,
        [NeedsReauth()],
        [DOWN] * 5 + [GUARDED],
        [DOWN] * 5 + [None],
        [DOWN] * 2 + [None] + [DOWN] * 3,
        [GUARDED] * 6,
    ],
)
def test_it_tells_of_the_breaker_what_the_whole_history_tells(
    history: History, clock: HandClock, store: Database, errors: list[SyncPlatformError | None]
) -> None:
    for error in errors:
        clock.sleep(60)
        ended(history, clock, error=error)
    known = history.activity().get(CONTACTS, TargetActivity())
    assert Glances(store).all()[CONTACTS].stopped == breaker.is_open(known.recent, known.resumed_at)


@pytest.mark.parametrize("error", [None, DOWN, NeedsReauth()])
def test_a_refresh_of_computed_fields_hides_no_failures(
    history: History, clock: HandClock, store: Database, error: SyncPlatformError | None
) -> None:
    for each in [DOWN] * 4:
        ended(history, clock, error=each)
    ended(history, clock, mode=SyncMode.COMPUTED, error=error)
    hopeless = isinstance(error, NeedsReauth)
    assert Glances(store).all()[CONTACTS].stopped is hopeless
    ended(history, clock, error=DOWN)
    ended(history, clock, mode=SyncMode.COMPUTED)
    known = history.activity()[CONTACTS]
    assert breaker.is_open(known.recent, known.resumed_at)
    assert Glances(store).all()[CONTACTS].stopped


def test_it_tells_how_the_full_syncs_went(
    history: History, clock: HandClock, store: Database
) -> None:
    ended(history, clock, mode=SyncMode.FULL, error=DOWN)
    glance = Glances(store).all()[CONTACTS]
    assert glance.fulls == history.activity()[CONTACTS].fulls
    assert glance.fulls.failed == 1


def test_a_resumed_object_is_stopped_no_more(
    history: History, clock: HandClock, store: Database
) -> None:
    for _ in range(5):
        ended(history, clock, error=DOWN)
        ended(history, clock, target=DEALS, error=DOWN)
    clock.sleep(60)
    Connections(store, clock).resume_object("acme-hubspot", "deals")
    stopped = {target.object: it.stopped for target, it in Glances(store).all().items()}
    assert stopped == {"contacts": True, "deals": False}


def test_an_object_that_is_not_chosen_any_more_is_left_out(
    history: History, clock: HandClock, store: Database, acme: Connection
) -> None:
    ended(history, clock)
    ended(history, clock, target=DEALS)
    deals = [each for each in acme.objects if each.object == "deals"]
    Connections(store, clock).choose_objects(acme.name, deals)
    assert Glances(store).all().keys() == {Target(acme.name, "deals")}
