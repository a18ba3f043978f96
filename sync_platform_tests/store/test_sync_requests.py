from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.requested import AskedStatus, AskedSync, RequestedSyncs
from sync_platform.errors import DagsterUnavailable, UnknownConnection
from sync_platform.store.connections import Connections
from sync_platform.store.database import Database
from sync_platform.store.sync_requests import SyncRequests
from sync_platform_tests.store.conftest import HandClock
from sync_platform_tests.store.processes import process

ASKED = (
    AskedSync(object="contacts", mode=SyncMode.FULL, accept_deletes=True, run_id="a"),
    AskedSync(object="deals", mode=SyncMode.FULL, run_id="b"),
)
TURN = """
import sys
from sync_platform.store.database import Database
from sync_platform.store.sync_requests import SyncRequests
from sync_platform.transport.clock import SystemClock
database = Database(sys.argv[1])
with SyncRequests(database, SystemClock()).turn("acme-hubspot"):
    print("my turn", flush=True)
    input()
print("done", flush=True)
database.close()
"""
ACME = "acme-hubspot"
New = Callable[..., RequestedSyncs]


@pytest.fixture
def requests(store: Database, clock: HandClock) -> SyncRequests:
    return SyncRequests(store, clock)


@pytest.fixture
def new(requests: SyncRequests, acme: Connection, clock: HandClock) -> New:
    """Adds a request and gives it."""

    def make(asked: tuple[AskedSync, ...] = ASKED) -> RequestedSyncs:
        one = RequestedSyncs(
            id=requests.new_id(),
            connection=acme.name,
            asked=asked,
            asked_at=clock.now(),
            asked_by="ann",
        )
        requests.add(one)
        return one

    return make


def test_a_request_comes_back_as_it_was(requests: SyncRequests, new: New) -> None:
    one = new()
    assert requests.get("acme-hubspot", one.id) == one
    assert requests.get("another", one.id) is None
    window = SyncWindow(one.asked_at - timedelta(days=1), one.asked_at)
    other = new((AskedSync(object="deals", mode=SyncMode.FROM_DATE, window=window, run_id="c"),))
    assert requests.get("acme-hubspot", other.id) == other
    assert requests.of_runs("acme-hubspot") == {"a": one.id, "b": one.id, "c": other.id}


def test_the_same_is_found_while_it_is_under_way(requests: SyncRequests, new: New) -> None:
    one = new()
    anew = tuple(replace(each, run_id=None) for each in reversed(ASKED))
    assert requests.under_way("acme-hubspot", anew) == [one]
    assert requests.under_way("acme-hubspot", anew[:1]) == []
    requests.canceled(one.id)
    assert requests.under_way("acme-hubspot", anew) == []


def test_its_end_is_kept_and_nothing_changes_it_any_more(
    requests: SyncRequests, new: New, clock: HandClock
) -> None:
    one = new()
    asked = tuple(replace(it, ended_as=AskedStatus.FAILED, error="No.\0") for it in one.asked)
    end = replace(one, asked=asked, status=AskedStatus.FAILED, ended_at=clock.now())
    requests.saw(end)
    requests.canceled(one.id)
    requests.saw(replace(end, status=AskedStatus.SUCCEEDED))
    kept = requests.get("acme-hubspot", one.id)
    assert kept is not None
    assert (kept.status, kept.ended_at, kept.canceled_at) == (end.status, end.ended_at, None)
    assert [each.error for each in kept.asked] == ["No.", "No."]


def test_requests_are_kept_for_thirty_days_and_go_with_their_connection(
    requests: SyncRequests, new: New, clock: HandClock, store: Database
) -> None:
    one = new()
    clock.moment += timedelta(days=31)
    other = new()
    assert requests.get("acme-hubspot", one.id) is None
    Connections(store).remove("acme-hubspot")
    assert requests.get("acme-hubspot", other.id) is None
    with pytest.raises(UnknownConnection):
        requests.add(other)


def test_one_process_at_a_time_has_the_turn_and_one_that_dies_gives_it_up(
    store: Database, clock: HandClock
) -> None:
    hasty = SyncRequests(store, clock, turn_within=0.2)
    with process(TURN, store.url) as first:
        assert first.hear() == "my turn"
        with pytest.raises(DagsterUnavailable, match="still being launched"), hasty.turn(ACME):
            pass
        with hasty.turn("another"):  # is in nobody's way
            pass
        with process(TURN, store.url) as second:
            first.kill()
            assert second.hear() == "my turn"
            second.go_on()
            assert second.hear() == "done"
            with hasty.turn(ACME):
                pass
    with hasty.turn(ACME), store.statement() as other:  # the limit does not stay behind
        assert other.execute("SHOW lock_timeout").fetchone() == {"lock_timeout": "20s"}
