"""What there is of a table: the columns in Postgres, and our book on which field has which of them.

The book is kept in each schema: `_tables` (object -> table) and `_columns` (field -> column). What
is not in it belongs to people and is left alone. It has the columns' numbers, too, by which they
are known whatever somebody calls them.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from psycopg import errors as pg
from psycopg.sql import SQL, Composed, Identifier

from sync_platform.destination import names
from sync_platform.destination.lock_triggers import INSTALLED
from sync_platform.destination.sessions import Connection
from sync_platform.engine.destination import Table
from sync_platform.errors import ConfigurationError
from sync_platform.spec import FieldType

MISSING = 0  # no column's number: of one that was not there when the numbers were first kept


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
    beside: str | None = None  # the column of texts for values that do not fit this one
    refused: bool = False  # a day ago at most, Postgres would not widen it


@dataclass(frozen=True)
class Actual:
    """A column as it is in Postgres."""

    type: str
    comment: str | None
    key: str | None = None  # the primary key's name, where it is part of that
    number: int = 0  # Postgres' own, which no rename changes
    deferrable: bool = False  # the primary key is, so that no merge can go by it
    collation: str | None = None  # one by which texts that differ can be the same


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is of a table."""

    name: str | None = None  # None: the object has no table yet
    booked: dict[str, Booked] = field(default_factory=dict)
    actual: dict[str, Actual] = field(default_factory=dict)
    comment: str | None = None
    locks: int | None = None  # the version of the triggers in this database
    books: bool = True  # whether the others are there, too, and this one is of this version
    is_table: bool = True  # else a view or so has its name
    # The numbers that its columns had; None where they were told of another table than this.
    numbers: Mapping[str, int] | None = None
    accounts: tuple[str, ...] = ()  # whose values the rows may hold, as far as it is known

    @property
    def ours(self) -> set[str]:
        """The columns in the book."""
        each = self.booked.values()
        return {it.column for it in each} | {it.beside for it in each if it.beside is not None}

    def numbered(self, columns: Iterable[str]) -> bool:
        """Whether the book has the numbers of these columns."""
        has = self.numbers or {}
        return all(it in self.actual and has.get(it) == self.actual[it].number for it in columns)


# Which table the numbers in the book were told of: another one has others, also where a backup
# brought it back under its name, and with it the book.
OF = (
    "jsonb_build_array(to_regnamespace(quote_ident(%s))::oid::bigint, b.tableoid::bigint,"
    " to_regclass(format('%%I.%%I', %s::text, b.table_name))::oid::bigint)"
)


def look(connection: Connection, table: Table) -> Found:
    """What there is of a table, in two queries."""
    book = SQL(
        "WITH t AS MATERIALIZED (SELECT table_name, obj_description(to_regclass("
        "format('%%I.%%I', %s::text, table_name)), 'pg_class') AS comment,"
        " to_regclass(format('%%I._progress', %s::text)) IS NOT NULL"
        " AND to_regclass(format('%%I._rejected', %s::text)) IS NOT NULL"
        " AND to_jsonb(b) ? 'accounts' AS books,"
        " (SELECT relkind IN ('r', 'p') FROM pg_class"
        " WHERE oid = to_regclass(format('%%I.%%I', %s::text, table_name))) AS is_table,"
        " CASE WHEN to_jsonb(b) -> 'numbers' -> 'of' = {of}"
        " THEN to_jsonb(b) -> 'numbers' -> 'columns' END AS numbers,"
        " to_jsonb(b) -> 'accounts' AS accounts"
        " FROM {tables} b WHERE object = %s)"
        " SELECT t.table_name, c.field, c.column_name, c.type, c.vanished_at IS NOT NULL,"
        " b.line ->> 'field_id', b.line ->> 'beside',"  # books of older versions do not have them
        " coalesce((b.line ->> 'refused_at')::timestamptz > now() - interval '23 hours', false),"
        " t.comment, {locks}, t.books, CASE WHEN c.n > 1 THEN NULL ELSE t.numbers END, t.is_table,"
        " t.accounts"
        " FROM t LEFT JOIN (SELECT *, row_number() OVER () AS n FROM {columns}"
        " WHERE table_name = (SELECT table_name FROM t)) c USING (table_name)"
        " LEFT JOIN LATERAL (SELECT to_jsonb(c) AS line OFFSET 0) b ON true"
    ).format(
        tables=relation(table.schema, "_tables"),
        columns=relation(table.schema, "_columns"),
        locks=SQL(INSTALLED),
        of=SQL(OF),
    )
    try:
        asked = [table.schema] * 6 + [names.storable(table.name)]
        lines = connection.execute(book, asked).fetchall()
    except pg.UndefinedTable:
        return Found()
    except pg.UndefinedColumn as error:
        raise ConfigurationError(
            f"Somebody renamed or dropped a column of {table.schema}._tables or "
            f"{table.schema}._columns, in which syncs keep which object is in which table and "
            f"which field in which column: {error.diag.message_primary}. Give it its name back, or "
            "bring the book back from a backup."
        ) from error
    if not lines:
        return Found()
    name = lines[0][0]
    booked = {line[1]: Booked(*line[2:8]) for line in lines if line[1] is not None}
    return Found(
        name=name,
        booked=booked,
        actual=actual_columns(connection, table.schema, name),
        comment=lines[0][8],
        locks=lines[0][9],
        books=lines[0][10],
        is_table=lines[0][12] is not False,
        numbers=next((line[11] for line in lines if line[11] is not None), None),
        accounts=tuple(lines[0][13] or ()),
    )


