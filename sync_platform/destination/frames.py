"""Tables as pandas DataFrames, by COPY both ways. Imported only where frames are asked for."""

import json
import re
import secrets
from collections.abc import Sequence
from decimal import Decimal
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
    "real": "float64",
    "double precision": "float64",
}
MOMENTS = ("timestamp with time zone", "timestamp without time zone", "date")
OF_A_FLOAT = 15  # digits: doubles keep so many of any number
# What orjson may shorten has 17 of these signs beside each other: at least 20 digits, a minus and
# 19, or 16 with a point or an exponent.
LONG_RUN = b"0" * 17
RUN_TO_0 = bytes.maketrans(b"0123456789.eE", LONG_RUN[:13])


def read_frame(
    url: str,
    table: Table | str,
    columns: Sequence[str] | None = None,
    *,
    include_deleted: bool = False,
) -> pd.DataFrame:
    """The rows of an object's table, or of any "schema.table", as a DataFrame.

    `columns` are named by column or by field, and are called so in the frame; where one of an
    object has kept its type, the texts that stand beside it come after it; without it come all,
    `_deleted_at` and `_deleted_by` only with `include_deleted`. Integers are Int64, numbers float64
    (or Decimal, all of a column, where one of them would be another number as a float), timestamps
    datetime64 in UTC, dates datetime64 without a zone; JSON is decoded, its numbers with all their
    digits. Raises ConfigurationError for a table or column that is not there, for a moment or JSON
    that a DataFrame cannot hold, and where Postgres cannot compute what is to be read.
    """
    with connected(url, "sync_platform read_frame") as connection, translated("reading a table"):
        schema, name, fields, beside = _find(connection, table)
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
        for place, column in reversed(list(enumerate(found, 1))):
            if (texts := beside.get(column)) in actual and texts not in found:
                asked.insert(place, texts)
                found.insert(place, texts)
        live = "_deleted_at" in actual and not include_deleted
        source = relation(schema, name)
        if isinstance(table, Table):  # without what somebody's tables have that inherit from it
            source = SQL("ONLY {}").format(source)
        try:
            return _read(connection, source, asked, [(it, actual[it]) for it in found], live)
        except psycopg.DataError as error:
            raise ConfigurationError(
                f"Reading {schema}.{name}, Postgres could not compute a value: "
                f"{error.diag.message_primary}. A view, or a column that somebody added and that "
                "is computed whenever it is read, is the likely cause: leave such columns out, or "
                "mend what computes them."
            ) from error


def _find(
    connection: Connection, table: Table | str
) -> tuple[str, str, dict[str, str], dict[str, str | None]]:
    """Schema, table, the column of each field, and the one beside a column."""
    if isinstance(table, Table):
        found = look(connection, table)
        return (
            table.schema,
            found.name or names.snake(table.name),
            {field: booked.column for field, booked in found.booked.items()},
            {booked.column: booked.beside for booked in found.booked.values()},
        )
    schema, dot, name = table.partition(".")
    if not dot:
        raise ConfigurationError(f"{table!r} is not of the form 'schema.table'.")
    return schema, name, {}, {}


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
    types = [_plain(it.type) for _, it in found]
    dtypes: Any = {n: DTYPES.get(it, "str") for n, it in enumerate(types)}
    nulls: Any = {n: [null, "NaN"] if it == "float64" else [null] for n, it in dtypes.items()}
    with connection.cursor().copy(query) as copy:
        stream: Any = _Stream(copy)
        frame: pd.DataFrame = pd.read_csv(
            stream,
            header=None,
            names=list(range(len(found))),
            dtype=dtypes,
            na_values=nulls,
            keep_default_na=False,
            skip_blank_lines=False,  # a row whose only column is an empty text
            engine="c",
        )
    for n, type in enumerate(types):
        try:
            if type in MOMENTS:
                frame[n] = _moments(frame[n], aware=type == MOMENTS[0])
            elif type == "numeric":
                frame[n] = _numbers(frame[n])
            elif type in ("json", "jsonb"):
                values = [None if pd.isna(text) else _json(text) for text in frame[n]]
                frame[n] = pd.Series(values, dtype="object")
        except (ValueError, RecursionError) as error:
            kind = "JSON of too many levels" if "json" in type else "a moment outside of its years"
            raise ConfigurationError(
                f"The column {asked[n]!r} ({type}) holds what a DataFrame cannot: {kind}. Leave it "
                "out, or read a view that makes a text of it."
            ) from error
    frame.columns = pd.Index(asked)
    return frame


def _plain(type: str) -> str:
    """The type without its (precision), which may stand in its middle."""
    return re.sub(r"\(.*?\)", "", type)


def _moments(texts: "pd.Series[Any]", *, aware: bool) -> "pd.Series[Any]":
    return pd.to_datetime(texts, format="ISO8601", utc=aware).astype(
        "datetime64[us, UTC]" if aware else "datetime64[us]"
    )


def _numbers(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """As floats; as Decimals, where one of the floats would be another number."""
    held = texts.dropna()
    long = held[held.str.len() > OF_A_FLOAT]
    if not any(isinstance(_fraction(text), Decimal) for text in long):
        return texts.astype("float64")
    exact = [None if pd.isna(text) else Decimal(text) for text in texts]
    return pd.Series(exact, dtype="object")


def _json(text: str) -> Any:
    """What the JSON says; numbers with all their digits, as Decimals where floats would be others.

    Quick where no number is that long.
    """
    written = text.encode()
    if written.translate(RUN_TO_0).rfind(LONG_RUN) < 0:  # twice as quick as "in"
        try:
            return orjson.loads(written)
        except orjson.JSONDecodeError:
            pass  # half a character, a number that ends beyond floats, some levels more than 1,000
    return EXACT.decode(text)


def _fraction(written: str) -> float | Decimal:
    """The number; a Decimal where a float would be another one."""
    number = float(written)
    if repr(number) == written:
        return number
    exact = Decimal(written)
    return number if exact == Decimal(repr(number)) else exact


def _whole(written: str) -> int | Decimal:
    try:
        return int(written)
    except ValueError:  # more than 4,300 digits
        return Decimal(written)


EXACT = json.JSONDecoder(parse_float=_fraction, parse_int=_whole)


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
