"""Writes pandas DataFrames into tables of their own."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral
from typing import Any, LiteralString

import pandas as pd
from psycopg.sql import SQL, Identifier

from sync_platform.destination import cells, names
from sync_platform.destination.book import Actual, actual_columns, depended_on, relation
from sync_platform.destination.cells import MISFITS, NULL
from sync_platform.destination.columns import shown
from sync_platform.destination.ddl import MAKING
from sync_platform.destination.sessions import Connection, connected, translated
from sync_platform.errors import ConfigurationError, RowDoesNotFit

PARTITION = "_partition"
ROWS_AT_ONCE = 10_000
WHOLE_IN_FLOATS = 2**53  # up to here a float is every whole number
FIRST_YEAR, LAST_YEAR = 1, 9999  # that a DataFrame can read back


def write_frame(
    url: str, schema: str, table: str, frame: pd.DataFrame, partition: str | None = None
) -> None:
    """Put the frame into a table, in place of what is there, in one transaction.

    With `partition` only the rows of that partition are replaced (column `_partition`). Columns are
    named as fields are (`First Name` is first_name); new ones are added. An index that has names,
    or other values than integers, is written as columns, too. A column whose values no longer fit
    becomes numeric where integers and floats meet, so that all keep their digits, and text else;
    where the frame has no value for it, it stays as it is. Moments are rounded to microseconds.

    Raises ConfigurationError where the table is a synced one, and RowDoesNotFit where a value has
    no place in Postgres.
    """
    held = _columns_of(frame)
    with (
        connected(url, "sync_platform write_frame") as connection,
        translated(f"writing {schema}.{table}"),
        connection.transaction(),
    ):
        target = relation(schema, table)
        types = _ready(connection, schema, table, held, partition)
        if partition is None:
            connection.execute(SQL("TRUNCATE {}").format(target))
        else:
            connection.execute(
                SQL("DELETE FROM {} WHERE _partition = %s").format(target), [partition]
            )
        into = [*held, PARTITION] if partition is not None else list(held)
        if not into:
            return
        copy_in = SQL("COPY {} ({}) FROM STDIN").format(
            target, SQL(", ").join(map(Identifier, into))
        )
        with connection.cursor().copy(copy_in) as copy:
            for start in range(0, len(frame), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                cells_of = [_cells(name, types[name], it.iloc[part]) for name, it in held.items()]
                if partition is not None:
                    cells_of.append([cells.text_cell(partition)] * len(frame.iloc[part]))
                lines = map("\t".join, zip(*cells_of, strict=True))
                copy.write("\n".join([*lines, ""]).encode())


def _columns_of(frame: pd.DataFrame) -> "dict[str, pd.Series[Any]]":
    """What is to be written, by what it is called in Postgres: the frame's columns and its index.

    Columns whose labels would be called the same are not exchanged when their order is another:
    those that are identifiers already choose first.
    """
    columns = [(str(label), frame.iloc[:, n]) for n, label in enumerate(frame.columns)]
    columns += [level for level in _of_index(frame.index) if not _among(level, columns)]
    labels = [label for label, _ in columns]
    taken: dict[int, str] = {}
    for n in sorted(range(len(labels)), key=lambda n: (names.snake(labels[n]) != labels[n], n)):
        taken[n] = names.identifier(labels[n], taken.values())
    return {taken[n]: values for n, (_, values) in enumerate(columns)}


def _of_index(index: "pd.Index[Any]") -> "list[tuple[str, pd.Series[Any]]]":
    """The levels of an index that tells more than where its rows stand or once stood."""
    if index.nlevels == 1:
        if index.name is None and (pd.api.types.is_integer_dtype(index.dtype) or not len(index)):
            return []
        return [(str("index" if index.name is None else index.name), index.to_series())]
    return [
        (f"level_{n}" if name is None else str(name), index.get_level_values(n).to_series())
        for n, name in enumerate(index.names)
    ]


def _among(
    level: "tuple[str, pd.Series[Any]]", columns: "list[tuple[str, pd.Series[Any]]]"
) -> bool:
    """Whether one of the columns has this name and these values."""
    name, values = level
    values = values.reset_index(drop=True)
    return any(it == name and values.equals(by.reset_index(drop=True)) for it, by in columns)


def _type_of(series: "pd.Series[Any]") -> str:
    """The Postgres type for a column of a frame."""
    dtype = series.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "timestamp with time zone"
    if pd.api.types.is_datetime64_dtype(dtype):
        return "timestamp without time zone"
    if isinstance(dtype, pd.StringDtype):
        return "text"
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_unsigned_integer_dtype(dtype):
        return "numeric"
    if pd.api.types.is_integer_dtype(dtype):
        return "bigint"
    if pd.api.types.is_float_dtype(dtype):
        return "double precision" if getattr(dtype, "itemsize", 8) <= 8 else "numeric"
    return _type_of_values(list(series.dropna().astype("object")))


def _type_of_values(values: list[Any]) -> str:
    """The Postgres type for what a column of Python's own values holds."""
    kind = pd.api.types.infer_dtype(values)
    if kind == "integer":
        return "bigint" if all(-(2**63) <= value < 2**63 for value in values) else "numeric"
    if kind in BY_KIND:
        return BY_KIND[kind]
    if kind in ("datetime", "datetime64"):
        aware = [getattr(value, "tzinfo", None) is not None for value in values]
        if not any(aware):
            return "timestamp without time zone"
        return "timestamp with time zone" if all(aware) else "text"
    if kind == "date" and not any(isinstance(value, datetime) for value in values):
        return "date"
    if values and all(isinstance(value, dict | list) for value in values):
        return "jsonb"
    if values and all(map(_is_number, values)):
        return "numeric"
    return "text"


