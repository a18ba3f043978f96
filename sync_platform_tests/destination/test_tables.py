from bisect import bisect_left
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations
from typing import Any

import psycopg
import pytest

from sync_platform.destination.cells import CELLS, NULL
from sync_platform.destination.columns import POSTGRES, Column, RowEncoder
from sync_platform.destination.names import storable
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.destination import Table
from sync_platform.engine.results import Counts
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, FieldType
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    destination,
    load,
    meddle,
    people,
    select,
)


def columns(url: str) -> dict[str, str]:
    return {name: type for name, type, _ in PostgresDestination(url).column_types(CONTACTS)}


def test_a_table_says_where_it_comes_from(database: str) -> None:
    load(database, *people(1))
    assert PostgresDestination(database).column_types(CONTACTS) == [
        ("id", "text", "synced from HubSpot contacts: id"),
        ("email", "text", "synced from HubSpot contacts: Email"),
        ("age", "bigint", "synced from HubSpot contacts: age"),
        (
            "_synced_at",
            "timestamp with time zone",
            "sync_platform: when the row was last written",
        ),
        (
            "_deleted_at",
            "timestamp with time zone",
            "sync_platform: since when the record is gone",
        ),
        (
            "_deleted_by",
            "text",
            "sync_platform: who said it is gone, 'vendor' or 'reconcile'",
        ),
    ]
    assert select(database, "SELECT obj_description('acme.contacts'::regclass)") == [
        "HubSpot contacts, synced from acme-hubspot"
    ]


def test_strange_field_names_get_columns_of_their_own(database: str) -> None:
    names = [
        "id", "firstName", "First Name", "FIRST NAME", "first_name", "_synced_at", "_deleted_at",
        "🎉", "%", "", "1st", "select", 'a"b', "a;--", "\x00", "\ud800", "n" * 100, "n" * 101,
        "_more", "{id}", "%s",
    ]  # fmt: skip
    fields = [Field(name) for name in names]
    load(database, {name: f"value of {n}" for n, name in enumerate(names)}, fields=fields)
    mapping = PostgresDestination(database).column_names(CONTACTS)
    assert len(set(mapping.values())) == len(names)
    assert not any(column.startswith("_") for column in mapping.values())
    with psycopg.connect(database) as connection:
        rows = psycopg.Cursor(connection, row_factory=psycopg.rows.dict_row)
        row = rows.execute("SELECT * FROM acme.contacts").fetchone()
    assert row is not None
    for n, name in enumerate(names):
        assert row[mapping[storable(name)]] == f"value of {n}"


def test_a_field_keeps_its_column_for_ever(database: str) -> None:
    load(database, fields=[Field("id"), Field("Email")])
    load(database, fields=[Field("email"), Field("id")])
    load(database, fields=[Field("email"), Field("Email"), Field("id")])
    mapping = PostgresDestination(database).column_names(CONTACTS)
    assert mapping["Email"] == "email"
    assert mapping["email"].startswith("email_")


def test_fields_beyond_the_columns_share_one(database: str) -> None:
    fields = [Field("id"), *(Field(f"f{n}") for n in range(1700))]
    row = {"id": "1", "f0": "first", "f1699": "last", "f1698": {"a": 1}}
    load(database, row, fields=fields)
    load(database, {"id": "2", "f1699": "\0"}, fields=list(reversed(fields)))
    assert select(database, "SELECT f0, _more FROM acme.contacts") == [
        ("first", {"f1699": "last", "f1698": {"a": 1}})
    ]
    [reason] = select(database, "SELECT reason FROM acme._rejected")
    assert "f1699" in reason


def test_columns_that_were_dropped_count_towards_those_that_a_table_can_have(database: str) -> None:
    load(database, *people(1))
    for start in (0, 600):
        theirs = [f"theirs_{n}" for n in range(start, start + 600)]
        for what in ("ADD COLUMN {} text", "DROP COLUMN {}"):
            changes = ", ".join(what.format(it) for it in theirs)
            select(database, f"ALTER TABLE acme.contacts {changes}")
    fields = [*FIELDS, *(Field(f"f{n}") for n in range(500))]
    assert load(database, {"id": "1", "f0": "first", "f499": "last"}, fields=fields).created == 1
    found = select(database, "SELECT f0, _more FROM acme.contacts WHERE id = '1'")
    assert found == [("first", {"f499": "last"})]


