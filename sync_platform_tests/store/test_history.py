from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest

from sync_platform.engine import breaker
from sync_platform.engine.activity import FullSyncs
from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.errors import (
    LeaseLost,
    StoreUnavailable,
    TooManyDeletes,
    UnknownConnection,
    VendorUnavailable,
)
from sync_platform.store.connections import Connections
from sync_platform.store.database import Database
from sync_platform.store.glances import Glances
from sync_platform.store.history import KEPT, History
from sync_platform_tests.store.conftest import HandClock
from sync_platform_tests.store.processes import process
from sync_platform_tests.store.syncs import CONTACTS, DEALS, ended
from sync_platform_tests.store.test_records import block_connections

DOWN = VendorUnavailable("HubSpot is down.", evidence={"status": 503})


@pytest.fixture
def history(store: Database, clock: HandClock, acme: Connection) -> History:
    return History(store, clock)


def test_a_sync_is_a_row_from_its_first_moment(history: History, clock: HandClock) -> None:
    window = SyncWindow(clock.now() - timedelta(hours=1), clock.now())
    with history.record(
        CONTACTS,
        mode=SyncMode.INCREMENTAL,
        window=window,
        started_at=clock.now(),
        run_id="run-1",
        automatic=True,
    ) as record:
        assert history.recent() == [record.result]
        assert record.result.status is SyncStatus.RUNNING
        assert history.activity()[CONTACTS].running
        clock.sleep(90)
    (result,) = history.recent()
    assert result == record.result
    assert result.status is SyncStatus.SUCCEEDED
    assert result.seconds == 90
    assert result.window == window
    assert (result.run_id, result.automatic) == ("run-1", True)
    assert not history.activity()[CONTACTS].running


def test_a_failed_sync_keeps_its_error_and_lets_it_go_on(
    history: History, clock: HandClock
) -> None:
    result = ended(history, clock, error=DOWN)
    assert history.get(result.id) == result
    assert (result.status, result.error) == (SyncStatus.FAILED, "HubSpot is down.")
    assert result.error_code == "vendor_unavailable"
    assert history.evidence(result.id) == {"status": 503}


def test_one_that_ctrl_c_ended_is_canceled(history: History, clock: HandClock) -> None:
    result = ended(history, clock, error=KeyboardInterrupt())
    assert history.recent()[0].status is SyncStatus.CANCELED
    assert result.error is not None
    assert result.error.startswith("Canceled while it ran. What it had committed stays; ")


def test_one_whose_process_was_ended_is_stopped(history: History, clock: HandClock) -> None:
    result = ended(history, clock, error=SystemExit(143))
    (kept,) = history.recent()
    assert (kept.status, kept.error_code) == (SyncStatus.STOPPED, "stopped")
    assert result.error is not None
    assert result.error.startswith("Stopped while it ran, because the platform or its machine ")


def test_the_error_goes_on_where_the_history_cannot_be_written(
    history: History, clock: HandClock, store: Database
) -> None:
    def fail() -> None:
        with history.record(
            CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
        ):
            block_connections(store, allow=False)
            raise DOWN

    with pytest.raises(VendorUnavailable) as raised:
        fail()
    block_connections(store, allow=True)
    assert raised.value is DOWN
    assert "could not be written to the history" in DOWN.__notes__[-1]
    assert history.recent()[0].status is SyncStatus.RUNNING


def test_a_success_that_cannot_be_written_is_told(
    history: History, clock: HandClock, store: Database
) -> None:
    def succeed() -> None:
        with history.record(
            CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
        ):
            block_connections(store, allow=False)

    with pytest.raises(StoreUnavailable):
        succeed()
    block_connections(store, allow=True)


@pytest.mark.parametrize("error", [None, DOWN])
def test_an_end_that_is_cut_off_while_it_is_written_is_written_again(
    history: History, clock: HandClock, database: str, error: VendorUnavailable | None
) -> None:
    waiting = "datname = current_database() AND wait_event_type = 'Lock'"
    cut = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {waiting}"
    with (
        psycopg.connect(database) as holder,
        psycopg.connect(database, autocommit=True) as other,
        ThreadPoolExecutor(1) as thread,
    ):

        def cut_twice() -> None:
            for _ in range(2):
                while other.execute(cut).fetchone() is None:
                    pass
            holder.rollback()

        recording = history.record(
            CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
        )
        with suppress(VendorUnavailable), recording as record:
            locks = "SELECT FROM sync_platform.syncs WHERE id = %s FOR UPDATE"
            holder.execute(locks, [record.id])
            cutting = thread.submit(cut_twice)
            if error is not None:
                raise error
        cutting.result()
    ended_as = SyncStatus.FAILED if error else SyncStatus.SUCCEEDED
    assert history.recent()[0].status is ended_as


