"""What is owed to a table that is new, and what becomes of books that somebody lost."""

import re
from dataclasses import replace

import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.destination import Progress
from sync_platform.engine.modes import SyncMode
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    destination,
    load,
    meddle,
    people,
    progress,
    select,
)


def left(url: str) -> Progress | None:
    """What is kept of a table when it is opened, by a sync that does not begin."""
    with destination(url).open(CONTACTS, FIELDS, sync="x") as loader:
        return loader.progress()


def owed(url: str) -> bool:
    found = left(url)
    return found is not None and (found.mode, found.sync, found.position) == (FULL, "", None)


def test_a_new_table_is_owed_a_full_read_whatever_is_killed_then(database: str) -> None:
    for _ in range(2):
        assert owed(database)
    load(database, *people(1))
    assert left(database) is None
    meddle(database, "DROP SCHEMA acme CASCADE")
    assert owed(database)


def test_who_only_writes_some_rows_leaves_the_full_read_that_a_new_table_is_owed(
    database: str,
) -> None:
    for known_only, rows in ((True, 0), (False, 1)):
        opened = destination(database).open(CONTACTS, FIELDS, sync="", known_only=known_only)
        with opened as loader:
            loader.write(Page(rows=people(1)))
            loader.commit(progress("", SyncMode.COMPUTED))
            assert loader.rows() == rows
        assert owed(database)


@pytest.mark.parametrize(
    "made", ["TYPE acme.contacts AS ENUM ('a')", "DOMAIN acme.contacts AS text"]
)
def test_a_type_of_somebodys_with_the_tables_name_is_left_alone(database: str, made: str) -> None:
    select(database, f"CREATE SCHEMA acme; CREATE {made}")
    assert load(database, *people(1)).created == 1
    name = PostgresDestination(database).table_name(CONTACTS)
    assert name is not None
    assert name.startswith("contacts_")


@pytest.mark.parametrize("disconnected", [True, False])
@pytest.mark.parametrize("book", ["_progress", "_rejected"])
def test_a_book_that_syncs_can_do_without_is_made_anew(
    database: str, book: str, disconnected: bool
) -> None:
    load(database, *people(1))
    if disconnected:
        PostgresDestination(database).unlock("acme")
    meddle(database, f"DROP TABLE acme.{book}")
    assert load(database, {"id": "1", "age": "x"}, *people(1)).rejected == 1
    assert select(database, "SELECT key FROM acme._rejected") == ["1"]


@pytest.mark.parametrize("disconnected", [True, False])
@pytest.mark.parametrize("book", ["_tables", "_columns"])
def test_a_book_that_nothing_can_replace_says_what_to_do(
    database: str, book: str, disconnected: bool
) -> None:
    load(database, *people(1))
    if disconnected:
        PostgresDestination(database).unlock("acme")
    meddle(database, f"DROP TABLE acme.{book}")
    with pytest.raises(ConfigurationError, match=rf"dropped acme\.{book}, .* rename the schema"):
        load(database, *people(1))
    meddle(database, "ALTER SCHEMA acme RENAME TO acme_before")
    assert load(database, *people(2)).created == 2


@pytest.mark.parametrize("column", ["_tables RENAME object TO name", "_columns DROP type"])
def test_a_book_whose_columns_somebody_changed_says_what_to_do(database: str, column: str) -> None:
    load(database, *people(1))
    meddle(database, f"ALTER TABLE acme.{column}")
    with pytest.raises(ConfigurationError, match="Give it its name back, or bring the book back"):
        load(database, *people(1))


def test_a_table_that_no_book_knows_gets_no_other_one_beside_it(database: str) -> None:
    load(database, *people(1))
    meddle(database, "DROP TABLE acme._tables, acme._columns, acme._progress, acme._rejected")
    for _ in range(2):
        with pytest.raises(
            ConfigurationError, match=r"dropped acme\._tables, .* rename the schema"
        ):
            load(database, *people(1))
    meddle(database, "ALTER SCHEMA acme RENAME TO acme_before")
    assert load(database, *people(2)).created == 2


