from datetime import UTC, datetime, timedelta

import pytest
from psycopg.conninfo import make_conninfo

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Counts, SyncResult, SyncStatus, Usage
from sync_platform.errors import RecordRejected
from sync_platform.store.database import Database
from sync_platform.store.history import History
from sync_platform.store.records import failure, new_id
from sync_platform_tests.store.conftest import HandClock
from sync_platform_tests.store.statements_heard import heard
from sync_platform_tests.store.syncs import CONTACTS

WINDOW = SyncWindow(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


@pytest.fixture
def history(store: Database, clock: HandClock, acme: Connection) -> History:
    return History(store, clock)


def kept(history: History, id: str) -> SyncResult:
    found = history.get(id)
    assert found is not None
    return found


def test_names_of_syncs_sort_by_their_start(clock: HandClock) -> None:
    first = new_id(clock.now())
    second = new_id(clock.now() + timedelta(milliseconds=1))
    assert first < second
    assert len(first) == len(second) == 32
    assert new_id(clock.now()) != new_id(clock.now())


def test_counts_are_written_every_second_at_most(history: History, clock: HandClock) -> None:
    started = clock.now()
    with history.record(
        CONTACTS, mode=SyncMode.INCREMENTAL, window=WINDOW, started_at=started
    ) as record:
        record.add(Counts(fetched=10, created=4), Usage(calls=1, bytes=100, pages=1))
        assert kept(history, record.id).counts == Counts()
        clock.sleep(1)
        record.add(Counts(fetched=5, deleted=2), Usage(calls=2, bytes=150, pages=2))
        now = kept(history, record.id)
        assert now.counts == Counts(fetched=15, created=4, deleted=2)
        assert now.usage == Usage(calls=2, bytes=150, pages=2)
        assert now.heartbeat_at == clock.now()
        record.add(Counts(fetched=1), Usage(calls=3))
    assert kept(history, record.id).counts.fetched == 16
    assert kept(history, record.id).usage.calls == 3


def test_a_heart_beats_every_five_seconds_at_most(
    history: History, clock: HandClock, store: Database
) -> None:
    started = clock.now()
    with history.record(
        CONTACTS, mode=SyncMode.INCREMENTAL, window=WINDOW, started_at=started
    ) as record:
        said = heard(store)
        for _ in range(12):
            clock.sleep(1)
            record.beat()
        assert len(said) == 2
        assert kept(history, record.id).heartbeat_at == started + timedelta(seconds=10)


def test_calls_show_within_a_second_though_nothing_is_committed_yet(
    history: History, clock: HandClock
) -> None:
    started = clock.now()
    with history.record(
        CONTACTS, mode=SyncMode.INCREMENTAL, window=WINDOW, started_at=started
    ) as record:
        clock.sleep(1)
        record.beat(Usage(calls=2, bytes=700, pages=1))
        assert kept(history, record.id).usage == Usage(calls=2, bytes=700, pages=1)
        clock.sleep(1)
        record.beat(Usage(calls=2, bytes=700, pages=1))
        assert kept(history, record.id).heartbeat_at == started + timedelta(seconds=1)
        record.beat(Usage(calls=3, bytes=900, pages=2))
        assert kept(history, record.id).usage.pages == 2
        assert kept(history, record.id).counts == Counts()


def test_a_resumed_sync_says_so_and_tells_the_window_it_goes_on_with(
    history: History, clock: HandClock
) -> None:
    with history.record(
        CONTACTS, mode=SyncMode.INCREMENTAL, window=SyncWindow(), started_at=clock.now()
    ) as record:
        record.reads(SyncMode.FULL, WINDOW, resumed=True)
    now = kept(history, record.id)
    assert (now.resumed, now.mode, now.window) == (True, SyncMode.FULL, WINDOW)
    assert now == record.result
    assert history.activity()[CONTACTS].last_full_started_at == now.started_at


def test_a_sync_that_was_taken_for_dead_and_beats_runs(history: History, clock: HandClock) -> None:
    with history.record(
        CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
    ) as record:
        clock.sleep(400)
        assert [each.id for each in history.mark_stale(clock.now())] == [record.id]
        record.beat()
        now = kept(history, record.id)
        assert (now.status, now.error, now.finished_at) == (SyncStatus.RUNNING, None, None)
    assert kept(history, record.id).status is SyncStatus.SUCCEEDED


def test_a_sync_that_was_taken_for_dead_tells_its_true_end(
    history: History, clock: HandClock
) -> None:
    with history.record(
        CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
    ) as record:
        clock.sleep(400)
        history.mark_stale(clock.now())
    assert kept(history, record.id) == record.result
    assert record.result.status is SyncStatus.SUCCEEDED


def test_a_store_that_is_away_for_a_moment_does_not_stop_a_sync(
    history: History, clock: HandClock, store: Database
) -> None:
    with history.record(
        CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
    ) as record:
        clock.sleep(10)
        block_connections(store, allow=False)
        try:
            record.add(Counts(fetched=7), Usage(calls=1))
        finally:
            block_connections(store, allow=True)
    assert kept(history, record.id).counts.fetched == 7


def block_connections(store: Database, *, allow: bool) -> None:
    """Point the store at a port where nobody listens, and back."""
    store.close()
    nowhere = {} if allow else {"host": "127.0.0.1", "port": "1"}
    store._pool._conninfo = make_conninfo(store._conninfo, **nowhere)


def test_an_error_of_ours_is_kept_with_its_sentence_code_and_evidence() -> None:
    told = failure(RecordRejected("No\0 such owner.", evidence={"status": 400, "body": "a\0b"}))
    assert told == {
        "status": SyncStatus.FAILED,
        "error": "No such owner.",
        "error_code": "record_rejected",
        "evidence": {"status": 400, "body": "ab"},
    }


def test_another_error_is_kept_as_unexpected_and_shortened() -> None:
    told = failure(ValueError("x\n" * 1000))
    assert told["error"].startswith("Unexpected: ValueError: x x x")
    assert len(told["error"]) < 400
    assert told["error_code"] == "unexpected"
    assert failure(KeyError())["error"] == "Unexpected: KeyError"


def test_an_exit_is_no_failure() -> None:
    assert failure(KeyboardInterrupt())["status"] is SyncStatus.CANCELED
    for exit in (SystemExit(143), GeneratorExit()):
        assert failure(exit)["error_code"] == "stopped"


def test_of_an_exit_it_is_told_whether_a_person_made_it() -> None:
    canceled = failure(SystemExit(), canceled=lambda exit: True)
    stopped = failure(KeyboardInterrupt(), canceled=lambda exit: False)
    assert canceled["status"] is SyncStatus.CANCELED
    assert stopped["status"] is SyncStatus.STOPPED
    assert "nobody canceled it" in stopped["error"]
    for told in (canceled, stopped):
        assert told["error"].endswith(
            "What it had committed stays; the next sync goes on from there."
        )


def test_a_removed_connection_ends_its_sync_s_row_quietly(
    history: History, clock: HandClock, store: Database
) -> None:
    with (
        history.record(
            CONTACTS, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
        ) as record,
        store.transaction() as transaction,
    ):
        transaction.execute("DELETE FROM sync_platform.connections")
    assert history.get(record.id) is None
    assert record.result.status is SyncStatus.SUCCEEDED
