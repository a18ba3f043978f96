"""Locks of an older version are replaced by ours, and keep what they held; the books are locked as
tables are, and whoever has all names quoted sees no difference."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sync_platform.destination.book import actual_columns
from sync_platform.destination.ddl import BOOKS
from sync_platform.destination.lock_triggers import VERSION
from sync_platform.destination.sessions import connected
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import CONTACTS, FIELDS, load, people, select

REFUSED = pg.DependentObjectsStillExist
LOCKED = "SELECT table_name FROM sync_platform.locked_tables WHERE table_name !~ '^_'"
IS = "COMMENT ON EVENT TRIGGER sync_platform_keeps_shape IS 'Version {}.'"
IS_OURS = (
    f"SELECT obj_description(oid) LIKE 'Version {VERSION}.%' FROM pg_event_trigger"
    " WHERE evtname = 'sync_platform_keeps_shape'"
)
WITHOUT_DIFFERING = (  # as before 7
    "ALTER TABLE sync_platform.locked_tables DROP COLUMN differing;"
    " DROP FUNCTION sync_platform.differing"
)


def test_newer_locks_hold_what_the_older_ones_of_other_connections_held(database: str) -> None:
    beta = replace(CONTACTS, schema="beta", connection="beta-hubspot")
    load(database, *people(1), table=beta)
    load(database, *people(1))
    select(database, "ALTER TABLE sync_platform.locked_tables DROP COLUMN keys")
    select(database, "COMMENT ON EVENT TRIGGER sync_platform_keeps_shape IS 'Version 2.'")
    load(database, *people(1))
    assert select(database, LOCKED) == ["contacts"] * 2
    for statement in ("DROP COLUMN email", "RENAME email TO mail", "DROP CONSTRAINT contacts_pkey"):
        with pytest.raises(REFUSED, match="beta-hubspot"):
            select(database, f"ALTER TABLE beta.contacts {statement}")


@pytest.mark.parametrize("version", [3, 4, 5, 6, 7])
def test_newer_locks_keep_each_line_of_the_older_ones(database: str, version: int) -> None:
    beta = replace(CONTACTS, schema="beta", connection="beta-hubspot")
    load(database, *people(1), table=beta)
    load(database, *people(1))
    if version < 4:
        select(database, "UPDATE sync_platform.locked_tables SET columns = '{}' WHERE keys = '{}'")
    if version < 6:
        select(database, "DROP FUNCTION sync_platform.is_about")
    if version < 7:
        select(database, WITHOUT_DIFFERING)
    select(database, IS.format(version))
    lines = (
        "SELECT relid, schema_name, table_name, connection, label, columns, keys"
        " FROM sync_platform.locked_tables WHERE schema_name = 'beta' ORDER BY 3"
    )
    before = select(database, lines)
    load(database, *people(1))
    assert select(database, lines) == before
    for statement in ("TABLE beta._tables RENAME TO books", "SCHEMA beta RENAME TO gamma"):
        with pytest.raises(REFUSED, match="beta-hubspot"):
            select(database, f"ALTER {statement}")


@contextmanager
def standing(database: str, *statements: str) -> Iterator[None]:
    """Somebody's transaction in which these were run, open for the length of the block."""
    with psycopg.connect(database) as somebody:
        for statement in statements:
            somebody.execute(statement.encode())
        yield
        somebody.rollback()


@pytest.fixture
def impatient(database: str) -> str:
    """A url by which nothing is waited for without end."""
    return make_conninfo(database, options="-c statement_timeout=20s")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (x int); ALTER TABLE mine ADD COLUMN y int",
        "LOCK TABLE sync_platform.locked_tables, acme.contacts IN ACCESS SHARE MODE",  # pg_dump
    ],
)
def test_who_alters_or_dumps_something_is_not_in_the_way_of_newer_locks(
    database: str, impatient: str, statement: str
) -> None:
    load(database, *people(1))
    select(database, IS.format(VERSION - 1))
    with standing(database, statement):
        assert load(impatient, *people(2)).created == 1
        assert select(database, IS_OURS) == [True]


@pytest.mark.parametrize(("version", "mode"), [(6, "ACCESS SHARE"), (7, "ROW EXCLUSIVE")])
def test_where_newer_locks_are_not_to_be_had_now_the_older_ones_hold_on(
    database: str, impatient: str, caplog: pytest.LogCaptureFixture, version: int, mode: str
) -> None:
    load(database, *people(1))
    if version < 7:
        select(database, WITHOUT_DIFFERING)
    select(database, IS.format(version))
    outgrown = [*FIELDS[:2], Field("age", "text")]
    one = {"id": "0", "email": "0@example.com", "age": "old"}
    with standing(database, f"LOCK TABLE sync_platform.locked_tables IN {mode} MODE"):
        assert load(impatient, one, fields=outgrown).updated == 1
    assert "the older ones hold on, and the next sync tries again" in caplog.text
    assert select(database, IS_OURS) == [False]
    with pytest.raises(REFUSED):
        select(database, "ALTER TABLE acme.contacts DROP COLUMN email")
    line = "SELECT columns ->> 'age' FROM sync_platform.locked_tables WHERE table_name = 'contacts'"
    assert select(database, line) == ["text"]
    load(database, one, fields=outgrown)
    assert select(database, IS_OURS) == [True]
    select(database, "ALTER TABLE acme.contacts ADD COLUMN mine int")


def test_books_that_were_locked_as_tables_only_are_locked_in_their_columns(database: str) -> None:
    load(database, *people(1))
    select(database, "UPDATE sync_platform.locked_tables SET columns = '{}' WHERE keys = '{}'")
    load(database, *people(1))
    with pytest.raises(REFUSED, match="its own books"):
        select(database, "ALTER TABLE acme._columns RENAME field TO name")


def test_books_are_locked_as_they_are(database: str) -> None:
    load(database, *people(1))
    for name, columns in BOOKS.items():
        with connected(database, "a test") as connection:
            assert {
                it: actual.type for it, actual in actual_columns(connection, "acme", name).items()
            } == columns


def test_who_has_all_names_quoted_is_refused_what_others_are_and_no_more(database: str) -> None:
    load(database, *people(1))
    quoting = "SET quote_all_identifiers = on"
    select(database, f"{quoting}; ALTER TABLE acme.contacts ADD COLUMN own int")
    with pytest.raises(REFUSED, match=r"column email of acme.contacts .* cannot be renamed"):
        select(database, f"{quoting}; ALTER TABLE acme.contacts RENAME email TO mail")


def test_a_database_that_quotes_all_names_is_synced_into(database: str) -> None:
    name = conninfo_to_dict(database)["dbname"]
    select(database, f"ALTER DATABASE {name} SET quote_all_identifiers = on")
    load(database, *people(1))
    assert load(database, {"id": "0", "age": "old"}, fields=[*FIELDS[:2], Field("age")]).updated
    with pytest.raises(REFUSED):
        select(database, "ALTER TABLE acme.contacts DROP COLUMN email")
