"""A refresh of computed fields writes into rows that are there, and only these fields."""

from collections.abc import Sequence

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    destination,
    load,
    loading,
    meddle,
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


def told(database: str, fields: Sequence[Field], *, known_only: bool = False) -> list[str]:
    """What is told of the table when it is opened."""
    with destination(database).open(CONTACTS, fields, sync="x", known_only=known_only) as loader:
        return [str(it) for it in loader.told]


ANEW = (
    "The table was dropped or renamed, and is made anew; what it held comes back with the next "
    "full sync."
)


def test_what_a_table_that_it_made_anew_has_not_yet_was_dropped_by_nobody(database: str) -> None:
    load(database, *people(2))
    meddle(database, "DROP TABLE acme.contacts")
    assert told(database, KEY_AND_AGE, known_only=True) == [ANEW]
    with destination(database).open(CONTACTS, FIELDS, sync="x") as loader:
        assert loader.told == ()
        left = loader.progress()
    assert left is not None
    assert (left.mode, left.position) == (SyncMode.FULL, None)
    assert load(database, *people(2)).created == 2
    assert select(database, ROWS) == [("0", "0@example.com", 0), ("1", "1@example.com", 1)]


def test_what_is_dropped_of_such_a_table_afterwards_is_told(database: str) -> None:
    load(database, *people(2))
    meddle(database, "DROP TABLE acme.contacts")
    told(database, KEY_AND_AGE, known_only=True)
    load(database, *people(2))
    for drop in ("email", "age"):
        meddle(database, f"ALTER TABLE acme.contacts DROP COLUMN {drop}")
    dropped = (
        "The column {} was dropped, and is added again; what it held comes back with the next full "
        "sync."
    )
    assert told(database, KEY_AND_AGE, known_only=True) == [dropped.format("age")]
    assert told(database, FIELDS) == [dropped.format("email")]
    assert told(database, FIELDS) == []


def test_nor_was_what_stands_beside_a_column_or_shares_one(database: str) -> None:
    fields = [*FIELDS, *(Field(f"f{n}") for n in range(1500))]
    load(database, *people(1), fields=fields)
    select(database, "CREATE VIEW public.theirs AS SELECT age FROM acme.contacts")
    outgrown = [Field("age") if it.name == "age" else it for it in fields]
    load(database, {"id": "1", "age": "old"}, fields=outgrown)
    meddle(database, "DROP TABLE acme.contacts CASCADE")
    key_and_first = (Field("id"), Field("f0", computed=True))
    assert told(database, key_and_first, known_only=True) == [ANEW]
    assert told(database, outgrown) == []
    row = {"id": "1", "age": "old", "f1499": "last"}
    assert load(database, row, fields=outgrown).created == 1
    found = select(database, "SELECT age, _more FROM acme.contacts")
    assert found == [("old", {"f1499": "last"})]
