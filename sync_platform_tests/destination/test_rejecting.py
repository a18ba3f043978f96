import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_platform.destination.rejects import MOST_KEPT, count_rejected
from sync_platform.engine.destination import Table
from sync_platform.engine.results import Counts
from sync_platform.errors import RowDoesNotFit
from sync_platform.spec import FIELD_TYPES, Field, FieldType, Page, Unreadable
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FULL,
    NONE,
    destination,
    full,
    load,
    loading,
    progress,
    select,
)
from sync_platform_tests.destination.tables import FIELDS as OF_CONTACTS

REJECTED = "SELECT key, record, reason FROM acme._rejected ORDER BY id"


def test_a_record_that_does_not_fit_is_kept_with_the_reason(database: str) -> None:
    counts = load(database, {"id": "1", "age": "old"}, {"id": "2", "age": 5})
    assert counts == Counts(fetched=2, created=1, rejected=1)
    [(key, record, reason)] = select(database, REJECTED)
    assert (key, json.loads(record)) == ("1", {"id": "1", "age": "old"})
    assert '"age" holds "old", which does not fit a column of type bigint' in reason


def test_nul_and_half_characters_survive_in_the_rejected_record(database: str) -> None:
    bad = [{"id": "1", "email": "a\0b"}, {"id": "2", "email": "\ud83d"}, {"id": "\0"}]
    assert load(database, *bad, {"id": "4"}) == Counts(fetched=4, created=1, rejected=3)
    assert [json.loads(record) for _, record, _ in select(database, REJECTED)] == bad


def test_numbers_of_many_digits_are_numbers_in_the_rejected_record(database: str) -> None:
    long = Decimal("1234567890123456.78")
    deep: Any = [long]
    for _ in range(2000):
        deep = [deep]
    load(database, {"id": "1", "age": "old", "n": long}, {"id": "2", "age": deep})
    [flat, nested] = [record for _, record, _ in select(database, REJECTED)]
    assert f'"n": {long}' in flat
    assert f"[{long}]" in nested


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ""}, {"id": "x" * 3000}, None, [1], "x"])
def test_a_record_without_a_usable_key_is_rejected(database: str, row: Any) -> None:
    assert load(database, row, {"id": "1"}) == Counts(fetched=2, created=1, rejected=1)


def test_a_record_that_no_row_can_be_made_of_is_kept_with_its_key(database: str) -> None:
    known, unknown = {"id": "1", "values": None}, [1]
    rows: list[Any] = [Unreadable(known, "KeyError: 'é'"), Unreadable(unknown, "list"), {"id": "3"}]
    assert load(database, *rows) == Counts(fetched=3, created=1, rejected=2)
    assert select(database, REJECTED) == [
        ("1", json.dumps(known), "No row can be made of the record (KeyError: '\\xe9')."),
        (None, "[1]", "No row can be made of the record (list)."),
    ]


def test_such_a_record_is_no_row_either_behind_one_that_lacks_a_field(database: str) -> None:
    rows: list[Any] = [{"id": "1"}, Unreadable({"id": "2", "name": "odd"}, "TypeError")]
    assert load(database, *rows) == Counts(fetched=2, created=1, rejected=1)
    assert select(database, "SELECT key FROM acme._rejected") == ["2"]


def test_a_record_that_nobody_can_identify_is_remembered_by_who_goes_on(database: str) -> None:
    """Nothing is marked as deleted, whichever of the two processes met it; the next sync marks."""
    unknown: Any = Unreadable([1], "list")
    load(database, {"id": "1"}, {"id": "2"})
    with loading(database, sync="f1", mode=FULL) as killed:
        killed.write(Page(rows=[{"id": "1"}, unknown]))
        killed.commit(progress("f1", FULL))
        assert killed.reconcile(lookback=NONE, most=None) is None
    with destination(database).open(CONTACTS, OF_CONTACTS, sync="f2") as going_on:
        going_on.begin(progress("f2", FULL), resume=True)
        assert going_on.reconcile(lookback=NONE, most=None) is None
        going_on.finish()
    assert full(database, {"id": "1"}, sync="f3").deleted == 1


