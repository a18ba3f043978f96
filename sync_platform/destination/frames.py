"""Tables as pandas DataFrames, by COPY both ways. Imported only where frames are asked for."""

import secrets
from collections.abc import Sequence
from typing import Any

import orjson
import pandas as pd
import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from sync_platform.destination import names
from sync_platform.destination.book import Actual, actual_columns, look, relation
from sync_platform.destination.frame_writing import write_frame
from sync_platform.destination.sessions import Connection, connected, translated
from sync_platform.engine.destination import Table
from sync_platform.errors import ConfigurationError

__all__ = ["read_frame", "write_frame"]

DTYPES: dict[str, str] = {  # else text
    "smallint": "Int64",
    "integer": "Int64",
    "bigint": "Int64",
    "boolean": "boolean",
    "numeric": "float64",
    "real": "float64",
    "double precision": "float64",
}
MOMENTS = ("timestamp with time zone", "timestamp without time zone", "date")


def read_frame(
    url: str,
    table: Table | str,
    columns: Sequence[str] | None = None,
    *,
    include_deleted: bool = False,
) -> pd.DataFrame:
    """The rows of an object's table, or of any "schema.table", as a DataFrame.

    `columns` are named by column or by field, and are called so in the frame; without it come all,
    `_deleted_at` and `_deleted_by` only with `include_deleted`. Integers are Int64, numbers float64
    (so 15 digits of them), timestamps datetime64 in UTC, dates datetime64 without a zone, JSON is
    decoded. Raises ConfigurationError for a table or column that is not there.
    """
    with connected(url, "sync_platform read_frame") as connection, translated("reading a table"):
        schema, name, fields = _find(connection, table)
        actual = actual_columns(connection, schema, name)
        if not actual:
            raise ConfigurationError(f"There is no table {schema}.{name}; has it been synced?")
        if columns is None:
            asked = [it for it in actual if include_deleted or not it.startswith("_deleted_")]
        else:
            asked = list(columns)
        found = [it if it in actual else fields.get(names.storable(it), it) for it in asked]
        missing = [it for it, column in zip(asked, found, strict=True) if column not in actual]
        if missing:
            raise ConfigurationError(
                f"{schema}.{name} has no column {', '.join(map(repr, missing))}. "
                f"It has: {', '.join(actual)}."
            )
        live = "_deleted_at" in actual and not include_deleted
        return _read(
            connection, relation(schema, name), asked, [(it, actual[it]) for it in found], live
        )


def _find(connection: Connection, table: Table | str) -> tuple[str, str, dict[str, str]]:
    """Schema, table and the column of each field."""
    if isinstance(table, Table):
        found = look(connection, table)
        return (
            table.schema,
            found.name or names.snake(table.name),
            {field: booked.column for field, booked in found.booked.items()},
        )
    schema, dot, name = table.partition(".")
    if not dot:
        raise ConfigurationError(f"{table!r} is not of the form 'schema.table'.")
    return schema, name, {}


def _read(
    connection: Connection,
    source: Composed,
    asked: list[str],
    found: list[tuple[str, Actual]],
    live: bool,
) -> pd.DataFrame:
    null = f"\x01{secrets.token_hex(4)}"  # no value is equal to it
    query = SQL("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT csv, NULL {})").format(
        SQL(", ").join(
            SQL("{}::text").format(Identifier(column))
            if it.type == "boolean"
            else Identifier(column)
            for column, it in found
        ),
        source,
        SQL(" WHERE _deleted_at IS NULL" if live else ""),
        Literal(null),
    )
    dtypes: Any = {n: DTYPES.get(_plain(it.type), "str") for n, (_, it) in enumerate(found)}
    with connection.cursor().copy(query) as copy:
        stream: Any = _Stream(copy)
        frame: pd.DataFrame = pd.read_csv(
            stream,
            header=None,
            names=list(range(len(found))),
            dtype=dtypes,
            na_values=[null],
            keep_default_na=False,
            skip_blank_lines=False,  # a row whose only column is an empty text
            engine="c",
        )
    for n, (_, it) in enumerate(found):
        if it.type in MOMENTS:
            aware = it.type == MOMENTS[0]
            frame[n] = pd.to_datetime(frame[n], format="ISO8601", utc=aware).astype(
                "datetime64[us, UTC]" if aware else "datetime64[us]"
            )
        elif it.type in ("json", "jsonb"):
            frame[n] = pd.Series(
                [None if pd.isna(text) else orjson.loads(text) for text in frame[n]],
                dtype="object",
            )
    frame.columns = pd.Index(asked)
    return frame


def _plain(type: str) -> str:
    """The type without its (precision)."""
    return type.partition("(")[0]


class _Stream:
    """What COPY sends, as a file that pandas can read; nothing is kept."""

    def __init__(self, copy: psycopg.Copy) -> None:
        self._copy = copy
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while (size < 0 or length < size) and (data := self._copy.read()):
            parts.append(bytes(data))
            length += len(data)
        whole = b"".join(parts)
        end = len(whole) if size < 0 else size
        self._rest = whole[end:]
        return whole[:end]

    def __iter__(self) -> "_Stream":
        return self

    def __next__(self) -> bytes:
        raise StopIteration
