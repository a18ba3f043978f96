"""The statements that make our own tables, and those that widen a column in place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from psycopg import sql
from psycopg.sql import SQL, Composed, Identifier

from sync_platform.destination import names
from sync_platform.destination.book import relation
from sync_platform.destination.columns import POSTGRES
from sync_platform.destination.lock_triggers import PASSING
from sync_platform.destination.sessions import Connection
from sync_platform.errors import ConfigurationError
from sync_platform.spec import FieldType

# What a column or a field's column keeps.
Refusal: TypeAlias = tuple[Literal["name", "type", "values", "types"], str]
SHARED: Refusal = ("values", "_more")
TOGETHER: Refusal = ("types", "")  # of several columns in one statement, none of them alone


@dataclass(frozen=True, kw_only=True)
class Tentative:
    """A statement that Postgres may refuse because of what people built, and what is kept then: a
    column (as it is called before) its name, the column of a field its type, or the column _more
    the names of its values."""

    statement: Composed
    keeps: Refusal


@dataclass(frozen=True, kw_only=True)
class Together:
    """Changes of several columns in one statement, since each statement writes the whole table
    anew. Postgres may refuse any of them: `parts` are by what is kept then."""

    alter: Composed
    parts: Mapping[Refusal, Composed]

    def statement(self, some: Iterable[Refusal]) -> Composed:
        """The statement that makes some of the changes."""
        return self.alter + SQL(", ").join(self.parts[it] for it in some)


Statement: TypeAlias = Composed | Tentative | Together

MOMENT = "timestamp with time zone"
BOOKS: Mapping[str, Mapping[str, str]] = {  # their columns, as Postgres calls the types
    "_tables": {
        "object": "text",
        "table_name": "text",
        "numbers": "jsonb",
        "accounts": "text[]",
        "added_at": MOMENT,
    },
    "_columns": {
        "table_name": "text",
        "field": "text",
        "column_name": "text",
        "type": "text",
        "position": "integer",
        "field_id": "text",
        "beside": "text",
        "refused_at": MOMENT,
        "added_at": MOMENT,
        "vanished_at": MOMENT,
    },
    "_progress": {
        "table_name": "text",
        "sync": "text",
        "mode": "text",
        "since": MOMENT,
        "until": MOMENT,
        "started_at": MOMENT,
        "began_at": MOMENT,
        "shape": "text",
        "position": "json",
        "seen": "bigint",
        "updated_at": MOMENT,
    },
    "_rejected": {
        "id": "bigint",
        "table_name": "text",
        "key": "text",
        "record": "text",
        "reason": "text",
        "sync": "text",
        "rejected_at": MOMENT,
    },
}

# `position` is json and not jsonb, because a vendor's token may hold what jsonb refuses (NUL).
BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS {schema}._tables (
    object text PRIMARY KEY,
    table_name text NOT NULL UNIQUE,
    numbers jsonb,
    accounts text[],
    added_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS {schema}._columns (
    table_name text NOT NULL,
    field text NOT NULL,
    column_name text NOT NULL,
    type text NOT NULL,
    position integer NOT NULL,
    field_id text,
    beside text,
    refused_at timestamptz,
    added_at timestamptz NOT NULL DEFAULT now(),
    vanished_at timestamptz,
    PRIMARY KEY (table_name, field)
);
CREATE TABLE IF NOT EXISTS {schema}._progress (
    table_name text PRIMARY KEY,
    sync text NOT NULL,
    mode text NOT NULL,
    since timestamptz,
    until timestamptz,
    started_at timestamptz NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    shape text NOT NULL,
    position json,
    seen bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS {schema}._rejected (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL,
    key text,
    record text NOT NULL,
    reason text NOT NULL,
    sync text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS _rejected_record ON {schema}._rejected
    (table_name, hashtextextended(record, 0));
CREATE INDEX IF NOT EXISTS _rejected_key ON {schema}._rejected
    (table_name, hashtextextended(key, 0));
COMMENT ON TABLE {schema}._tables IS 'sync_platform: which object is in which table';
COMMENT ON TABLE {schema}._columns IS 'sync_platform: which field is in which column';
COMMENT ON TABLE {schema}._progress IS 'sync_platform: how far unfinished syncs got';
COMMENT ON TABLE {schema}._rejected IS 'sync_platform: records that did not fit, and why';
"""

# Of a sync that was interrupted before there was the column, the moment is known by our clock.
BEGAN_AT = """
ALTER TABLE {book} ADD COLUMN IF NOT EXISTS began_at timestamptz NOT NULL DEFAULT now();
UPDATE {book} SET began_at = least(began_at, started_at);
"""