@pytest.mark.parametrize("type", ["text", "jsonb"])
def test_somebodys_own_column_of_the_shared_ones_name_is_left_alone(
    database: str, type: str
) -> None:
    load(database, *people(1))
    select(database, f"ALTER TABLE acme.contacts ADD COLUMN _more {type} DEFAULT '1'")
    assert load(database, *people(2)).created == 1
    fields = [*FIELDS, *(Field(f"f{n}") for n in range(1600))]
    with pytest.raises(ConfigurationError, match="a column of their own named '_more'"):
        load(database, {"id": "1", "f1599": "last"}, fields=fields)
    select(database, "ALTER TABLE acme.contacts RENAME COLUMN _more TO more")
    load(database, {"id": "1", "f1599": "last"}, fields=fields)
    found = select(database, "SELECT more::text, _more FROM acme.contacts WHERE id = '1'")
    assert found == [("1", {"f1599": "last"})]


def test_a_row_too_wide_for_postgres_is_rejected(database: str) -> None:
    fields = [Field("id"), *(Field(f"f{n}") for n in range(1400))]
    fits = {"id": "1"} | {f"f{n}": "x" * 5000 for n in range(250)}
    wide = {"id": "2"} | {f"f{n}": "x" * 20 for n in range(1400)}
    counts = load(database, fits, wide, fields=fields)
    assert counts == Counts(fetched=2, created=1, rejected=1)


def test_many_small_values_are_no_row_too_wide(database: str) -> None:
    letters = [Field("id"), *(Field(f"f{n}") for n in range(1400))]
    row = {"id": "1"} | {f"f{n}": "x" for n in range(1400)}
    for letter in "xy":
        row |= {"f0": letter}
        assert load(database, row, fields=letters).rejected == 0
    assert load(database, gone=["1"], fields=letters).deleted == 1
    flags = replace(CONTACTS, name="flags")
    fields = [Field("id"), *(Field(f"f{n}", "boolean") for n in range(600))]
    flagged = {"id": "1"} | {f"f{n}": True for n in range(600)}
    assert load(database, flagged, table=flags, fields=fields).created == 1


DIFFERENT = "0123456789abcdefghijklmnopqrstuvwxyz"
FILLINGS: dict[str, tuple[FieldType, Any]] = {
    "booleans": ("boolean", True),
    "dates": ("date", "2024-01-02"),
    "integers": ("integer", 1),
    "timestamps": ("timestamp", "2024-01-02T03:04:05.678Z"),
    "digits": ("number", 7),
    "numbers": ("number", 12345678),
    "fractions": ("number", "1234567.12345678"),
    "powers": ("number", 1.2e303),
    "long numbers": ("number", "9" * 60),
    "longer numbers": ("number", "1234567890" * 9),
    "letters": ("text", "x"),
    "words": ("text", "x" * 8),
    "escaped": ("text", "\n" * 10),
    "long words": ("text", "x" * 20),
    "longer words": ("text", "x" * 21),
    "lines": ("text", DIFFERENT),
    "long lines": ("text", DIFFERENT * 200),
    "dull": ("text", "x" * 1000),
    "flags": ("json", True),
    "objects": ("json", {"a": [1, "b", {"c": None}], "b": "c"}),
    "dull objects": ("json", [0] * 300),
}


class Wide:
    """A table of 1,400 columns of these kinds by turns, and rows that fill the first of them."""

    def __init__(self, url: str, *kinds: str) -> None:
        filled = [(f"f{n}", *FILLINGS[kinds[n % len(kinds)]]) for n in range(1400)]
        self._filled, self._url = filled, url
        columns = [Column(field="id", name="id", type="text")]
        columns += [Column(field=name, name=name, type=type) for name, type, _ in filled]
        self._encode = RowEncoder(columns, ["id"])
        parts = ", ".join(f"{it.name} {POSTGRES[it.type]}" for it in columns)
        system = "_synced_at timestamptz NOT NULL, _deleted_at timestamptz, _deleted_by text"
        select(url, f"DROP TABLE IF EXISTS wide; CREATE TABLE wide ({parts}, {system})")
        self._copy = f"COPY wide ({', '.join(it.name for it in columns)}, _synced_at) FROM STDIN"

    def fits(self, count: int) -> bool:
        """What we say."""
        row = {"id": "1"} | {name: value for name, _, value in self._filled[:count]}
        return self._encode.together([row]) is not None

    def enters(self, count: int) -> bool:
        """What Postgres says, and whether it could also be marked as deleted."""
        cells = [CELLS[type](value) for _, type, value in self._filled]
        cells[count:] = [NULL] * (1400 - count)
        with psycopg.connect(self._url) as connection:
            try:
                with connection.cursor().copy(self._copy.encode()) as copy:
                    copy.write("\t".join(["1", *cells, "now"]) + "\n")
                connection.execute("UPDATE wide SET _deleted_at = now(), _deleted_by = 'reconcile'")
            except psycopg.errors.ProgramLimitExceeded:
                return False
        return True