def marked(
    database: str, fields: Sequence[Field], *rows: Any, table: Table = CONTACTS, sync: str = "f1"
) -> int | None:
    """How many rows a full sync of these marks; None where it does not go by what it saw."""
    with loading(database, table, fields, sync=sync, mode=FULL) as loader:
        loader.write(Page(rows=rows))
        loader.commit(progress(sync, FULL))
        counts = loader.reconcile(lookback=NONE, most=None)
    return None if counts is None else counts.deleted


@pytest.mark.parametrize(
    ("type", "bad"),
    [
        ("integer", "5x"),
        ("integer", float("nan")),
        ("integer", 99999999999999999999),
        ("integer", [5]),
        ("number", "1e5000"),
        ("date", "2024-02-30"),
        ("text", "5\udcff"),
        ("text", "5\0"),
        ("text", "5" * 3000),
    ],
)
def test_a_record_whose_key_does_not_fit_proves_no_deletion(
    database: str, type: FieldType, bad: Any
) -> None:
    fields = (Field("id", type), *OF_CONTACTS[1:])
    rows = [{"id": f"2024-01-0{n}" if type == "date" else n} for n in range(1, 9)]
    load(database, *rows, fields=fields)
    assert marked(database, fields, *rows[:5], {"id": bad}, *rows[6:]) is None
    assert marked(database, fields, *rows[:5], *rows[6:], sync="f2") == 1


@pytest.mark.parametrize("type", ["integer", "text"])
@pytest.mark.parametrize("empty", [{}, {"id": None}, {"id": ""}])
def test_a_record_that_has_no_key_is_no_reason_to_wait(
    database: str, type: FieldType, empty: dict[str, Any]
) -> None:
    fields = (Field("id", type), *OF_CONTACTS[1:])
    load(database, {"id": 1}, {"id": 2}, fields=fields)
    assert marked(database, fields, {"id": 1}, empty) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [((None, "5x"), 1), (("5x", None), 1), (("", 5), 1), (("5x", "a"), None), ((5, "\0"), None)],
)
def test_of_a_key_of_two_fields_one_that_is_not_there_is_enough(
    database: str, values: tuple[Any, Any], expected: int | None
) -> None:
    table = replace(CONTACTS, keys=("n", "id"))
    fields = (*OF_CONTACTS, Field("n", "integer"))
    rows = [{"n": 1, "id": "a"}, {"n": 2, "id": "a"}]
    load(database, *rows, table=table, fields=fields)
    bad = dict(zip(table.keys, values, strict=True))
    assert marked(database, fields, rows[0], bad, table=table) == expected


def test_a_gone_key_that_does_not_fit_is_no_reason_to_wait(database: str) -> None:
    fields = (Field("id", "integer"), *OF_CONTACTS[1:])
    load(database, {"id": 1}, {"id": 2}, fields=fields)
    with loading(database, fields=fields, sync="f1", mode=FULL) as loader:
        loader.write(Page([{"id": 1}], gone=[("5x",), (None,)]))
        assert loader.commit(progress("f1", FULL)).rejected == 2
        assert loader.reconcile(lookback=NONE, most=None) == Counts(deleted=1)
    for _, _, reason in select(database, REJECTED):
        assert reason.startswith("The record is gone. The ")


