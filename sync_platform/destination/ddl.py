"""The statements that make our own tables, and those that widen a column in place."""

from typing import Any

from psycopg.sql import SQL, Composed, Identifier

from sync_platform.destination.columns import POSTGRES
from sync_platform.destination.sessions import Connection
from sync_platform.spec import FieldType

BOOKS = ("_tables", "_columns", "_progress", "_rejected")

# `position` is json and not jsonb, because a vendor's token may hold what jsonb refuses (NUL).
BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS {schema}._tables (
    object text PRIMARY KEY,
    table_name text NOT NULL UNIQUE,
    added_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS {schema}._columns (
    table_name text NOT NULL,
    field text NOT NULL,
    column_name text NOT NULL,
    type text NOT NULL,
    position integer NOT NULL,
    field_id text,
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


def bookkeeping(connection: Connection, schema: str) -> None:
    """Make the schema and our own tables in it, where they are missing or of an older version."""
    there = connection.execute(
        "SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL, to_regclass(format('%%I._rejected',"
        " %s::text)) IS NOT NULL, EXISTS (SELECT FROM pg_attribute WHERE attname = 'field_id'"
        " AND attrelid = to_regclass(format('%%I._columns', %s::text)))",
        [schema, schema, schema],
    ).fetchone()
    if there == (True, True, True):
        return
    if there is None or not there[0]:  # IF NOT EXISTS would ask for the right to create one
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    connection.execute(SQL(BOOKKEEPING).format(schema=Identifier(schema)))
    connection.execute(
        SQL("ALTER TABLE {}._columns ADD COLUMN IF NOT EXISTS field_id text").format(
            Identifier(schema)
        )
    )


ISO_MOMENT = """CASE WHEN date_trunc('milliseconds', {column}) = {column}
    THEN to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    ELSE to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END"""

USING: dict[tuple[FieldType, FieldType], Any] = {  # else a plain cast
    ("timestamp", "text"): ISO_MOMENT,
    ("json", "text"): "{column} #>> '{{}}'",
    ("date", "timestamp"): "{column}::timestamp AT TIME ZONE 'UTC'",
}


def convert(relation: Composed, column: str, has: FieldType, to: FieldType) -> Composed:
    """Widen a column in place: text becomes what the vendor would have written."""
    how = USING.get((has, to), f"{{column}}::{POSTGRES[to]}")
    name = Identifier(column)
    return SQL("ALTER TABLE {} ALTER COLUMN {} TYPE {} USING {}").format(
        relation, name, SQL(POSTGRES[to]), SQL(how).format(column=name)
    )