def most(fit: Callable[[int], bool]) -> int:
    """The greatest number up to 1,400 that fits."""
    return bisect_left(range(1, 1401), True, key=lambda count: not fit(count))


@pytest.mark.parametrize("kind", FILLINGS)
def test_a_row_is_rejected_near_the_width_that_postgres_takes_and_never_beyond_it(
    database: str, kind: str
) -> None:
    wide = Wide(database, kind)
    ours, theirs = most(wide.fits), most(wide.enters)
    exact = FILLINGS[kind][0] not in ("number", "json") and kind not in ("escaped", "longer words")
    assert (0.95 if exact else 0.35) * theirs <= ours <= theirs


def test_whatever_the_columns_order_a_row_that_is_not_rejected_is_none_too_wide(
    database: str,
) -> None:
    some = ("booleans", "dates", "integers", "fractions", "long words", "dull", "objects")
    for kinds in combinations(some, 2):
        wide = Wide(database, *kinds)
        assert wide.enters(most(wide.fits)), kinds


@pytest.mark.parametrize(
    ("has", "wanted", "before", "after"),
    [
        ("integer", "number", 5, "5"),
        ("integer", "text", 5, "5"),
        ("number", "text", "1.50", "1.50"),
        ("boolean", "text", True, "true"),
        ("boolean", "integer", True, "true"),
        ("date", "timestamp", "2024-01-02", "2024-01-02 00:00:00+00"),
        ("date", "text", "2024-01-02", "2024-01-02"),
        ("timestamp", "text", "2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05.678Z"),
        ("timestamp", "text", "2024-01-02T03:04:05.000001Z", "2024-01-02T03:04:05.000001Z"),
        ("json", "text", "plain", "plain"),
        ("json", "text", {"a": 1}, '{"a": 1}'),
    ],
)
def test_columns_widen_with_what_is_in_them(
    database: str, has: FieldType, wanted: FieldType, before: object, after: str
) -> None:
    load(database, {"id": "1", "v": before}, fields=[Field("id"), Field("v", has)])
    load(database, fields=[Field("id"), Field("v", wanted)])
    with psycopg.connect(database, options="-c TimeZone=UTC") as connection:
        assert connection.execute("SELECT v::text FROM acme.contacts").fetchone() == (after,)


def test_columns_never_narrow(database: str) -> None:
    load(database, {"id": "1", "v": "x"}, fields=[Field("id"), Field("v", "text")])
    load(database, {"id": "2", "v": 5}, fields=[Field("id"), Field("v", "integer")])
    assert select(database, "SELECT v FROM acme.contacts ORDER BY id") == ["x", "5"]


def test_a_key_can_widen(database: str) -> None:
    load(database, {"id": 1}, fields=[Field("id", "integer")])
    counts = load(database, {"id": 1}, {"id": "a"}, fields=[Field("id")])
    assert counts == Counts(fetched=2, created=1)


def test_a_field_that_vanished_keeps_its_column_and_may_return(database: str) -> None:
    vanished = "SELECT field FROM acme._columns WHERE vanished_at IS NOT NULL"
    load(database, *people(1))
    load(database, {"id": "0", "age": 5}, fields=[FIELDS[0], FIELDS[2]])
    assert select(database, vanished) == ["email"]
    assert select(database, "SELECT email, age FROM acme.contacts") == [("0@example.com", 5)]
    load(database, *people(1))
    assert select(database, vanished) == []


def test_the_column_of_a_field_that_vanished_says_so_until_it_returns(database: str) -> None:
    def comment() -> str | None:
        types = PostgresDestination(database).column_types(CONTACTS)
        return next(comment for name, _, comment in types if name == "email")

    load(database, *people(1))
    told = comment()
    assert told == "synced from HubSpot contacts: Email"
    for _ in range(2):  # it is said once
        load(database, {"id": "0"}, fields=[FIELDS[0], FIELDS[2]])
        assert comment() == f"{told} (no longer at the vendor)"
    load(database, *people(1))
    assert comment() == told
    select(database, "COMMENT ON COLUMN acme.contacts.email IS 'our own words'")
    load(database, {"id": "0"}, fields=[FIELDS[0], FIELDS[2]])
    assert comment() == "our own words"


def test_peoples_own_columns_and_comments_are_left_alone(database: str) -> None:
    load(database, *people(2))
    select(database, "ALTER TABLE acme.contacts ADD COLUMN note text")
    select(database, "UPDATE acme.contacts SET note = 'mine'")
    select(database, "COMMENT ON COLUMN acme.contacts.age IS 'in years'")
    fields = [*FIELDS, Field("note"), Field("more")]
    changed = [row | {"age": 50, "note": "theirs"} for row in people(2)]
    assert load(database, *changed, fields=fields).updated == 2
    assert select(database, "SELECT DISTINCT note FROM acme.contacts") == ["mine"]
    mapping = PostgresDestination(database).column_names(CONTACTS)
    assert mapping["note"].startswith("note_")
    comments = {
        name: comment for name, _, comment in PostgresDestination(database).column_types(CONTACTS)
    }
    assert (comments["age"], comments["note"]) == ("in years", None)


