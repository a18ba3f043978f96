"""Holds Postgres against the sandbox vendor, record by record, by rules of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from sync_platform.engine.naming import named
from sync_platform.engine.results import Target
from sync_platform.platform import Platform
from sync_platform.spec import Field
from sync_platform.spec.times import moment


def differences(platform: Platform, vendor_url: str, target: Target) -> Iterator[str]:
    """What differs between the object's live rows and the vendor's records, a sentence each."""
    connection = platform.connection(target.connection)
    obj = platform.connector_of(connection)[target.object]
    table = platform.table(connection, obj)
    fields = platform.catalogs.fields(target) or []
    columns = platform.destination.column_names(table)
    answer = httpx.get(
        f"{vendor_url}/_sandbox/records/{target.object}", timeout=120, trust_env=False
    )
    there = named(obj, fields, [obj.row(record) for record in answer.json()["results"]])
    truth = {_key(row, obj.keys): row for row in there}
    with psycopg.connect(platform.database_url, row_factory=dict_row) as postgres:
        place = sql.Identifier(table.schema, platform.destination.table_name(table) or table.name)
        query = sql.SQL("SELECT * FROM {} WHERE _deleted_at IS NULL").format(place)
        keys = [columns[key] for key in obj.keys]
        loaded = {_key(row, keys): row for row in postgres.execute(query)}
    for missing in sorted(truth.keys() - loaded.keys()):
        yield f"{target.object} {missing} is not in Postgres."
    for extra in sorted(loaded.keys() - truth.keys()):
        yield f"{target.object} {extra} is in Postgres only."
    for id in sorted(truth.keys() & loaded.keys()):
        yield from _unequal(target.object, id, truth[id], loaded[id], fields, columns)


def _key(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(str(row[name]) for name in names)


def _unequal(
    name: str,
    id: str,
    record: Mapping[str, Any],
    row: Mapping[str, Any],
    fields: list[Field],
    columns: Mapping[str, str],
) -> Iterator[str]:
    for field in fields:
        if field.empty and field.name not in columns:  # its column is made with its first value
            continue
        expected = MEANS[field.type](record.get(field.name))
        found = row[columns[field.name]]
        if isinstance(found, str) and isinstance(expected, int | Decimal):  # a column that widened
            expected = str(expected).lower()
        if expected != found:
            yield f"{name} {id}: {field.name} is {expected!r} there and {found!r} here."


def _typed(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value in (None, "") else convert(value)


MEANS: dict[str, Callable[[Any], Any]] = {
    "text": lambda value: value,
    "integer": _typed(int),
    "number": _typed(lambda value: Decimal(str(value))),
    "boolean": _typed(lambda value: value if isinstance(value, bool) else value == "true"),
    "date": _typed(lambda value: date.fromisoformat(value[:10])),
    "timestamp": _typed(moment),
    "json": lambda value: value,
}