def test_of_a_vast_record_the_beginning_is_kept(database: str) -> None:
    vast = {"id": "1", "age": "\x01" * (MOST_KEPT // 5)}
    assert load(database, vast, {"id": "2"}) == Counts(fetched=2, created=1, rejected=1)
    [(key, length)] = select(database, "SELECT key, length(record) FROM acme._rejected")
    assert (key, length) == ("1", MOST_KEPT)


def test_a_record_rejected_again_is_kept_once(database: str) -> None:
    for sync in ("s1", "s2"):
        load(database, {"id": "1", "age": "old"}, {"age": 1}, sync=sync)
    assert select(database, "SELECT key, sync FROM acme._rejected ORDER BY key") == [
        ("1", "s2"),
        (None, "s2"),
    ]


def test_a_constraint_of_somebody_is_told_plainly(database: str) -> None:
    load(database, {"id": "1"})
    select(database, "ALTER TABLE acme.contacts ADD CHECK (age < 100)")
    with pytest.raises(RowDoesNotFit, match="constraint"):
        load(database, *[{"id": f"row {n}", "age": 100} for n in range(101)])
    assert load(database, {"id": "2", "age": 100}).rejected == 1


FIELDS = (
    Field("id"),
    *(Field(kind, kind) for kind in FIELD_TYPES),  # type: ignore[arg-type]
    Field("text2"),
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.sampled_from(["\\N", "\\.", "\\", "\t", "\n", "\r\n", "\\u0000", "\x00", "1e5", "-0"])
    | st.sampled_from(["2024-01-01T00:00:00.000Z", "2024-02-30", "20240101", "true", "12", "1.50"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
ROW = st.fixed_dictionaries({}, optional={field.name: JSON for field in FIELDS})


def exact(written: str | None) -> Any:
    """JSON, decoded with every digit of its numbers; NULL is null."""
    return json.loads(written or "null", parse_int=Decimal, parse_float=Decimal)


def test_whatever_comes_is_in_the_table_or_among_the_rejected(database: str) -> None:
    with (
        loading(database, fields=FIELDS) as loader,
        psycopg.connect(database, autocommit=True) as reader,
    ):

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(ROW, min_size=1, max_size=20))
        def check(rows: list[dict[str, Any]]) -> None:
            reader.execute("TRUNCATE acme.contacts, acme._rejected")
            rows = [row | {"id": f"row {n}"} if n % 4 else row for n, row in enumerate(rows)]
            loader.write(Page(rows))
            counts = loader.commit(progress())
            found = {
                it[0]: it[1:]
                for it in reader.execute('SELECT id, "text", text2, json::text FROM acme.contacts')
            }
            kept = [it[0] for it in reader.execute("SELECT record FROM acme._rejected")]
            assert (counts.fetched, counts.created) == (len(rows), len(found))
            assert counts.rejected == len(kept)
            for n, row in enumerate(rows):
                written = found.get(f"row {n}") if n % 4 else None
                if n % 4 and written is None:
                    assert json.dumps(row) in kept
                if written is not None:
                    for name, value in zip(("text", "text2", "json"), written, strict=True):
                        sent = row.get(name)
                        if name == "json":
                            assert exact(value) == (None if sent == "" else exact(json.dumps(sent)))
                        elif sent is None or isinstance(sent, str):
                            assert value == sent

        check()


def test_rejected_records_are_counted_by_object_from_a_moment_on(database: str) -> None:
    deals = replace(CONTACTS, name="deals")
    load(database, {"id": "1", "age": "old"}, {"id": "2", "age": "older"}, {"age": 1}, sync="s1")
    load(database, {"id": "1", "age": "old"}, table=deals)
    now = datetime.now(UTC) + timedelta(minutes=1)
    other = replace(CONTACTS, schema="nowhere")
    asked = [(CONTACTS, None), (deals, now), (other, None)]
    assert count_rejected(database, asked) == {("acme", "contacts"): 3}
    assert count_rejected(database, [(deals, now - timedelta(hours=1))]) == {("acme", "deals"): 1}
    assert count_rejected(database, []) == {}


def test_a_record_that_one_sync_rejected_twice_is_counted_once(database: str) -> None:
    with loading(database) as loader:
        for _ in range(2):
            loader.write(Page(rows=[{"id": "1", "age": "old"}, {"age": 1}]))
            loader.commit(progress())
    assert count_rejected(database, [(CONTACTS, None)]) == {("acme", "contacts"): 2}