def test_no_sync_of_a_connection_that_is_not_there(store: Database, clock: HandClock) -> None:
    with (
        pytest.raises(UnknownConnection),
        History(store, clock).record(
            CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
        ),
    ):
        raise AssertionError("it began")


def test_recent_syncs_come_newest_first_of_what_was_asked(
    history: History, clock: HandClock
) -> None:
    first = ended(history, clock)
    second = ended(history, clock, DEALS)
    third = ended(history, clock)
    assert history.recent() == [third, second, first]
    assert history.recent("acme-hubspot", "contacts") == [third, first]
    assert history.recent(limit=1) == [third]
    assert history.recent("other") == []
    assert history.latest(CONTACTS) == third
    assert history.latest(Target("acme-hubspot", "tickets")) is None
    assert history.get("none") is None
    assert history.evidence("none") == {}


def test_the_last_fifty_are_kept_and_a_running_one_always(
    history: History, clock: HandClock, acme: Connection, store: Database
) -> None:
    other = Connection(name="other", connector="x", schema="other")
    Connections(store, clock).register(other)
    elsewhere = ended(history, clock, Target("other", "contacts"))
    with history.record(
        DEALS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
    ) as long:
        results = [ended(history, clock) for _ in range(KEPT + 3)]
        kept = history.recent("acme-hubspot", limit=1000)
        assert kept == [*reversed(results[3:]), long.result]
    assert long.result in history.recent("acme-hubspot", limit=1000)
    assert len(history.recent("acme-hubspot", limit=1000)) == KEPT
    assert history.recent("other") == [elsewhere]


def test_the_breaker_s_evidence_outlasts_the_fifty(history: History, clock: HandClock) -> None:
    """An object that syncs daily and fails must not be forgotten over one that syncs often."""
    failed = [ended(history, clock, DEALS, error=DOWN) for _ in range(7)]
    for _ in range(3):
        ended(history, clock, DEALS, error=KeyboardInterrupt())
    for _ in range(KEPT + 10):
        ended(history, clock)
    known = history.activity()[DEALS]
    assert list(known.recent) == list(reversed(failed))[: breaker.FAILURES]
    assert breaker.is_open(known.recent, known.resumed_at)
    assert len(history.recent("acme-hubspot")) == KEPT
    assert DEALS not in {each.target for each in history.recent("acme-hubspot")}
    assert len(history.recent("acme-hubspot", "deals")) == breaker.FAILURES


def test_canceled_syncs_do_not_push_out_failures(history: History, clock: HandClock) -> None:
    for error in (DOWN, DOWN, KeyboardInterrupt(), DOWN, SystemExit(), DOWN, DOWN):
        ended(history, clock, error=error)
    known = history.activity()[CONTACTS]
    assert breaker.is_open(known.recent, known.resumed_at)


def test_refusals_do_not_push_out_failures(history: History, clock: HandClock) -> None:
    for _ in range(4):
        ended(history, clock, DEALS, error=DOWN)
        ended(history, clock, DEALS, mode=SyncMode.FULL, error=TooManyDeletes())
        ended(history, clock, DEALS, error=LeaseLost())
    for _ in range(KEPT + 10):
        ended(history, clock)
    ended(history, clock, DEALS, error=DOWN)
    known = history.activity()[DEALS]
    assert len(known.recent) == breaker.FAILURES
    assert breaker.is_open(known.recent, known.resumed_at)


def test_deletes_that_wait_for_a_person_outlast_the_fifty(
    history: History, clock: HandClock
) -> None:
    for _ in range(2):
        refused = ended(history, clock, DEALS, mode=SyncMode.FULL, error=TooManyDeletes())
    for _ in range(KEPT + 10):
        ended(history, clock)
    assert history.waiting("acme-hubspot") == [refused]
    assert history.recent("acme-hubspot", "deals") == [refused]
    assert len(history.recent("acme-hubspot", limit=1000)) == KEPT + 1
    assert history.waiting("other") == []


