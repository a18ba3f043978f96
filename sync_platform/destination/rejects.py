"""Records that do not fit: kept whole beside the table, with the reason, instead of failing a sync
or turning into NULL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.sql import SQL, Literal

from sync_platform.destination.book import relation
from sync_platform.destination.columns import NO_ROW, DoesNotFit, ascii_json
from sync_platform.destination.names import storable
from sync_platform.destination.sessions import Connection, connected, translated
from sync_platform.destination.tables import Landing
from sync_platform.engine.destination import Table, Unreadable

MOST_KEPT = 64 * 2**20  # characters of a record; Postgres takes 1 GB, with its escapes
AT_ONCE = 200  # schemas in one statement


@dataclass(frozen=True)
class Rejected:
    """A record that does not fit; all of it ASCII."""

    key: str | None
    record: str
    reason: str

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.record) + len(self.reason)


def rejected(record: Any, key: tuple[str, ...] | None, misfit: DoesNotFit) -> Rejected:
    """Write down a record and why it was not loaded; of a vast one, the beginning."""
    if isinstance(record, Unreadable):
        record = record.record
    written = None
    if key is not None:
        written = key[0] if len(key) == 1 and key[0].isascii() else ascii_json(list(key))
    return Rejected(written, ascii_json(record)[:MOST_KEPT], str(misfit))


def keep(connection: Connection, landing: Landing, sync: str, records: list[Rejected]) -> None:
    """Put them into `_rejected`, in place of what earlier syncs said of the same records."""
    book = relation(landing.table.schema, "_rejected")
    connection.execute(
        SQL(
            "DELETE FROM {} WHERE table_name = %s AND sync <> %s AND (hashtextextended(key, 0)"
            " IN (SELECT hashtextextended(unnest(%s::text[]), 0)) OR key IS NULL AND"
            " hashtextextended(record, 0) IN (SELECT hashtextextended(unnest(%s::text[]), 0)))"
        ).format(book),
        [
            landing.name,
            sync,
            [it.key for it in records if it.key is not None],
            [it.record for it in records if it.key is None],
        ],
    )
    copy = SQL("COPY {} (table_name, key, record, reason, sync) FROM STDIN").format(book)
    with connection.cursor().copy(copy) as target:
        for it in records:
            target.write_row((landing.name, it.key, it.record, it.reason, sync))


def any_unknown(connection: Connection, landing: Landing, sync: str, since: datetime) -> bool:
    """Whether this sync, or since then one that it goes on from, rejected a record of which nobody
    can say which one it is: it could not be read, and shows no key."""
    book = relation(landing.table.schema, "_rejected")
    row = connection.execute(
        SQL(
            "SELECT EXISTS (SELECT FROM {} WHERE table_name = %s AND key IS NULL"
            " AND starts_with(reason, %s) AND (sync = %s OR rejected_at >= %s))"
        ).format(book),
        [landing.name, NO_ROW, sync, since],
    ).fetchone()
    assert row is not None
    return bool(row[0])


def count_rejected(
    url: str, asked: Sequence[tuple[Table, datetime | None]]
) -> Mapping[tuple[str, str], int]:
    """How many records of these objects were rejected since these moments, by schema and object;
    those without any are left out. One statement for many schemas; no table of rows is read."""
    with connected(url, "sync_platform rejected") as connection, translated("counting rejects"):
        schemas = _with_rejects(connection, sorted({table.schema for table, _ in asked}))
        found: dict[tuple[str, str], int] = {}
        for start in range(0, len(schemas), AT_ONCE):
            some = schemas[start : start + AT_ONCE]
            each = [it for it in asked if it[0].schema in some]
            given = [
                [table.schema for table, _ in each],
                [storable(table.name) for table, _ in each],
                [since for _, since in each],
            ]
            query = SQL(
                "WITH asked AS MATERIALIZED (SELECT * FROM unnest(%s::text[], %s::text[],"
                " %s::timestamptz[]) a (schema, object, since)) "
            ) + SQL(" UNION ALL ").join(
                SQL(COUNT).format(
                    schema=Literal(schema),
                    rejected=relation(schema, "_rejected"),
                    tables=relation(schema, "_tables"),
                )
                for schema in some
            )
            rows = connection.execute(query, given).fetchall()
            found |= {(schema, object): count for schema, object, count in rows}
    return found


# A page that was read twice by one sync leaves a record twice.
COUNT = """SELECT a.schema, a.object,
    count(DISTINCT hashtextextended(coalesce(r.key, r.record), 0))
    FROM asked a JOIN {tables} t USING (object) JOIN {rejected} r USING (table_name)
    WHERE a.schema = {schema} AND r.rejected_at >= coalesce(a.since, '-infinity')
    GROUP BY 1, 2"""


def _with_rejects(connection: Connection, schemas: Sequence[str]) -> list[str]:
    """Those where a record was ever rejected: few, where connections are many."""
    rows = connection.execute(
        "SELECT nspname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relname = '_rejected' AND nspname = ANY (%s)"
        " AND pg_relation_size(pg_class.oid) > 0",
        [list(schemas)],
    ).fetchall()
    return [row[0] for row in rows]
