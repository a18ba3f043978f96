"""What is owed to a table that is new, and what becomes of books that somebody lost."""

import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.destination import Progress
from sync_platform.engine.modes import SyncMode
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Page
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
