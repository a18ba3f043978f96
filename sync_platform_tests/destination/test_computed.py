"""A refresh of computed fields writes into rows that are there, and only these fields."""

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    destination,
    load,
    loading,
    people,
    progress,
    select,
)

KEY_AND_AGE = (Field("id"), Field("age", "integer", computed=True))
ROWS = "SELECT id, email, age FROM acme.contacts WHERE _deleted_at IS NULL ORDER BY id"


def refresh(database: str, *rows: dict[str, object]) -> Counts:
    with destination(database).open(
        CONTACTS, KEY_AND_AGE, sync="refresh", known_only=True
    ) as loader:
        loader.write(Page(rows=rows))
        return loader.commit(progress("refresh", SyncMode.COMPUTED))


def test_it_leaves_other_columns_and_makes_no_rows(database: str) -> None:
    load(database, {"id": "1", "email": "a@x", "age": 1}, {"id": "2", "email": "b@x", "age": 2})
    found = refresh(database, {"id": "1", "age": 7}, {"id": "2", "age": 2}, {"id": "3", "age": 3})
    assert found == Counts(fetched=3, updated=1)
    assert select(database, ROWS) == [("1", "a@x", 7), ("2", "b@x", 2)]


def test_the_fields_that_it_does_not_read_have_not_vanished(database: str) -> None:
    load(database, *people(1))
    refresh(database, {"id": "0", "age": 7})
    gone = "SELECT field FROM acme._columns WHERE vanished_at IS NOT NULL"
    assert select(database, gone) == []


def test_a_deleted_row_stays_as_it_is(database: str) -> None:
    load(database, *people(2), gone=[("1",)])
    before = select(database, "SELECT * FROM acme.contacts WHERE id = '1'")
    assert refresh(database, {"id": "1", "age": 99}).updated == 0
    assert select(database, "SELECT * FROM acme.contacts WHERE id = '1'") == before


def test_what_an_interrupted_sync_left_stays(database: str) -> None:
    load(database, *people(2))
    with loading(database, sync="cut off") as loader:
        left = loader.progress()
    refresh(database, {"id": "1", "age": 99})
    with destination(database).open(CONTACTS, KEY_AND_AGE, sync="next") as loader:
        assert loader.progress() == left
