from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

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


def test_a_row_too_wide_for_postgres_is_rejected(database: str) -> None:
    fields = [Field("id"), *(Field(f"f{n}") for n in range(1400))]
    fits = {"id": "1"} | {f"f{n}": "x" * 5000 for n in range(250)}
    wide = {"id": "2"} | {f"f{n}": "x" * 20 for n in range(1400)}
    counts = load(database, fits, wide, fields=fields)
    assert counts == Counts(fetched=2, created=1, rejected=1)


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
    assert counts == Counts(fetched=2, created=1, rejected=1)
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
    meddle(database, "ALTER TABLE acme.contacts ALTER COLUMN age TYPE smallint")
    with pytest.raises(ConfigurationError, match=r"smallint.*Give it the type bigint again"):
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