TABLES_SINCE = """
ALTER TABLE {book} ADD COLUMN IF NOT EXISTS numbers jsonb;
ALTER TABLE {book} ADD COLUMN IF NOT EXISTS accounts text[];
"""
COLUMNS_SINCE = """
ALTER TABLE {book} ADD COLUMN IF NOT EXISTS field_id text;
ALTER TABLE {book} ADD COLUMN IF NOT EXISTS beside text;
ALTER TABLE {book} ADD COLUMN IF NOT EXISTS refused_at timestamptz;
"""
NEWEST = {  # columns that show that a book is there, and of this version
    ("_tables", "numbers"),
    ("_tables", "accounts"),
    ("_columns", "field_id"),
    ("_columns", "refused_at"),
    ("_progress", "began_at"),
    ("_rejected", "record"),
}


# One transaction at a time makes or changes what is in a schema, or the schema itself.
MAKING = "SELECT pg_advisory_xact_lock(hashtextextended('sync_platform/' || %s, 0))"


def bookkeeping(connection: Connection, schema: str) -> None:
    """Make the schema and our own tables in it, where they are missing or of an older version.

    Raises ConfigurationError where one is gone without which the others make no sense.
    """
    rows = connection.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = to_regnamespace(quote_ident(%s)) AND c.relname = ANY (%s)",
        [schema, list(BOOKS)],
    ).fetchall()
    there = set(rows)
    if there >= NEWEST:
        return
    books = {book for book, _ in there}
    if len(books & {"_tables", "_columns"}) == 1:
        raise dropped(schema, "_columns" if "_tables" in books else "_tables")
    if not books and not _is_there(connection, schema):
        # IF NOT EXISTS would ask for the right to create one.
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    connection.execute(SQL(BOOKKEEPING).format(schema=Identifier(schema)))
    connection.execute(SQL(TABLES_SINCE).format(book=relation(schema, "_tables")))
    connection.execute(SQL(COLUMNS_SINCE).format(book=relation(schema, "_columns")))
    if ("_progress", "began_at") not in there:
        connection.execute(SQL(BEGAN_AT).format(book=relation(schema, "_progress")))


def dropped(schema: str, gone: str, unknown: str | None = None) -> ConfigurationError:
    """What is to be said where a book is gone, or has no line for a table that is there."""
    table = f"{schema}.{unknown}"
    own = f" If {table} is a table of your own, give it another name." if unknown else ""
    has, aside = (
        Identifier(it).as_string(None) for it in (schema, names.identifier(f"{schema}_before", ()))
    )
    return ConfigurationError(
        f"Somebody {'emptied or ' if unknown else ''}dropped {schema}.{gone}, in which syncs keep "
        f"which object is in which table and which field in which column"
        f"{f': no book knows {table} any more, which they made' if unknown else ''}. "
        f"Bring the book back from a backup, or rename the schema (after {PASSING}: "
        f"ALTER SCHEMA {has} RENAME TO {aside}): the next sync makes all tables anew and reads "
        f"everything.{own}"
    )


def _is_there(connection: Connection, schema: str) -> bool:
    query = "SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL"
    return connection.execute(query, [schema]).fetchone() == (True,)


def read_anew(schema: str, name: str, shape: str = "") -> tuple[Composed, Composed]:
    """The statements that leave a full sync to be gone on with, of which nothing is done: that is
    owed to a table that lost something, or is new (then its `shape` is NEVER_READ). Whatever ran is
    over."""
    seen = SQL("DROP TABLE IF EXISTS {}").format(relation(schema, names.seen_name(name)))
    owed = SQL(
        "INSERT INTO {book} (table_name, sync, mode, started_at, shape)"
        " VALUES ({name}, '', 'full', now(), {shape}) ON CONFLICT (table_name) DO UPDATE SET"
        " sync = '', mode = 'full', since = NULL, until = NULL, started_at = now(),"
        " shape = EXCLUDED.shape, position = NULL, seen = 0, updated_at = now()"
    ).format(book=relation(schema, "_progress"), name=sql.Literal(name), shape=sql.Literal(shape))
    return seen, owed


ISO_MOMENT = """CASE WHEN date_trunc('milliseconds', {column}) = {column}
    THEN to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    ELSE to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END"""

USING: dict[tuple[FieldType, FieldType], Any] = {  # else a plain cast
    ("timestamp", "text"): ISO_MOMENT,
    ("json", "text"): "{column} #>> '{{}}'",
    ("date", "timestamp"): "{column}::timestamp AT TIME ZONE 'UTC'",
}


def conversion(column: str, has: FieldType, to: FieldType) -> Composed:
    """The part of an ALTER TABLE that widens a column in place: text becomes what the vendor would
    have written."""
    how = USING.get((has, to), f"{{column}}::{POSTGRES[to]}")
    name = Identifier(column)
    return SQL("ALTER COLUMN {} TYPE {} USING {}").format(
        name, SQL(POSTGRES[to]), SQL(how).format(column=name)
    )
