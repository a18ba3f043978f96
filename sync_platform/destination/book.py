"""What there is of a table: the columns in Postgres, and our book on which field has which of them.

The book is kept in each schema: `_tables` (object -> table) and `_columns` (field -> column). What
is not in it belongs to people and is left alone.
"""

from dataclasses import dataclass, field

from psycopg import errors as pg
from psycopg.sql import SQL, Composed, Identifier

from sync_platform.destination import names
from sync_platform.destination.sessions import Connection
from sync_platform.engine.ports import Table
from sync_platform.spec import FieldType


def relation(schema: str, name: str) -> Composed:
    """A table, as SQL."""
    return SQL("{}.{}").format(Identifier(schema), Identifier(name))


@dataclass(frozen=True)
class Booked:
    """A line of the book."""

    column: str
    type: FieldType
    vanished: bool


@dataclass(frozen=True)
class Actual:
    """A column as it is in Postgres."""

    type: str
    comment: str | None
    key: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is of a table."""

    name: str | None = None  # None: the object has no table yet
    booked: dict[str, Booked] = field(default_factory=dict)
    actual: dict[str, Actual] = field(default_factory=dict)


def look(connection: Connection, table: Table) -> Found:
    """What there is of a table, in two queries."""
    book = SQL(
        "SELECT t.table_name, c.field, c.column_name, c.type, c.vanished_at IS NOT NULL"
        " FROM {tables} t LEFT JOIN {columns} c USING (table_name) WHERE t.object = %s"
    ).format(tables=relation(table.schema, "_tables"), columns=relation(table.schema, "_columns"))
    try:
        lines = connection.execute(book, [names.storable(table.name)]).fetchall()
    except pg.UndefinedTable:
        return Found()
    if not lines:
        return Found()
    name = lines[0][0]
    booked = {line[1]: Booked(line[2], line[3], line[4]) for line in lines if line[1] is not None}
    return Found(name=name, booked=booked, actual=actual_columns(connection, table.schema, name))


def actual_columns(connection: Connection, schema: str, name: str) -> dict[str, Actual]:
    """The columns of a table or view in their order; empty where there is none of that name."""
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod),"
        " col_description(a.attrelid, a.attnum),"
        " coalesce(a.attnum = ANY (i.indkey), false)"
        " FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
        " WHERE a.attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text))"
        " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        [schema, name],
    ).fetchall()
    return {row[0]: Actual(row[1], row[2], row[3]) for row in rows}


def depended_on(connection: Connection, schema: str, name: str) -> set[str]:
    """The columns whose type cannot be altered in place, because something is built on them."""
    rows = connection.execute(
        "SELECT DISTINCT a.attname FROM pg_depend d JOIN pg_attribute a"
        " ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
        " WHERE d.refobjid = to_regclass(format('%%I.%%I', %s::text, %s::text))"
        " AND d.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass,"
        " 'pg_attrdef'::regclass, 'pg_policy'::regclass, 'pg_publication_rel'::regclass)",
        [schema, name],
    ).fetchall()
    return {row[0] for row in rows}