def number(
    connection: Connection,
    table: Table,
    name: str,
    columns: Collection[str],
    gone: Mapping[str, int],
) -> None:
    """Keep in the book which numbers these columns have, and which those had that are `gone`."""
    has = SQL(
        "UPDATE {tables} b SET numbers = jsonb_build_object('of', {of}, 'columns', %s::jsonb ||"
        " coalesce((SELECT jsonb_object_agg(attname, attnum) FROM pg_attribute"
        " WHERE attrelid = to_regclass(format('%%I.%%I', %s::text, b.table_name))"
        " AND attnum > 0 AND NOT attisdropped AND attname = ANY (%s)), '{{}}'))"
        " WHERE table_name = %s"
    ).format(tables=relation(table.schema, "_tables"), of=SQL(OF))
    values = [*[table.schema] * 2, json.dumps(dict(gone)), table.schema, list(columns), name]
    connection.execute(has, values)


def actual_columns(connection: Connection, schema: str, name: str) -> dict[str, Actual]:
    """The columns of a table or view in their order; empty where there is none of that name."""
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod),"
        " col_description(a.attrelid, a.attnum),"
        " k.conname, a.attnum, coalesce(k.condeferrable, false), s.collname"
        " FROM pg_attribute a LEFT JOIN pg_constraint k"
        " ON k.conrelid = a.attrelid AND k.contype = 'p' AND a.attnum = ANY (k.conkey)"
        " LEFT JOIN pg_collation s ON s.oid = a.attcollation AND NOT s.collisdeterministic"
        " WHERE a.attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text))"
        " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        [schema, name],
    ).fetchall()
    return {row[0]: Actual(*row[1:]) for row in rows}


def columns_ever(connection: Connection, schema: str, name: str) -> int:
    """How many columns the table has had, those that were dropped among them: Postgres counts them
    all towards its limit. 0 where there is no such table."""
    row = connection.execute(
        "SELECT relnatts FROM pg_class"
        " WHERE oid = to_regclass(format('%%I.%%I', %s::text, %s::text))",
        [schema, name],
    ).fetchone()
    return 0 if row is None else int(row[0])


def columns_below(connection: Connection, schema: str, name: str) -> set[str]:
    """The columns of tables that inherit from this one: a column that it gets under such a name
    would be theirs, too, or cannot be made."""
    rows = connection.execute(
        "WITH RECURSIVE below AS (SELECT inhrelid FROM pg_inherits"
        " WHERE inhparent = to_regclass(format('%%I.%%I', %s::text, %s::text))"
        " UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON i.inhparent = b.inhrelid)"
        " SELECT DISTINCT attname FROM below JOIN pg_attribute ON attrelid = inhrelid"
        " WHERE attnum > 0 AND NOT attisdropped",
        [schema, name],
    ).fetchall()
    return {row[0] for row in rows}


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