REMARKED = "COMMENT ON TABLE acme.contacts IS 'ask Ann'"
BARE = "; ".join(
    f"COMMENT ON COLUMN acme.contacts.{it} IS NULL"
    for it in ("id", "email", "age", "_synced_at", "_deleted_at", "_deleted_by")
)
OTHERWISE_COMMENTED = (
    REMARKED,
    f"{REMARKED}; {BARE}",
    f"{REMARKED}; ALTER TABLE acme.contacts DROP COLUMN _deleted_by",
)


@pytest.mark.parametrize("emptied", [True, False])
@pytest.mark.parametrize("commented", OTHERWISE_COMMENTED)
def test_nor_does_one_that_people_gave_comments_of_their_own(
    database: str, commented: str, emptied: bool
) -> None:
    load(database, *people(1))
    meddle(database, commented)
    what = "DELETE FROM acme._tables" if emptied else "DROP TABLE acme._tables, acme._columns"
    meddle(database, what)
    with pytest.raises(
        ConfigurationError,
        match=r"dropped acme\._tables, .* no book knows acme\.contacts .* rename the schema",
    ):
        load(database, *people(1))
    assert select(database, TABLES) == ["contacts"]


TABLES = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'acme'::regnamespace AND relkind = 'r'"
    " AND relname NOT LIKE '\\_%'"
)


def test_a_table_of_somebodys_with_the_objects_name_is_left_alone(database: str) -> None:
    select(database, "CREATE SCHEMA acme; CREATE TABLE acme.contacts (id text, _synced_at text)")
    assert load(database, *people(1)).created == 1
    assert len(select(database, TABLES)) == 2
    assert load(database, *people(2)).created == 1


DEALS = replace(CONTACTS, name="deals", label="HubSpot deals")


@pytest.mark.parametrize("synced_before", [True, False])
@pytest.mark.parametrize("copy", ["AS SELECT * FROM acme.deals", "(LIKE acme.deals INCLUDING ALL)"])
def test_somebodys_copy_of_another_synced_table_is_left_alone(
    database: str, copy: str, synced_before: bool
) -> None:
    load(database, *people(3), table=DEALS)
    if synced_before:
        load(database, *people(1))
        gone = "DELETE FROM acme._tables WHERE object = 'contacts'"
        meddle(database, f"DROP TABLE acme.contacts; {gone}")
    select(database, f"CREATE TABLE acme.contacts {copy}")
    theirs = select(database, "SELECT * FROM acme.contacts")
    assert load(database, *people(1)).created == 1
    assert load(database, *people(2)).created == 1
    assert len(select(database, TABLES)) == 3
    assert select(database, "SELECT * FROM acme.contacts") == theirs
    select(database, "DROP TABLE acme.contacts")


@pytest.mark.parametrize(
    ("commented", "disconnected"),
    [(BARE, True), (REMARKED, True), *((it, False) for it in OTHERWISE_COMMENTED)],
)
def test_a_table_whose_line_alone_is_gone_gets_no_other_one_beside_it(
    database: str, commented: str, disconnected: bool
) -> None:
    load(database, *people(1), table=DEALS)
    load(database, *people(1))
    meddle(database, commented)
    if disconnected:
        PostgresDestination(database).unlock("acme")
    meddle(database, "DELETE FROM acme._tables WHERE object = 'contacts'")
    with pytest.raises(ConfigurationError, match=r"no book knows acme\.contacts any more"):
        load(database, *people(1))
    assert load(database, *people(2), table=DEALS).created == 1


def test_nor_does_one_whose_object_is_called_otherwise_by_now(database: str) -> None:
    load(database, *people(1), table=DEALS)
    load(database, *people(1))
    PostgresDestination(database).unlock("acme")
    meddle(database, "DELETE FROM acme._tables WHERE object = 'contacts'")
    with pytest.raises(ConfigurationError, match=r"no book knows acme\.contacts any more"):
        load(database, *people(1), table=replace(CONTACTS, label="HubSpot people"))


