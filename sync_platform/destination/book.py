"""What there is of a table: the columns in Postgres, and our book on which field has which of them.

The book is kept in each schema: `_tables` (object -> table) and `_columns` (field -> column). What
is not in it belongs to people and is left alone.
"""

from dataclasses import dataclass, field

from psycopg import errors as pg
from psycopg.sql import SQL, Composed, Identifier

from sync_platform.destination import names
from sync_platform.destination.lock_triggers import INSTALLED
from sync_platform.destination.sessions import Connection
from sync_platform.engine.destination import Table
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
    id: str | None = None  # the vendor's, by which a renamed field is known


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
    comment: str | None = None
    locks: int | None = None  # the version of the triggers in this database


def look(connection: Connection, table: Table) -> Found:
    """What there is of a table, in two queries."""
    book = SQL(
        "WITH t AS MATERIALIZED (SELECT table_name, obj_description(to_regclass("
        "format('%%I.%%I', %s::text, table_name)), 'pg_class') AS comment"
        " FROM {tables} WHERE object = %s)"
        " SELECT t.table_name, c.field, c.column_name, c.type, c.vanished_at IS NOT NULL,"
        " to_jsonb(c) ->> 'field_id',"  # books of older versions do not have it
        " t.comment, {locks} FROM t LEFT JOIN {columns} c USING (table_name)"
    ).format(
        tables=relation(table.schema, "_tables"),
        columns=relation(table.schema, "_columns"),
        locks=SQL(INSTALLED),
    )
    try:
        lines = connection.execute(book, [table.schema, names.storable(table.name)]).fetchall()
    except pg.UndefinedTable:
        return Found()
    if not lines:
        return Found()
    name = lines[0][0]
    booked = {line[1]: Booked(*line[2:6]) for line in lines if line[1] is not None}
    return Found(
        name=name,
        booked=booked,
        actual=actual_columns(connection, table.schema, name),
        comment=lines[0][6],
        locks=lines[0][7],
    )


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
    """The columns whose type cannot be altered in place, because something of somebody's is built
    on them: a view, a constraint, or an index that says how to compare."""
    rows = connection.execute(DEPENDED_ON, {"schema": schema, "name": name}).fetchall()
    return {row[0] for row in rows}


DEPENDED_ON = """
WITH it AS (SELECT to_regclass(format('%%I.%%I', %(schema)s::text, %(name)s::text))::oid AS oid),
peculiar AS (  -- indexes that not every type can have
    SELECT i.indexrelid FROM it JOIN pg_index i ON i.indrelid = it.oid
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
    WHERE m.amname <> 'btree' OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
        OR EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (i.indclass) AND NOT o.opcdefault)
), attnums AS (
    SELECT d.refobjsubid AS attnum FROM it JOIN pg_depend d
        ON d.refclassid = 'pg_class'::regclass AND d.refobjid = it.oid
    WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_attrdef'::regclass,
            'pg_policy'::regclass, 'pg_publication_rel'::regclass, 'pg_proc'::regclass,
            'pg_statistic_ext'::regclass)
        OR d.classid = 'pg_class'::regclass AND d.objid IN (SELECT indexrelid FROM peculiar)
    UNION SELECT unnest(c.conkey) FROM it JOIN pg_constraint c ON c.conrelid = it.oid
        AND c.contype IN ('c', 'f', 'x')
    UNION SELECT unnest(c.confkey) FROM it JOIN pg_constraint c ON c.confrelid = it.oid
)
SELECT a.attname FROM attnums JOIN it ON true
JOIN pg_attribute a ON a.attrelid = it.oid AND a.attnum = attnums.attnum
"""
