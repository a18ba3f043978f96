"""`_rejected` has what is rejected now: what loads again, or is gone, lies there no more."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync_platform.destination.rejects import count_rejected
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.spec import Field, Page, Row, Unreadable
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    INCREMENTAL,
    NONE,
    destination,
    full,
    load,
    loading,
    meddle,
    people,
    progress,
    select,
)

KEYS = "SELECT key FROM acme._rejected ORDER BY id"


def reject(database: str, *ids: str, sync: str = "r") -> None:
    """Records that do not fit."""
    load(database, *({"id": id, "age": "old"} for id in ids), sync=sync)


@pytest.mark.parametrize("mode", [INCREMENTAL, FULL])
def test_a_record_that_loads_again_is_rejected_no_more(database: str, mode: SyncMode) -> None:
    reject(database, "1", "ä", '["x"]', "4")
    with loading(database, sync="s2", mode=mode) as loader:
        loader.write(Page([{"id": "1"}, {"id": "ä"}, {"id": "5"}]))
        loader.commit(progress("s2", mode))
        assert select(database, KEYS) == ['["x"]', "4"]
        loader.write(Page([{"id": '["x"]'}]))
        loader.commit(progress("s2", mode))
    assert select(database, KEYS) == ["4"]
    assert count_rejected(database, [(CONTACTS, None)]) == {("acme", "contacts"): 1}


@pytest.mark.parametrize("pages", [1, 2])
def test_of_two_records_of_one_batch_the_last_one_counts(database: str, pages: int) -> None:
    old: Row = {"id": "1", "age": "old"}
    new: Row = {"id": "1", "age": 5}
    with loading(database, sync="s1", mode=FULL) as loader:
        for rows in [[old, new]] if pages == 1 else [[old], [new]]:
            loader.write(Page(rows))
        assert loader.commit(progress("s1", FULL)) == Counts(fetched=2, created=1)
        loader.write(Page([{"id": "2", "age": "old"}, {"id": "3", "age": "old"}], gone=[("2",)]))
        loader.commit(progress("s1", FULL))
        assert loader.reconcile(lookback=NONE, most=0.0) == Counts()
    assert select(database, KEYS) == ["3"]


def test_a_record_that_nobody_can_identify_keeps_no_later_sync_from_marking(database: str) -> None:
    unknown: Any = Unreadable([1], "list")
    load(database, {"id": "1"}, {"id": "2"}, unknown)
    meddle(database, "UPDATE acme.contacts SET _synced_at = _synced_at - interval '1 day'")
    with loading(database, sync="f1", mode=FULL) as loader:
        loader.write(Page([{"id": "1"}]))
        loader.commit(progress("f1", FULL))
        assert loader.reconcile(lookback=timedelta(hours=1), most=None) == Counts(deleted=1)


def test_a_key_of_another_type_is_known_again(database: str) -> None:
    table = replace(CONTACTS, keys=("number", "id"))
    fields = (*FIELDS, Field("number", "integer"))
    bad: list[dict[str, Any]] = [{"id": "a", "number": n, "age": "old"} for n in (1, 2)]
    load(database, *bad, table=table, fields=fields, sync="s1")
    load(database, {"id": "a", "number": "2"}, table=table, fields=fields, sync="s2")
    assert select(database, KEYS) == ['["1", "a"]']


def test_a_record_that_is_gone_is_rejected_no_more(database: str) -> None:
    load(database, {"id": "1"})
    reject(database, "1", "2", "3")
    assert load(database, gone=["1", "2"], sync="s2") == Counts(deleted=1)
    assert select(database, KEYS) == ["3"]


def test_one_that_the_same_sync_reads_twice_is_what_it_was_last(database: str) -> None:
    with loading(database) as loader:
        for age in "old", 1, "old", 2:
            loader.write(Page([{"id": "1", "age": age}]))
            loader.commit(progress())
            assert select(database, KEYS) == (["1"] if age == "old" else [])


def test_a_row_that_postgres_refused_stays_until_it_is_taken(database: str) -> None:
    load(database, {"id": "1"})
    select(database, "ALTER TABLE acme.contacts ADD CHECK (age < 1000)")
    for sync in "s2", "s3":
        load(database, {"id": "1", "age": 1000}, {"id": sync}, sync=sync)
        assert select(database, KEYS) == ["1"]
    load(database, {"id": "1", "age": 7}, sync="s4")
    assert select(database, KEYS) == []


def test_what_a_failed_commit_loaded_stays_rejected(database: str) -> None:
    reject(database, "1")
    select(database, "ALTER TABLE acme.contacts ADD CHECK (age < 1000)")
    with loading(database, sync="s2") as loader:
        loader.write(Page([{"id": "1"}, *({"id": f"x{n}", "age": 1000} for n in range(101))]))
        with pytest.raises(Exception, match="violates check"):
            loader.commit(progress("s2"))
    assert select(database, KEYS) == ["1"]


def test_a_record_that_is_pushed_is_rejected_no_more(database: str) -> None:
    reject(database, "1")
    with destination(database).open(CONTACTS, FIELDS, sync="push") as loader:
        loader.write(Page([{"id": "1"}]))
        loader.commit(progress("push"))
    assert select(database, KEYS) == []


def test_a_refresh_of_computed_fields_says_nothing_of_the_others(database: str) -> None:
    load(database, {"id": "1", "age": 1})
    reject(database, "1")
    some = (Field("id"), Field("email", computed=True))
    with destination(database).open(CONTACTS, some, sync="c", known_only=True) as loader:
        loader.write(Page([{"id": "1", "email": "new"}]))
        assert loader.commit(progress("c", SyncMode.COMPUTED)).updated == 1
    assert select(database, KEYS) == ["1"]


COMPUTED = (Field("id"), Field("age", "integer", computed=True))
REASONS = "SELECT sync, reason FROM acme._rejected ORDER BY id"


def refresh(database: str, age: Any, sync: str) -> Counts:
    with destination(database).open(CONTACTS, COMPUTED, sync=sync, known_only=True) as loader:
        loader.write(Page([{"id": "1", "age": age}]))
        return loader.commit(progress(sync, SyncMode.COMPUTED))


@pytest.mark.parametrize("pages", [refresh, lambda url, age, _: load(url, {"id": "1", "age": age})])
def test_what_a_refresh_rejected_is_rejected_no_more_once_it_fits(
    database: str, pages: Callable[[str, Any, str], Counts]
) -> None:
    load(database, {"id": "1", "age": 1})
    for sync in ("c1", "c2"):
        assert refresh(database, "#ERROR", sync).rejected == 1
    [(sync, reason)] = select(database, REASONS)
    assert sync == "c2"
    assert reason.startswith('In a refresh of computed fields: The field "age" holds "#ERROR"')
    assert pages(database, 7, "c3").updated == 1
    assert select(database, REASONS) == []


def test_what_a_refresh_rejected_and_mended_leaves_the_whole_record_rejected(database: str) -> None:
    load(database, {"id": "1", "email": "a\0", "age": 1})
    refresh(database, "#ERROR", "c1")
    assert [sync for sync, _ in select(database, REASONS)] == ["s1", "c1"]
    assert refresh(database, 7, "c2") == Counts(fetched=1)
    assert [sync for sync, _ in select(database, REASONS)] == ["s1"]
    refresh(database, "#ERROR", "c3")
    assert load(database, {"id": "1", "email": "a", "age": 1}, sync="s2").created == 1
    assert select(database, REASONS) == []


def test_a_full_sync_takes_out_all_that_older_ones_rejected(database: str) -> None:
    unknown: Any = Unreadable([1], "list")
    load(database, *people(3))
    load(database, unknown, {"age": 1}, {"id": "8", "age": "old"}, {"id": "9", "age": "old"})
    load(database, {"id": "1", "age": "old"}, table=replace(CONTACTS, name="deals"))
    with loading(database, sync="killed", mode=FULL) as killed:
        killed.write(Page([{"id": "0", "age": "old"}]))
        killed.commit(progress("killed", FULL))
    with destination(database).open(CONTACTS, FIELDS, sync="f2") as loader:
        loader.begin(progress("f2", FULL), resume=True)
        loader.write(Page([{"id": "1"}, {"id": "9", "age": "older"}]))
        loader.commit(progress("f2", FULL))
        assert loader.reconcile(lookback=NONE, most=None) == Counts(deleted=1)
    found = select(database, "SELECT table_name, key, sync FROM acme._rejected ORDER BY key")
    assert found == [("contacts", "0", "killed"), ("deals", "1", "s1"), ("contacts", "9", "f2")]


def test_a_full_sync_that_cannot_reconcile_takes_nothing_out(database: str) -> None:
    reject(database, "1")
    meddle(database, "UPDATE acme._rejected SET rejected_at = now() - interval '1 hour'")
    unknown: Any = Unreadable([1], "list")
    with loading(database, sync="f1", mode=FULL) as loader:
        loader.write(Page([unknown]))
        loader.commit(progress("f1", FULL))
        assert loader.reconcile(lookback=timedelta(0), most=None) is None
    assert select(database, KEYS) == ["1", None]
    assert full(database, sync="f2") == Counts()
    assert select(database, KEYS) == []
