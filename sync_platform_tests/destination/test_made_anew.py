"""What somebody dropped is made anew by what its fields are now: it holds nothing to be kept."""

import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.results import Counts
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, FieldType
from sync_platform_tests.destination.tables import CONTACTS, FIELDS, load, meddle, people, select


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