@pytest.mark.parametrize("schema", ["acme", "Acme's x", f"a{'b' * 60}"])
@pytest.mark.parametrize(
    "lost", ["DROP TABLE {}._tables", "DELETE FROM {0}._tables; DELETE FROM {0}._columns"]
)
def test_what_it_says_to_do_has_all_tables_made_anew(database: str, lost: str, schema: str) -> None:
    table = replace(CONTACTS, schema=schema)
    load(database, *people(1), table=table)
    meddle(database, lost.format(f'"{schema}"'))
    with pytest.raises(ConfigurationError) as error:
        load(database, *people(2), table=table)
    _, said = str(error.value).split("(after ")
    passing, statement = said.partition("): the next sync")[0].split(": ")
    select(database, f"{passing}; {statement}")
    assert load(database, *people(2), table=table).created == 2
    before = statement.split(" RENAME TO ")[1]
    assert select(database, f"SELECT id FROM {before}.contacts") == ["0"]
    select(database, f"DROP SCHEMA {before} CASCADE")  # nobody's any more
    assert load(database, *people(2), table=table).unchanged == 2


@pytest.mark.parametrize("table", ["_tables", "_tables, acme._columns"])
def test_a_table_that_is_gone_with_its_line_in_the_book_is_made_anew(
    database: str, table: str
) -> None:
    load(database, *people(1))
    meddle(database, f"TRUNCATE acme.{table}; DROP TABLE acme.contacts")
    assert load(database, *people(2)).created == 2
    assert load(database, *people(2)).unchanged == 2


GONE_LINES = "CREATE TABLE public.backup AS SELECT * FROM acme._columns; DELETE FROM acme._columns"


@pytest.mark.parametrize("disconnected", [True, False])
@pytest.mark.parametrize(
    ("which", "named"),
    [
        ("true", ""),
        ("field = 'id'", r" \(id\)"),
        ("field <> 'id'", r" \(email, age\)"),
        ("field = 'age'", r" \(years\)"),
    ],
)
def test_a_book_of_columns_that_somebody_emptied_says_what_to_do(
    database: str, which: str, named: str, disconnected: bool
) -> None:
    load(database, *people(1))
    before = select(database, "SELECT * FROM acme.contacts")
    if disconnected:
        PostgresDestination(database).unlock("acme")
    meddle(database, f"{GONE_LINES} WHERE {which}")
    if "years" in named:
        meddle(database, "ALTER TABLE acme.contacts RENAME age TO years")
    for _ in range(2):
        with pytest.raises(ConfigurationError) as error:
            load(database, *people(2))
    said = str(error.value)
    assert re.search(rf"took out of acme\._columns, .* of acme\.contacts{named}\. Bring", said)
    assert select(database, "SELECT * FROM acme.contacts") == before
    meddle(database, f"INSERT INTO acme._columns SELECT * FROM public.backup WHERE {which}")
    assert load(database, *people(2)).created == 1
    assert select(database, "SELECT id, email, age FROM acme.contacts ORDER BY id") == [
        (it["id"], it["email"], it["age"]) for it in people(2)
    ]


def test_what_it_says_to_do_has_the_table_made_anew(database: str) -> None:
    load(database, *people(1))
    meddle(database, "DELETE FROM acme._columns")
    with pytest.raises(ConfigurationError) as error:
        load(database, *people(2))
    _, said = str(error.value).split("(after ")
    meddle(database, said.partition(")")[0].replace(":", ";", 1))
    assert load(database, *people(2)).created == 2
    assert select(database, "SELECT id FROM acme.contacts_before") == ["0"]
    assert load(database, *people(2)).unchanged == 2


def test_what_the_book_does_not_need_any_more_was_taken_out_by_nobody(database: str) -> None:
    fields = [Field("id"), Field("email", id="f1"), Field("age", "integer", id="f2")]
    load(database, *people(1), fields=fields)
    renamed = [Field("id"), Field("mail", id="f1"), Field("email", id="f2")]
    for each in (renamed, [Field("id")], renamed, FIELDS):
        for _ in range(2):
            load(database, {"id": "1"}, fields=each)
    select(database, "CREATE VIEW public.theirs AS SELECT * FROM acme.contacts")
    meddle(database, "ALTER TABLE acme.contacts DROP COLUMN email CASCADE")
    meddle(database, "DELETE FROM acme._columns WHERE column_name = 'email'")
    for _ in range(2):
        load(database, {"id": "1"}, fields=FIELDS)
