"""What somebody dropped is made anew by what its fields are now: it holds nothing to be kept."""

import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.results import Counts
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, FieldType, Page
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


def types(url: str) -> dict[str, str]:
    return {name: type for name, type, _ in PostgresDestination(url).column_types(CONTACTS)}


def test_a_view_that_somebody_put_in_the_place_of_a_table_is_told_as_that(database: str) -> None:
    load(database, *people(2))
    meddle(
        database,
        "ALTER TABLE acme.contacts RENAME TO real;"
        " CREATE VIEW acme.contacts AS SELECT * FROM acme.real",
    )
    with pytest.raises(ConfigurationError, match="is no table any more: somebody put a view"):
        load(database, *people(2))
    select(database, "DROP VIEW acme.contacts")
    meddle(database, "ALTER TABLE acme.real RENAME TO contacts")
    assert load(database, *people(2)) == Counts(fetched=2)


def typed(type: FieldType) -> list[Field]:
    return [*FIELDS[:2], Field("age", type)]


@pytest.mark.parametrize(
    "lost", ["DROP TABLE acme.contacts", "ALTER TABLE acme.contacts DROP COLUMN age"]
)
def test_what_is_made_anew_has_the_type_that_its_field_has_by_now(database: str, lost: str) -> None:
    load(database, *people(1))
    load(database, fields=typed("text"))
    meddle(database, lost)
    for row in ({"id": "0", "age": 7.5}, {"id": "1", "age": 8}):
        assert load(database, row, fields=typed("number")).rejected == 0
    assert types(database)["age"] == "numeric"
    assert select(database, "SELECT type FROM acme._columns WHERE field = 'age'") == ["number"]


def test_a_field_that_returns_to_a_table_made_anew_has_its_own_type(database: str) -> None:
    load(database, *people(1))
    load(database, fields=FIELDS[:2])
    meddle(database, "DROP TABLE acme.contacts")
    load(database, fields=FIELDS[:2])
    assert load(database, {"id": "0", "age": True}, fields=typed("boolean")).rejected == 0
    assert types(database)["age"] == "boolean"


def test_what_is_dropped_with_the_column_beside_it_comes_back_as_one(database: str) -> None:
    load(database, *people(2))
    select(database, "CREATE VIEW public.theirs AS SELECT age FROM acme.contacts")
    load(database, {"id": "0", "age": "old"}, fields=typed("text"))
    assert "age_text" in types(database)
    meddle(database, "ALTER TABLE acme.contacts RENAME TO before")
    counts = load(database, {"id": "0", "age": "old"}, {"id": "1", "age": 7}, fields=typed("text"))
    assert counts == Counts(fetched=2, created=2)
    assert select(database, "SELECT age FROM acme.contacts ORDER BY id") == ["old", "7"]
    assert "age_text" not in types(database)
    assert load(database, {"id": "0", "age": "old"}, fields=typed("text")) == Counts(fetched=1)


def test_what_postgres_refused_a_column_it_has_not_refused_the_one_made_anew(database: str) -> None:
    load(database, *people(1))
    select(database, "CREATE TABLE above (age bigint); ALTER TABLE acme.contacts INHERIT above")
    load(database, {"id": "0", "age": "old"}, fields=typed("text"))
    assert "age_text" in types(database)
    meddle(database, "DROP TABLE acme.contacts")
    load(database, *people(1))
    assert load(database, {"id": "0", "age": "old"}, fields=typed("text")).updated == 1
    assert select(database, "SELECT age FROM acme.contacts") == ["old"]
    assert "age_text" not in types(database)


GONE = pytest.mark.parametrize(
    "gone", ["DROP TABLE acme.contacts", "ALTER TABLE acme.contacts RENAME TO contacts_before"]
)
OWN_AGE = "ALTER TABLE acme.contacts ADD COLUMN age bigint DEFAULT 77"


def refresh(database: str) -> None:
    """A refresh of a computed field, which knows of no other one."""
    computed = (FIELDS[0], Field("domain", computed=True))
    with destination(database).open(CONTACTS, computed, sync="r", known_only=True) as loader:
        loader.write(Page(rows=[{"id": "0", "domain": "example.com"}]))
        loader.commit(progress("r"))


def clear_others(database: str, fields: list[Field]) -> None:
    with loading(database, fields=fields) as loader:
        loader.clear_others()


@GONE
@pytest.mark.parametrize("first", ["a sync", "a refresh", "a refresh, then theirs"])
def test_a_column_of_somebodys_own_is_none_of_a_field_that_went_before(
    database: str, gone: str, first: str
) -> None:
    fields = [*FIELDS[:2], Field("domain", computed=True)]
    load(database, *people(1), fields=[*fields, FIELDS[2]])
    load(database, fields=fields)
    meddle(database, gone)
    if first != "a sync":
        refresh(database)
    if "theirs" in first:
        select(database, OWN_AGE)
    load(database, *people(1), fields=fields)
    if "theirs" not in first:
        select(database, OWN_AGE)
    load(database, *people(2), fields=fields)
    clear_others(database, fields)
    assert select(database, "SELECT age FROM acme.contacts") == [77, 77]
    for a, b in (("age", "years"), ("years", "age")):  # nothing keeps them from it
        select(database, f"ALTER TABLE acme.contacts RENAME COLUMN {a} TO {b}")
    load(database, *people(2), fields=[*fields, FIELDS[2]])
    ours = PostgresDestination(database).column_names(CONTACTS)["age"]
    rows = select(database, f"SELECT age, {ours} FROM acme.contacts ORDER BY id")
    assert rows == [(77, 0), (77, 1)]


@GONE
def test_a_field_that_a_refresh_left_to_the_next_sync_takes_nobodys_column(
    database: str, gone: str
) -> None:
    load(database, *people(1))
    meddle(database, gone)
    refresh(database)
    select(database, OWN_AGE)
    refresh(database)
    load(database, *people(2))
    ours = PostgresDestination(database).column_names(CONTACTS)["age"]
    rows = select(database, f"SELECT age, {ours}, email FROM acme.contacts ORDER BY id")
    assert rows == [(77, 0, "0@example.com"), (77, 1, "1@example.com")]


def test_nor_does_the_column_that_stood_beside_one(database: str) -> None:
    load(database, *people(1))
    select(database, "CREATE VIEW public.theirs AS SELECT age FROM acme.contacts")
    load(database, {"id": "0", "age": "old"}, fields=typed("text"))
    assert "age_text" in types(database)
    meddle(database, "ALTER TABLE acme.contacts RENAME TO before")
    refresh(database)
    select(database, "ALTER TABLE acme.contacts ADD COLUMN age_text text DEFAULT 'mine'")
    load(database, {"id": "0", "age": "old"}, fields=typed("text"))
    clear_others(database, typed("text"))
    assert select(database, "SELECT age, age_text FROM acme.contacts") == [("old", "mine")]


def test_what_a_refresh_left_to_the_next_sync_is_called_as_it_was(database: str) -> None:
    alike = [FIELDS[0], Field("Age"), Field("age")]
    load(database, {"id": "0"}, fields=alike)
    before = PostgresDestination(database).column_names(CONTACTS)
    meddle(database, "DROP TABLE acme.contacts")
    refresh(database)
    load(database, {"id": "0"}, fields=[*alike[::2], alike[1], Field("domain", computed=True)])
    after = PostgresDestination(database).column_names(CONTACTS)
    assert {it: after[it] for it in before} == before