def test_a_column_under_somebodys_view_keeps_its_type(database: str) -> None:
    load(database, *people(1))
    select(database, "CREATE VIEW acme.ages AS SELECT age FROM acme.contacts")
    fields = [FIELDS[0], Field("age", "text"), Field("new")]
    counts = load(database, {"id": "1", "age": "x"}, {"id": "2", "age": "7"}, fields=fields)
    assert counts == Counts(fetched=2, created=2)
    assert columns(database)["age"] == "bigint"
    assert select(database, "SELECT sum(age) FROM acme.ages") == [7]
    select(database, "DROP VIEW acme.ages")
    load(database, {"id": "1", "age": "x"}, fields=fields)
    assert columns(database)["age"] == "text"


def test_a_table_of_somebody_with_the_same_name_is_left_alone(database: str) -> None:
    select(database, "CREATE SCHEMA acme")
    select(database, "CREATE TABLE acme.contacts (mine text)")
    load(database, *people(1))
    name = PostgresDestination(database).table_name(CONTACTS)
    assert name is not None
    assert name.startswith("contacts_")
    assert select(database, "SELECT count(*) FROM acme.contacts") == [0]


def test_objects_whose_names_look_alike_have_tables_of_their_own(database: str) -> None:
    for name in ("fooBar", "foo_bar"):
        load(database, {"id": name}, table=replace(CONTACTS, name=name))
    assert select(database, "SELECT id FROM acme.foo_bar") == ["fooBar"]


def test_a_column_that_somebody_dropped_comes_back(database: str) -> None:
    load(database, *people(1))
    meddle(database, "ALTER TABLE acme.contacts DROP COLUMN email")
    load(database, *people(1))
    assert select(database, "SELECT email FROM acme.contacts") == ["0@example.com"]


def test_a_table_that_somebody_dropped_comes_back(database: str) -> None:
    load(database, *people(1))
    meddle(database, "DROP TABLE acme.contacts")
    assert load(database, *people(2)).created == 2


def test_a_key_that_is_not_the_tables_is_refused(database: str) -> None:
    load(database, *people(1))
    with pytest.raises(ConfigurationError, match=r"has the key \(id\)"):
        load(database, table=replace(CONTACTS, keys=("email",)))
    with pytest.raises(ConfigurationError, match="not among its fields, so no table can be made"):
        load(database, table=replace(CONTACTS, keys=("nothing",)))


def test_an_object_without_any_key_is_refused_with_what_to_do(database: str) -> None:
    with pytest.raises(ConfigurationError, match=r"HubSpot contacts: its connector names no key"):
        load(database, table=replace(CONTACTS, keys=()), fields=())


def test_a_type_that_we_do_not_write_is_refused(database: str) -> None:
    load(database, *people(1))
    meddle(database, "ALTER TABLE acme.contacts ALTER COLUMN age TYPE real")
    with pytest.raises(ConfigurationError, match=r"real.*Give it the type bigint again"):
        load(database, *people(1))


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Somebody has written to the table and not committed: no DDL could pass."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE acme.contacts IN ROW EXCLUSIVE MODE")
        connection.execute("LOCK TABLE acme._columns, acme._tables IN SHARE MODE")
        yield


def test_opening_a_table_that_needs_nothing_takes_no_locks(database: str) -> None:
    load(database, *people(1))
    with locked(database), PostgresDestination(database).open(CONTACTS, FIELDS, sync="x") as loader:
        assert loader.rows() == 1


def test_tables_of_one_schema_can_be_made_at_the_same_moment(database: str) -> None:
    def rows(table: Table) -> int:
        with destination(database).open(table, FIELDS, sync="x") as loader:
            return loader.rows()

    tables = [replace(CONTACTS, name=f"object{n}") for n in range(4)] * 2
    with ThreadPoolExecutor(len(tables)) as pool:
        assert list(pool.map(rows, tables)) == [0] * 8
    assert select(database, "SELECT count(*) FROM acme._tables") == [4]


def test_a_schema_is_erased_only_if_it_is_ours(database: str) -> None:
    load(database, *people(1))
    PostgresDestination(database).erase("acme")
    assert select(database, "SELECT to_regnamespace('acme') IS NULL") == [True]
    with pytest.raises(ConfigurationError):
        PostgresDestination(database).erase("public")
