"""A connection as a value, and what it may be called."""

import pytest

from sync_platform.engine.connections import Connection, checked_name, checked_schema
from sync_platform.engine.ports import ObjectChoice
from sync_platform.errors import ConfigurationError


def test_a_connection_knows_how_its_chosen_objects_are_synced() -> None:
    deals = ObjectChoice(object="deals", filters={"stage": "won"})
    acme = Connection(name="acme", connector="hubspot", schema="acme", objects=[deals])
    assert acme.choice("deals") is deals
    assert acme.choice("contacts") is None


@pytest.mark.parametrize("name", ["a", "acme-hubspot", "acme2", "a" * 48])
def test_a_slug_can_be_a_name(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "2acme", "-acme", "Acme", "acme_hubspot", "a|b", "a" * 49, "a\n"]
)
def test_anything_else_cannot_be_a_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a connection's name"):
        checked_name(name)


@pytest.mark.parametrize("schema", ["acme", "_acme", "acme_2", "a" * 63])
def test_a_plain_identifier_can_be_a_schema(schema: str) -> None:
    assert checked_schema(schema) == schema


@pytest.mark.parametrize(
    "schema", ["", "2acme", "Acme", "acme-x", "pg_acme", "a" * 64, "a;b", "a\n"]
)
def test_anything_else_cannot_be_a_schema(schema: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a schema"):
        checked_schema(schema)


@pytest.mark.parametrize("schema", ["public", "sync_platform", "dagster", "information_schema"])
def test_schemas_of_others_are_reserved(schema: str) -> None:
    with pytest.raises(ConfigurationError, match="reserved"):
        checked_schema(schema)
