"""Fields without any value to tell their types from: columns wait for the first one."""

import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.spec import Field, FieldType
from sync_platform_tests.destination.tables import CONTACTS, load, select

EMPTY = Field("age", empty=True)


def columns(url: str) -> dict[str, str]:
    found = PostgresDestination(url).column_types(CONTACTS)
    return {name: type for name, type, _ in found if not name.startswith("_")}


def test_a_field_without_values_has_no_column_yet(database: str) -> None:
    load(database, {"id": "1", "age": None}, fields=[Field("id"), EMPTY])
    assert columns(database) == {"id": "text"}
    load(database, {"id": "1", "age": 7}, fields=[Field("id"), Field("age", "integer")])
    assert columns(database) == {"id": "text", "age": "bigint"}


@pytest.mark.parametrize("type", ["integer", "date", "boolean"])
def test_a_field_that_lost_its_values_keeps_its_columns_type(
    database: str, type: FieldType
) -> None:
    value = {"integer": 7, "date": "2024-01-01", "boolean": True}[type]
    load(database, {"id": "1", "age": value}, fields=[Field("id"), Field("age", type)])
    before = columns(database)
    load(database, {"id": "1"}, fields=[Field("id"), EMPTY], sync="s2")
    assert columns(database) == before
    assert select(database, "SELECT count(*) FROM acme.contacts WHERE age IS NULL") == [1]


def test_a_key_has_its_column_at_once(database: str) -> None:
    load(database, fields=[Field("id", empty=True)])
    assert columns(database) == {"id": "text"}


def test_a_key_that_lost_its_values_keeps_its_columns_type(database: str) -> None:
    load(database, {"id": 7}, fields=[Field("id", "integer")])
    load(database, {"id": 8}, fields=[Field("id", empty=True)], sync="s2")
    assert columns(database) == {"id": "bigint"}


def test_an_object_of_whose_fields_none_came_has_rows_of_keys(database: str) -> None:
    load(database, {"id": "1"}, fields=[Field("id"), Field("age", "integer"), Field("name")])
    assert select(database, "SELECT id, age, name FROM acme.contacts") == [("1", None, None)]


def test_what_is_told_narrower_later_leaves_the_column_as_wide(database: str) -> None:
    for number, (type, value) in enumerate(
        [("integer", 1), ("number", 1.5), ("integer", 2), ("text", "n/a"), ("integer", 3)]
    ):
        fields = [Field("id"), Field("age", type)]  # type: ignore[arg-type]
        load(database, {"id": "1", "age": value}, fields=fields, sync=f"s{number}")
    assert columns(database)["age"] == "text"
    assert select(database, "SELECT age FROM acme.contacts") == ["3"]
