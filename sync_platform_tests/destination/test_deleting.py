from datetime import timedelta

import pytest

from sync_platform.engine.results import Counts
from sync_platform.errors import TooManyDeletes
from sync_platform.spec import Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    NONE,
    full,
    load,
    loading,
    meddle,
    people,
    progress,
    select,
)
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.memory_destination import MemoryDestination

HOUR = timedelta(hours=1)
DELETED = "SELECT id, _deleted_by FROM acme.contacts WHERE _deleted_at IS NOT NULL ORDER BY id"


def test_gone_keys_are_marked_once(database: str) -> None:
    load(database, *people(3))
    assert load(database, gone=[("1",), 2, ("unknown",)]) == Counts(deleted=2)
    assert load(database, gone=[("1",)]) == Counts()
    assert select(database, DELETED) == [("1", "vendor"), ("2", "vendor")]


def test_a_record_that_returns_is_live_again_and_counts_as_updated(database: str) -> None:
    load(database, *people(2), gone=[("1",)])
    assert load(database, *people(2)) == Counts(fetched=2, updated=1)
    assert select(database, DELETED) == []


def test_of_a_row_and_a_gone_key_the_later_page_wins(database: str) -> None:
    with loading(database) as loader:
        loader.write(Page(rows=people(2)))
        loader.write(Page(gone=[("0",)]))
        assert loader.commit(progress()) == Counts(fetched=2, created=2, deleted=1)
        loader.write(Page(gone=[("0",), ("1",)]))
        loader.write(Page(rows=people(1)))
        assert loader.commit(progress()) == Counts(fetched=1, updated=1, deleted=1)
    assert select(database, DELETED) == [("1", "vendor")]


def test_a_later_page_wins_also_where_it_comes_with_rows_and_gone_keys(database: str) -> None:
    first, second = people(2)
    with loading(database) as loader:
        loader.write(Page(rows=[first], gone=[("1",)]))
        loader.write(Page(rows=[second], gone=[("0",)]))
        loader.write(Page(rows=[first]))
        loader.write(Page(gone=[("1",)]))
        loader.write(Page(rows=[{**second, "age": 7}]))
        assert loader.commit(progress()) == Counts(fetched=4, created=2)
    assert select(database, DELETED) == []


def test_a_gone_key_that_cannot_be_one_is_kept_as_rejected(database: str) -> None:
    assert load(database, gone=[(None,)]) == Counts(fetched=1, rejected=1)
    assert select(database, "SELECT record FROM acme._rejected") == ["[null]"]


def test_a_full_sync_marks_what_it_did_not_see(database: str) -> None:
    full(database, *people(4))
    assert full(database, *people(3), sync="f2") == Counts(fetched=3, deleted=1)
    assert select(database, DELETED) == [("3", "reconcile")]
    assert full(database, *people(4), sync="f3") == Counts(fetched=4, updated=1)
    assert select(database, "SELECT to_regclass('acme._seen_contacts') IS NULL") == [True]


def test_a_record_that_was_rejected_is_not_deleted(database: str) -> None:
    full(database, *people(2))
    counts = full(database, people(1)[0], {"id": "1", "age": "old"}, sync="f2")
    assert counts == Counts(fetched=2, rejected=1)
    assert select(database, DELETED) == []


def test_rows_written_after_the_sync_began_are_safe(database: str) -> None:
    with loading(database, mode=FULL) as loader:
        loader.write(Page(people(1)))
        loader.commit(progress(mode=FULL))
        select(
            database,
            "INSERT INTO acme.contacts (id, _synced_at) VALUES ('pushed', now())",
        )
        assert loader.reconcile(lookback=NONE, most=None) == Counts()


def test_too_many_deletes_are_refused_and_nothing_is_marked(database: str) -> None:
    full(database, *people(10))
    with pytest.raises(TooManyDeletes, match=r"6 of 10 records .* accept the deletes"):
        full(database, *people(4), most=0.5, sync="f2")
    assert select(database, DELETED) == []
    assert full(database, *people(5), most=0.5, sync="f3").deleted == 5
    assert full(database, most=None, sync="f4").deleted == 5


def test_a_share_below_the_limit_may_go_however_it_is_rounded(database: str) -> None:
    full(database, *people(120))
    assert full(database, *people(91), most=0.29, sync="f2").deleted == 29


def test_an_empty_read_deletes_nothing_whatever_the_share(database: str) -> None:
    full(database, *people(2))
    with pytest.raises(TooManyDeletes):
        full(database, most=1.0, sync="f2")


def age(database: str, *, start: int) -> None:
    """The rows from this one on were written long before the look-back of an hour."""
    old = "UPDATE acme.contacts SET _synced_at = now() - interval '2 hours'"
    meddle(database, f"{old} WHERE id::int >= {start}")


@pytest.mark.parametrize(("spared", "most"), [(6, 0.5), (9, 0.5), (1, 1.0), (0, 1.0), (6, 0)])
def test_an_empty_read_is_refused_also_where_the_lookback_spares_rows(
    database: str, spared: int, most: float
) -> None:
    full(database, *people(10))
    age(database, start=spared)
    with (
        loading(database, sync="f2", mode=FULL) as loader,
        pytest.raises(TooManyDeletes, match=f"no usable record, and {10 - spared} of 10 .* accept"),
    ):
        loader.reconcile(lookback=HOUR, most=most)
    assert select(database, DELETED) == []
    with loading(database, sync="f3", mode=FULL) as loader:
        assert loader.reconcile(lookback=HOUR, most=None) == Counts(deleted=10 - spared)


def test_the_destination_in_memory_refuses_an_empty_read_too() -> None:
    clock = FakeClock()
    memory = MemoryDestination(clock)
    for rows in people(4, start=6), people(6):
        with memory.open(CONTACTS, FIELDS, sync="s1") as loader:
            loader.write(Page(rows=rows))
            loader.commit(progress())
        clock.pass_by(timedelta(hours=2))
    lookback = timedelta(hours=3)  # six were written since
    with memory.open(CONTACTS, FIELDS, sync="f2") as loader:
        loader.begin(progress("f2", FULL), resume=False)
        with pytest.raises(TooManyDeletes):
            loader.reconcile(lookback=lookback, most=0.5)
        assert loader.reconcile(lookback=lookback, most=None) == Counts(deleted=4)


def test_an_empty_read_is_well_where_the_lookback_spares_every_row(database: str) -> None:
    full(database, *people(3))
    with loading(database, sync="f2", mode=FULL) as loader:
        assert loader.reconcile(lookback=HOUR, most=0.5) == Counts()


def test_a_read_of_rejected_records_alone_is_not_an_empty_one(database: str) -> None:
    full(database, *people(10))
    age(database, start=9)
    with loading(database, sync="f2", mode=FULL) as loader:
        loader.write(Page(rows=[{"id": "0", "age": "old"}]))
        loader.commit(progress("f2", FULL))
        assert loader.reconcile(lookback=HOUR, most=0.5) == Counts(deleted=1)


def test_records_that_have_no_key_are_no_proof_that_the_read_was_not_empty(database: str) -> None:
    full(database, *people(10))
    age(database, start=9)
    with loading(database, sync="f2", mode=FULL) as loader:
        loader.write(Page(rows=[{"id": None}]))
        loader.commit(progress("f2", FULL))
        with pytest.raises(TooManyDeletes):
            loader.reconcile(lookback=HOUR, most=0.5)


def test_an_empty_table_can_be_reconciled(database: str) -> None:
    with loading(database, mode=FULL) as loader:
        assert loader.reconcile(lookback=NONE, most=0.5) == Counts()
