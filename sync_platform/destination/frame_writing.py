"""Writes pandas DataFrames into tables of their own."""

from collections.abc import Callable
from typing import Any, LiteralString

import pandas as pd
from psycopg.sql import SQL, Identifier

from sync_platform.destination import cells, names
from sync_platform.destination.book import Actual, actual_columns, relation
from sync_platform.destination.cells import MISFITS, NULL
from sync_platform.destination.columns import shown
from sync_platform.destination.sessions import Connection, connected, translated
from sync_platform.errors import ConfigurationError, RowDoesNotFit

PARTITION = "_partition"
ROWS_AT_ONCE = 10_000


def write_frame(
    url: str, schema: str, table: str, frame: pd.DataFrame, partition: str | None = None
) -> None:
    """Put the frame into a table, in place of what is there, in one transaction.

    With `partition` only the rows of that partition are replaced (column `_partition`). Columns are
    named as fields are (`First Name` is first_name); new ones are added, and a column whose values
    no longer fit becomes text. Raises ConfigurationError where the table is a synced one, and
    RowDoesNotFit where a text holds what Postgres cannot store.
    """
    taken: list[str] = []
    for label in frame.columns:
        taken.append(names.identifier(str(label), taken))
    series = [frame.iloc[:, n] for n in range(frame.shape[1])]
    types = {name: _type_of(it) for name, it in zip(taken, series, strict=True)}
    with (
        connected(url, "sync_platform write_frame") as connection,
        translated(f"writing {schema}.{table}"),
        connection.transaction(),
    ):
        target = relation(schema, table)
        types = _ready(connection, schema, table, types, partition)
        if partition is None:
            connection.execute(SQL("TRUNCATE {}").format(target))
        else:
            connection.execute(
                SQL("DELETE FROM {} WHERE _partition = %s").format(target), [partition]
            )
        into = [*taken, PARTITION] if partition is not None else taken
        if not into:
            return
        copy_in = SQL("COPY {} ({}) FROM STDIN").format(
            target, SQL(", ").join(map(Identifier, into))
        )
        with connection.cursor().copy(copy_in) as copy:
            for start in range(0, len(frame), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                cells_of = [
                    _cells(name, types[name], it.iloc[part])
                    for name, it in zip(taken, series, strict=True)
                ]
                if partition is not None:
                    cells_of.append([cells.text_cell(partition)] * len(frame.iloc[part]))
                lines = map("\t".join, zip(*cells_of, strict=True))
                copy.write("\n".join([*lines, ""]).encode())


def _type_of(series: "pd.Series[Any]") -> str:
    """The Postgres type for a column of a frame."""
    dtype = series.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "timestamp with time zone"
    if pd.api.types.is_datetime64_dtype(dtype):
        return "timestamp without time zone"
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_unsigned_integer_dtype(dtype):
        return "numeric"
    if pd.api.types.is_integer_dtype(dtype):
        return "bigint"
    if pd.api.types.is_float_dtype(dtype):
        return "double precision"
    held = series.dropna()
    if len(held) and all(isinstance(value, dict | list) for value in held):
        return "jsonb"
    return "text"


WRITERS: dict[str, Callable[[Any], str]] = {
    "bigint": lambda value: str(int(value)),
    "numeric": lambda value: str(value),
    "double precision": lambda value: repr(float(value)),
    "boolean": lambda value: "t" if value else "f",
    "timestamp with time zone": lambda value: str(value.isoformat()),
    "timestamp without time zone": lambda value: str(value.isoformat()),
    "jsonb": cells.json_value,
}


def _as_text(value: Any) -> str:
    if type(value) is not str and hasattr(value, "item"):  # a number of numpy's
        value = value.item()
    return cells.text_cell(value)


def _cells(name: str, type: str, series: "pd.Series[Any]") -> list[str]:
    write = WRITERS.get(type, _as_text)
    written = []
    for value, missing in zip(series.astype("object"), series.isna(), strict=True):
        try:
            written.append(NULL if missing else write(value))
        except MISFITS as error:
            raise RowDoesNotFit(
                f"The column {name!r} holds {shown(value)}, which Postgres cannot store as {type} "
                f"({error})."
            ) from error
    return written


def _ready(
    connection: Connection,
    schema: str,
    table: str,
    types: dict[str, str],
    partition: str | None,
) -> dict[str, str]:
    """Make or widen the table; the types that its columns have now."""
    _make_schema(connection, schema)
    wanted = types | ({PARTITION: "text"} if partition is not None else {})
    actual = actual_columns(connection, schema, table)
    if any(_wider(actual.get(name), type) is not None for name, type in wanted.items()):
        _lock(connection, f"{schema}.{table}")  # of several partitions, the first makes it
        actual = actual_columns(connection, schema, table)
    if {"_synced_at", "_deleted_at"} <= actual.keys():
        raise ConfigurationError(
            f"{schema}.{table} is filled by a sync; write the frame to another table."
        )
    target = relation(schema, table)
    if not actual:
        columns = [SQL("{} {}").format(Identifier(it), SQL(to)) for it, to in wanted.items()]
        connection.execute(SQL("CREATE TABLE {} ({})").format(target, SQL(", ").join(columns)))
        if partition is not None:
            connection.execute(SQL("CREATE INDEX ON {} (_partition)").format(target))
        return types
    now = {}
    for name, type in wanted.items():
        to = _wider(actual.get(name), type)
        if to is not None:
            change = ADD if name not in actual else WIDEN
            parts = {"table": target, "column": Identifier(name), "type": SQL(to)}
            connection.execute(SQL(change).format(**parts))
        now[name] = to or actual[name].type
    return now


ADD: LiteralString = "ALTER TABLE {table} ADD COLUMN {column} {type}"
WIDEN: LiteralString = (
    "ALTER TABLE {table} ALTER COLUMN {column} TYPE {type} USING {column}::{type}"
)


def _make_schema(connection: Connection, schema: str) -> None:
    there = "SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL"
    if connection.execute(there, [schema]).fetchone() == (True,):
        return  # IF NOT EXISTS would ask for the right to create one
    _lock(connection, schema)
    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))


def _lock(connection: Connection, what: str) -> None:
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('sync_platform frame ' || %s, 0))", [what]
    )


def _wider(has: Actual | None, wanted: str) -> str | None:
    """The type that a column must be given; None where it has it."""
    if has is None:
        return wanted
    whole = ("bigint", "numeric", "double precision")
    if has.type in whole and wanted in whole:
        to = whole[max(whole.index(has.type), whole.index(wanted))]
    else:
        to = wanted if has.type == wanted else "text"
    return None if has.type == to else to