def test_deletes_wait_until_a_full_sync_of_their_object_went_well(
    history: History, clock: HandClock
) -> None:
    refused = ended(history, clock, DEALS, mode=SyncMode.FULL, error=TooManyDeletes())
    ended(history, clock, DEALS)
    ended(history, clock, CONTACTS, mode=SyncMode.FULL)
    for error in (DOWN, KeyboardInterrupt()):
        ended(history, clock, DEALS, mode=SyncMode.FULL, error=error)
    assert history.waiting("acme-hubspot") == [refused]
    ended(history, clock, DEALS, mode=SyncMode.FULL)
    assert history.waiting("acme-hubspot") == []
    for _ in range(KEPT):
        ended(history, clock)
    assert history.get(refused.id) is None
    assert history.waiting("acme-hubspot") == []


def test_activity_tells_when_an_object_was_last_started_and_resumed(
    history: History, clock: HandClock, store: Database
) -> None:
    full = ended(history, clock, mode=SyncMode.FULL)
    for _ in range(KEPT + 1):
        last = ended(history, clock)
    Connections(store, clock).resume_object("acme-hubspot", "contacts")
    known = history.activity()
    assert set(known) == {CONTACTS}
    assert known[CONTACTS].last_started_at == last.started_at
    assert known[CONTACTS].last_full_started_at == full.started_at
    assert known[CONTACTS].resumed_at == clock.now()
    assert len(known[CONTACTS].recent) == breaker.FAILURES
    assert history.activity("acme-hubspot") == known
    assert history.activity("other") == {}


def fulls(history: History) -> FullSyncs:
    return history.activity()[CONTACTS].fulls


def test_activity_tells_which_full_sync_went_well_and_how_many_failed_since(
    history: History, clock: HandClock
) -> None:
    well = ended(history, clock, mode=SyncMode.FULL)
    assert fulls(history) == FullSyncs(well_at=well.started_at)
    for error in (DOWN, LeaseLost("It is lost.")):
        ended(history, clock, mode=SyncMode.FULL, error=error)
    for _ in range(KEPT + 1):
        ended(history, clock)
    expected = FullSyncs(well_at=well.started_at, failed=2, error="It is lost.")
    assert fulls(history) == expected
    well = ended(history, clock, mode=SyncMode.FULL)
    assert fulls(history) == FullSyncs(well_at=well.started_at)


def test_a_full_sync_that_waits_for_its_deletes_has_read_everything(
    history: History, clock: HandClock
) -> None:
    refused = ended(history, clock, mode=SyncMode.FULL, error=TooManyDeletes())
    assert fulls(history) == FullSyncs(well_at=refused.started_at)


def test_a_full_sync_has_not_failed_while_it_runs_and_has_once_its_process_is_gone(
    history: History, clock: HandClock
) -> None:
    with history.record(
        CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
    ) as record:
        assert fulls(history).failed == 0
        clock.sleep(400)
        history.mark_stale(clock.now())
        assert fulls(history) == FullSyncs(failed=1)
        record.beat()
    assert fulls(history) == FullSyncs(well_at=record.result.started_at)


def test_an_incremental_sync_that_ends_an_interrupted_full_one_is_the_full_one_that_went_well(
    history: History, clock: HandClock
) -> None:
    ended(history, clock, mode=SyncMode.FULL, error=DOWN)
    with history.record(
        CONTACTS, mode=SyncMode.INCREMENTAL, window=SyncWindow(), started_at=clock.now()
    ) as record:
        record.reads(SyncMode.FULL, SyncWindow(), resumed=True)
        clock.sleep(10)
    assert fulls(history) == FullSyncs(well_at=record.result.started_at)


def test_one_that_owed_a_full_read_and_failed_is_a_try_of_a_full_sync(
    history: History, clock: HandClock
) -> None:
    well = ended(history, clock, mode=SyncMode.FULL)
    recording = history.record(
        CONTACTS, mode=SyncMode.INCREMENTAL, window=SyncWindow(), started_at=clock.now()
    )
    with suppress(VendorUnavailable), recording as record:
        record.reads(SyncMode.FULL, SyncWindow(), resumed=False)
        assert fulls(history).failed == 0
        record.reads(
            SyncMode.FULL, SyncWindow(), resumed=False
        )  # a second attempt of the same sync
        assert history.recent() == [record.result, well]
        assert (record.result.mode, record.result.resumed) == (SyncMode.FULL, False)
        clock.sleep(10)
        raise DOWN
    assert fulls(history) == FullSyncs(well_at=well.started_at, failed=1, error=str(DOWN))
    assert history.activity()[CONTACTS].last_full_started_at == record.result.started_at


