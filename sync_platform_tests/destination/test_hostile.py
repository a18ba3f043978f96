"""What a vendor may send that nobody hopes for: all of it loads, or is kept as rejected."""

import json
from dataclasses import replace
from typing import Any

import orjson
import psycopg
import pytest

from sync_platform.destination.names import SYSTEM_COLUMNS
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.results import Counts
from sync_platform.spec import FIELD_TYPES, Field
from sync_platform_tests.destination.tables import CONTACTS, load, select

REJECTED = "SELECT key, record, sync FROM acme._rejected"
TYPED = [Field("id"), *(Field(f"a_{kind}", kind) for kind in FIELD_TYPES)]  # type: ignore[arg-type]
NUMBERS_AND_TIMES = ("integer", "number", "boolean", "date", "timestamp")


def nested(levels: int) -> Any:
    found: Any = ["é\\", None, 1.5]
    for level in range(levels):
        found = [found, level] if level % 2 else {"a": 1, 'the "next"': found}
    return found


def same(one: Any, other: Any) -> bool:
    """Equality without recursion."""
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other) or (
            isinstance(one, dict | list) and len(one) != len(other)
        ):
            return False
        if isinstance(one, dict):
            if one.keys() != other.keys():
                return False
            pairs += [(one[name], other[name]) for name in one]
        elif isinstance(one, list):
            pairs += zip(one, other, strict=True)
        elif one != other:
            return False
    return True


def test_postgres_really_keeps_these_names_for_itself(database: str) -> None:
    query = "SELECT attname FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND attnum < 0"
    assert set(select(database, query)) == set(SYSTEM_COLUMNS)


def test_fields_named_as_postgres_own_columns_get_columns(database: str) -> None:
    names = ["id", *SYSTEM_COLUMNS, "oid", "CTID"]
    row = {name: f"value of {name}" for name in names}
    for _ in range(2):
        load(database, row, fields=[Field(name) for name in names])
    columns = PostgresDestination(database).column_names(CONTACTS)
    assert len(set(columns.values())) == len(names)
    with psycopg.connect(database) as connection:
        cursor = psycopg.Cursor(connection, row_factory=psycopg.rows.dict_row)
        [found] = cursor.execute("SELECT * FROM acme.contacts").fetchall()
    assert {name: found[column] for name, column in columns.items()} == row


def test_a_key_and_an_object_may_be_named_so_too(database: str) -> None:
    table = replace(CONTACTS, name="ctid", keys=("ctid",))
    fields = [Field("ctid"), Field("xmin", "integer")]
    assert load(database, {"ctid": "1", "xmin": 1}, table=table, fields=fields).created == 1
    assert load(database, {"ctid": "1", "xmin": 2}, table=table, fields=fields).updated == 1
    assert load(database, gone=["1"], table=table, fields=fields).deleted == 1


def test_an_object_may_have_nothing_but_its_key(database: str) -> None:
    only = [Field("id")]
    assert load(database, {"id": "1", "more": 5}, fields=only) == Counts(fetched=1, created=1)
    assert load(database, {"id": "1"}, fields=only) == Counts(fetched=1)


@pytest.mark.parametrize("levels", [300, 1_000])
def test_nested_data_loads_or_is_kept_whole_however_deep_it_is(database: str, levels: int) -> None:
    row = {"id": "1", "v": nested(levels)}
    fields = [Field("id"), Field("v", "json")]
    counts = load(database, row, {"id": "2"}, fields=fields)
    assert counts in (
        Counts(fetched=2, created=2),
        Counts(fetched=2, created=1, rejected=1),
    )
    if counts.rejected:
        [(key, record, sync)] = select(database, REJECTED)
        assert (key, sync) == ("1", "s1")
    else:
        query = (
            "SELECT jsonb_build_object('id', id, 'v', v)::text FROM acme.contacts WHERE id = '1'"
        )
        [record] = select(database, query)
    assert same(orjson.loads(record), row)


def test_a_text_of_ten_megabytes_loads_and_one_that_does_not_fit_is_kept_whole(
    database: str,
) -> None:
    long = "é\\\t\n" * 2_500_000
    rows = [{"id": "1", "email": long}, {"id": "2", "age": "9" * 10_000_000}]
    assert load(database, *rows) == Counts(fetched=2, created=1, rejected=1)
    assert select(database, "SELECT email FROM acme.contacts") == [long]
    [(key, record, _)] = select(database, REJECTED)
    assert key == "2"
    assert json.loads(record) == rows[1]


@pytest.mark.parametrize(
    "value",
    [
        "null",
        "NaN",
        "-Infinity",
        "0000-00-00",
        "0000-01-01",
        "0000-01-01T00:00:00Z",
        "+292278994-08-17T07:12:55.807Z",
        "-292275055-05-16T16:47:04.192Z",
        "292277026596-12-04",
    ],
)
def test_texts_that_are_no_number_and_no_time_are_rejected_there_and_never_null(
    database: str, value: str
) -> None:
    rows = [{"id": kind, f"a_{kind}": value} for kind in FIELD_TYPES]
    counts = load(database, *rows, fields=TYPED)
    assert counts.rejected == len(NUMBERS_AND_TIMES)
    assert {key for key, _, _ in select(database, REJECTED)} == set(NUMBERS_AND_TIMES)
    assert select(database, "SELECT a_text, a_json FROM acme.contacts ORDER BY id") == [
        (None, value),
        (value, None),
    ]


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 292_278_994 * 10**9, 253_402_300_800_000])
def test_milliseconds_beyond_the_year_9999_are_rejected_and_never_null(
    database: str, value: int
) -> None:
    rows = [{"id": kind, f"a_{kind}": value} for kind in ("date", "timestamp", "integer")]
    assert load(database, *rows, fields=TYPED) == Counts(fetched=3, created=1, rejected=2)
    assert select(database, "SELECT a_integer FROM acme.contacts") == [value]
