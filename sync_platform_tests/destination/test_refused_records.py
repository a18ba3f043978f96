"""A row that Postgres refused is kept as JSON, like any other record that is rejected."""

import json
from decimal import Decimal

import pytest

from sync_platform.spec import Field
from sync_platform_tests.destination.tables import FIELDS, load, loading, select

REJECTED = "SELECT key, record FROM acme._rejected"


def test_the_record_is_kept_as_the_json_that_it_was(database: str) -> None:
    fields = (
        *FIELDS,
        Field("Big Words"),
        Field("any", "json"),
        Field("none"),
        Field("empty"),
        Field("yes", "boolean"),
        Field("n", "number"),
        Field("on", "date"),
    )
    with loading(database, fields=fields):
        pass
    select(database, "ALTER TABLE acme.contacts ADD CHECK (age < 1000)")
    words = "tab\t, lines\r\n, back\\slash, \\N, \\t, é"
    bad = {"id": "ä\\1", "age": 1000, "Big Words": words, "empty": "", "yes": True}
    bad |= {"any": {"ä😀": ["\n", 1, None, "\\"]}, "n": 0.5, "on": "2024-02-29"}
    load(database, {"id": "2"}, bad, fields=fields)
    [(key, record)] = select(database, REJECTED)
    assert json.loads(key) == ["ä\\1"]
    assert json.loads(record) == bad | {"email": None, "none": None}
    assert record.isascii()


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("007", "7"),
        ("+5", "5"),
        ("1.50", "1.50"),
        (1e300, "1E+300"),
        (2**63 - 1, str(2**63 - 1)),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
    ],
)
def test_numbers_are_kept_with_all_their_digits(database: str, value: object, kept: str) -> None:
    fields = (*FIELDS, Field("n", "number"), Field("any", "json"))
    with loading(database, fields=fields):
        pass
    select(database, "ALTER TABLE acme.contacts ADD CHECK (age < 1000)")
    long = Decimal("0.12345678901234567890")
    load(database, {"id": "1", "age": 1000, "n": value, "any": [long]}, fields=fields)
    [(_, record)] = select(database, REJECTED)
    exact = json.loads(record, parse_float=Decimal)
    assert f'"n": {kept},' in record
    assert exact["any"] == [long]


def test_what_fields_share_is_kept_field_by_field(database: str) -> None:
    fields = [Field("id"), *(Field(f"f{n}") for n in range(1600))]
    with loading(database, fields=fields):
        pass
    select(database, "ALTER TABLE acme.contacts ADD CHECK (f0 <> 'bad')")
    load(database, {"id": "1", "f0": "bad", "f1598": "ä", "f1599": [1, 2]}, fields=fields)
    [(_, record)] = select(database, REJECTED)
    held = {name: it for name, it in json.loads(record).items() if it is not None}
    assert held == {"id": "1", "f0": "bad", "f1598": "ä", "f1599": [1, 2]}