def test_one_that_went_on_with_an_interrupted_full_one_is_no_try_of_its_own(
    history: History, clock: HandClock
) -> None:
    ended(history, clock, mode=SyncMode.FULL, error=DOWN)
    recording = history.record(
        CONTACTS, mode=SyncMode.INCREMENTAL, window=SyncWindow(), started_at=clock.now()
    )
    with suppress(VendorUnavailable), recording as record:
        record.reads(SyncMode.FULL, SyncWindow(), resumed=True)
        clock.sleep(10)
        raise DOWN
    assert fulls(history) == FullSyncs(failed=1, error=str(DOWN))


def test_what_is_asked_of_all_connections_makes_no_plan_for_what_is_asked_of_one(
    history: History, clock: HandClock, store: Database
) -> None:
    """A plan that serves both would read the history of all for the one."""
    ended(history, clock)
    glances = Glances(store)
    for connection in [None] * 8 + ["acme-hubspot"] * 8:
        history.recent(connection)
        history.activity(connection)
        glances.all(connection)
    with store.statement() as session:  # the same one: it was used last
        plans = session.execute(
            "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%.syncs%'"
        )
        assert plans.fetchall() == []


def test_a_sync_not_heard_of_for_five_minutes_is_stale(history: History, clock: HandClock) -> None:
    with history.record(
        CONTACTS,
        mode=SyncMode.FULL,
        window=SyncWindow(),
        started_at=clock.now(),
        run_id="run-7",
    ) as record:
        clock.sleep(60)
        record.beat()
        heard = clock.now()
        clock.sleep(300)
        assert history.mark_stale(clock.now()) == []
        clock.sleep(1)
        (stale,) = history.mark_stale(clock.now())
        assert stale.id == record.id
        assert stale.status is SyncStatus.STALE
        assert stale.finished_at == stale.heartbeat_at == heard
        assert "Not heard of for five minutes" in (stale.error or "")
        assert "(Dagster run run-7)" in (stale.error or "")
        assert history.mark_stale(clock.now()) == []


BEGIN = """
import sys
from datetime import datetime
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.store.database import Database
from sync_platform.store.history import History
from sync_platform_tests.store.conftest import HandClock
clock = HandClock()
history = History(Database(sys.argv[1]), clock)
with history.record(Target("acme-hubspot", "contacts"), mode=SyncMode.FULL, window=SyncWindow(),
                    started_at=clock.now()) as record:
    print(record.id, flush=True)
    input()
"""


def test_the_row_of_a_killed_process_is_closed_when_the_next_sync_begins(
    history: History, clock: HandClock, database: str
) -> None:
    with process(BEGIN, database) as other:
        id = other.hear()
        other.kill()
    assert history.recent()[0].status is SyncStatus.RUNNING
    clock.sleep(1)
    after = ended(history, clock)
    killed = history.get(id)
    assert killed is not None
    assert (killed.status, killed.error_code) == (SyncStatus.FAILED, "interrupted")
    assert "its process ended without a word" in (killed.error or "")
    assert killed.finished_at == killed.heartbeat_at
    assert history.recent() == [after, killed]


def test_one_that_was_followed_up_stays_closed(history: History, clock: HandClock) -> None:
    with history.record(
        CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
    ) as lost:
        clock.sleep(10)
        ended(history, clock)
        lost.beat()
    found = history.get(lost.id)
    assert found is not None
    assert found.error_code == "interrupted"


def test_pruning_at_the_same_time_does_not_wait(
    history: History, clock: HandClock, store: Database
) -> None:
    oldest = ended(history, clock)
    for _ in range(KEPT - 1):
        ended(history, clock)
    with store.transaction() as other:
        other.execute("SELECT FROM sync_platform.syncs WHERE id = %s FOR UPDATE", (oldest.id,))
        ended(history, clock)
    assert len(history.recent(limit=1000)) == KEPT + 1
    ended(history, clock)
    assert len(history.recent(limit=1000)) == KEPT