BY_KIND = {"boolean": "boolean", "floating": "double precision", "decimal": "numeric"}


def _is_number(value: Any) -> bool:
    return isinstance(value, Integral | float | Decimal) and not isinstance(value, bool)


def _numeric(value: Any) -> str:
    """Exactly; as Postgres reads it."""
    return repr(float(value)) if isinstance(value, float) else str(value)


def _moment(value: Any) -> str:
    if not hasattr(value, "isoformat"):  # numpy's
        value = pd.Timestamp(value)
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"it is not between the years {FIRST_YEAR} and {LAST_YEAR}")
    return str(value.isoformat())


def _as_text(value: Any) -> str:
    if type(value) is not str:
        kind = type(value).__name__
        if kind == "datetime64":  # numpy's, whose item() may be a mere number
            value = pd.Timestamp(value)
        elif kind not in ("timedelta64", "ndarray") and hasattr(value, "item"):
            value = value.item()  # a number of numpy's
        if not isinstance(value, WRITTEN):
            raise ValueError(f"no column is for a {kind}: make a text or a number of it")
    return cells.text_cell(value)


WRITTEN = (str, bool, int, float, Decimal, date, dict, list, tuple)
WRITERS: dict[str, Callable[[Any], str]] = {
    "bigint": lambda value: str(int(value)),
    "numeric": _numeric,
    "double precision": lambda value: repr(float(value)),
    "boolean": lambda value: "t" if value else "f",
    "timestamp with time zone": _moment,
    "timestamp without time zone": _moment,
    "date": _moment,
    "jsonb": cells.json_value,
}


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
    held: dict[str, "pd.Series[Any]"],
    partition: str | None,
) -> dict[str, str]:
    """Make or widen the table for what these columns hold; the types that they have now."""
    _make_schema(connection, schema)
    if partition is not None:
        held = held | {PARTITION: pd.Series([partition])}
    wanted = {name: _type_of(it) for name, it in held.items()}
    actual = actual_columns(connection, schema, table)
    if not all(_fit(held[name], to, actual.get(name)) for name, to in wanted.items()):
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
        return wanted
    now = {}
    for name, type in wanted.items():
        has = actual.get(name)
        if has is None or _fit(held[name], type, has):
            now[name] = type if has is None else has.type
        elif _unused(connection, schema, table, name):
            now[name] = type
        else:
            now[name] = _wider(has.type, type)
        if has is None or has.type != now[name]:
            parts = {"table": target, "column": Identifier(name), "type": SQL(now[name])}
            connection.execute(SQL(ADD if has is None else WIDEN).format(**parts))
    return now


ADD: LiteralString = "ALTER TABLE {table} ADD COLUMN {column} {type}"
WIDEN: LiteralString = (  # by way of text: straight to numeric, a float would keep 15 digits
    "ALTER TABLE {table} ALTER COLUMN {column} TYPE {type} USING {column}::text::{type}"
)


def _make_schema(connection: Connection, schema: str) -> None:
    there = "SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL"
    if connection.execute(there, [schema]).fetchone() == (True,):
        return  # IF NOT EXISTS would ask for the right to create one
    connection.execute(MAKING, [schema])  # a sync may be making it, too
    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))


def _lock(connection: Connection, what: str) -> None:
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('sync_platform frame ' || %s, 0))", [what]
    )


NUMBERS = ("bigint", "double precision", "numeric")
DAYS = ("date", "timestamp without time zone")


def _unused(connection: Connection, schema: str, table: str, column: str) -> bool:
    """Whether a column has no value yet, and nothing of somebody's is built on it."""
    query = SQL("SELECT FROM {} WHERE {} IS NOT NULL LIMIT 1").format(
        relation(schema, table), Identifier(column)
    )
    used = connection.execute(query).rowcount > 0
    return not used and column not in depended_on(connection, schema, table)


def _wider(has: str, wanted: str) -> str:
    """The type for a column of one type that gets values of another, which do not fit it."""
    if has in NUMBERS and wanted in NUMBERS:
        return "numeric"
    return DAYS[1] if has in DAYS and wanted in DAYS else "text"


def _fit(values: "pd.Series[Any]", type: str, has: Actual | None) -> bool:
    """Whether these values, of this type, have a column in which they stay the same."""
    if has is None:
        return False
    if has.type == type or values.isna().all():
        return True
    if (type, has.type) in (("date", DAYS[1]), *((it, "numeric") for it in NUMBERS)):
        return True
    if {type, has.type} != {"bigint", "double precision"}:
        return False
    return all(value % 1 == 0 and abs(value) <= WHOLE_IN_FLOATS for value in values.dropna())
