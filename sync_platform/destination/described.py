"""What the tables of one schema look like, for people: columns with types and comments, and about
how many rows. One look at Postgres' catalog, and none at the rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import errors as pg
from psycopg.sql import SQL

from sync_platform.destination.book import relation
from sync_platform.destination.comments import GONE
from sync_platform.destination.sessions import connected, translated


@dataclass(frozen=True)
class Column:
    """A column as it is in Postgres. Where its field is gone, its comment says so, also one that a
    person wrote."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True, kw_only=True)
class Described:
    """An object's table. `rows` is Postgres' own estimate, rows marked as deleted among them; None
    where it knows of none."""

    name: str
    rows: int | None
    columns: tuple[Column, ...]


def described(url: str, schema: str) -> dict[str, Described]:
    """The tables of a connection's schema by their objects; empty before the first sync.

    Raises StoreUnavailable.
    """
    query = SQL(
        "SELECT t.object, c.relname,"
        " nullif(greatest(max(s.n_live_tup), max(c.reltuples)::bigint, 0), 0),"
        " array_agg(ARRAY[a.attname::text,"
        " format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum),"
        " CASE WHEN b.gone THEN 'gone' END] ORDER BY a.attnum)"
        " FROM {tables} t"
        " JOIN pg_class c ON c.oid = to_regclass(format('%%I.%%I', %s::text, t.table_name))"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid"
        " LEFT JOIN (SELECT table_name, each.column_name, bool_and(vanished_at IS NOT NULL) AS gone"
        " FROM {columns} k, unnest(ARRAY[k.column_name, to_jsonb(k) ->> 'beside'])"
        " each (column_name) GROUP BY 1, 2) b"
        " ON (b.table_name, b.column_name) = (t.table_name, a.attname)"
        " GROUP BY t.object, c.relname"
    ).format(tables=relation(schema, "_tables"), columns=relation(schema, "_columns"))
    with (
        connected(url, f"sync_platform look {schema}") as connection,
        translated(f"looking at {schema}"),
    ):
        try:
            found = connection.execute(query, [schema]).fetchall()
        except (pg.UndefinedTable, pg.InvalidSchemaName):
            return {}
    return {
        object: Described(name=name, rows=rows, columns=tuple(map(_column, columns)))
        for object, name, rows, columns in found
    }


def _column(found: Sequence[str | None]) -> Column:
    name, type, comment, gone = found
    if gone and not (comment or "").endswith(GONE):
        comment = f"{comment or ''}{GONE}".strip()
    return Column(name or "", type or "", comment)
