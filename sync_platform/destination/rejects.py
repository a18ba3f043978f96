"""Records that do not fit: kept whole beside the table, with the reason, instead of failing a sync
or turning into NULL."""

import json
from collections.abc import Callable, Container, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg.sql import SQL, Literal

from sync_platform.destination.book import relation
from sync_platform.destination.columns import NO_KEY, DoesNotFit, ascii_json
from sync_platform.destination.landing import Landing
from sync_platform.destination.names import storable
from sync_platform.destination.sessions import Connection, connected, translated
from sync_platform.engine.destination import Table
from sync_platform.spec import Unreadable

GONE = "The record is gone"  # a reason begins so, where a key would be marked as deleted
REFRESH = "In a refresh of computed fields"  # and so, where the other fields are not concerned
MOST_KEPT = 64 * 2**20  # characters of a record; Postgres takes 1 GB, with its escapes
AT_ONCE = 200  # schemas in one statement
MOST_KNOWN = 10_000  # keys; what is mended beyond, the next full sync takes out


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
    return refused(ascii_json(record), key, str(misfit))


def refused(record: str, key: tuple[str, ...] | None, reason: str) -> Rejected:
    """The same, of a record that is written as ASCII JSON already."""
    return Rejected(None if key is None else written(key), record[:MOST_KEPT], reason)


def written(key: tuple[str, ...]) -> str:
    """A key as `_rejected` has it."""
    return key[0] if len(key) == 1 and key[0].isascii() else ascii_json(list(key))


def keep(
    connection: Connection,
    landing: Landing,
    sync: str,
    records: list[Rejected],
    *,
    refresh: bool = False,
) -> None:
    """Put them into `_rejected`, in place of what earlier syncs said of the same records; a refresh
    of computed fields only in place of what refreshes said."""
    if refresh:
        records = [replace(it, reason=f"{REFRESH}: {it.reason}") for it in records]
    book = relation(landing.table.schema, "_rejected")
    connection.execute(
        SQL(
            "DELETE FROM {} WHERE table_name = %s AND sync <> %s AND starts_with(reason, %s)"
            " AND (hashtextextended(key, 0) IN (SELECT hashtextextended(unnest(%s::text[]), 0))"
            " OR key IS NULL AND hashtextextended(record, 0)"
            " IN (SELECT hashtextextended(unnest(%s::text[]), 0)))"
        ).format(book),
        [
            landing.name,
            sync,
            _said_by(refresh),
            [it.key for it in records if it.key is not None],
            [it.record for it in records if it.key is None],
        ],
    )
    copy = SQL("COPY {} (table_name, key, record, reason, sync) FROM STDIN").format(book)
    with connection.cursor().copy(copy) as target:
        for it in records:
            target.write_row((landing.name, it.key, it.record, it.reason, sync))


def _said_by(refresh: bool) -> str:
    """How the reasons begin that a sync puts its own in place of, or takes out."""
    return REFRESH if refresh else ""


class StillRejected:
    """The keys of one table that lie in `_rejected`, so that those that load are taken out. As a
    rule there are none, and nothing is done. A refresh of computed fields takes out what refreshes
    put there: where a whole record was rejected, it says nothing of the other fields."""

    def __init__(
        self,
        connection: Connection,
        landing: Landing,
        identity: Callable[[Sequence[str]], Hashable],
        *,
        refresh: bool = False,
    ) -> None:
        """`identity` tells a key's, of its texts; raises DoesNotFit."""
        self._connection, self._landing, self._identity = connection, landing, identity
        self._book = relation(landing.table.schema, "_rejected")
        self._said = _said_by(refresh)
        self._keys: dict[Hashable, str] | None = None  # and as they are written there

    def take_out(self, came: Sequence[Container[Hashable]], refused: Sequence[Rejected]) -> None:
        """Take out those that came, but for those that were refused. Whoever calls has a
        transaction open; it may be undone and come again."""
        if self._keys is None:
            self._keys = dict(self._read())
        if not self._keys:
            return
        still = {it.key for it in refused}
        known = self._keys.items()
        mended = {key for it, key in known if any(it in each for each in came)} - still
        if mended:
            self._connection.execute(
                SQL(
                    "DELETE FROM {} WHERE table_name = %s AND starts_with(reason, %s)"
                    " AND hashtextextended(key, 0)"
                    " IN (SELECT hashtextextended(unnest(%s::text[]), 0))"
                ).format(self._book),
                [self._landing.name, self._said, list(mended)],
            )

    def add(self, refused: Sequence[Rejected]) -> None:
        """They lie there now, too."""
        if self._keys is not None:
            for it in refused:
                self._keys.update(self._identities(it.key))

    def forget_before(self, moment: datetime) -> None:
        """Everything was read since then: what was rejected before is no more, or again."""
        self._connection.execute(
            SQL("DELETE FROM {} WHERE table_name = %s AND rejected_at < %s").format(self._book),
            [self._landing.name, moment],
        )

    def _read(self) -> Iterator[tuple[Hashable, str]]:
        rows = self._connection.execute(
            SQL(
                "SELECT key FROM {} WHERE table_name = %s AND key IS NOT NULL"
                " AND starts_with(reason, %s) LIMIT %s"
            ).format(self._book),
            [self._landing.name, self._said, MOST_KNOWN],
        ).fetchall()
        for (key,) in rows:
            yield from self._identities(key)

    def _identities(self, key: str | None) -> Iterator[tuple[Hashable, str]]:
        """Of a key as it is written there; two where it may be meant in either way."""
        if key is None:
            return
        ways: list[Sequence[str]] = [[key]]
        if key.startswith("["):
            with suppress(ValueError):
                ways.append([str(it) for it in json.loads(key)])
        for texts in ways:
            with suppress(DoesNotFit):
                yield self._identity(texts), key


def any_unknown(connection: Connection, landing: Landing, sync: str, since: datetime) -> bool:
    """Whether this sync, or since then one that it goes on from, rejected a record of which nobody
    can say which one it is: its key does not fit, or it could not be read and shows none. What can
    be read and has no key is no such record, nor is a gone one, nor what a refresh rejected."""
    book = relation(landing.table.schema, "_rejected")
    row = connection.execute(
        SQL(
            "SELECT EXISTS (SELECT FROM {} WHERE table_name = %s AND key IS NULL"
            " AND NOT starts_with(reason, %s) AND NOT starts_with(reason, %s)"
            " AND NOT starts_with(reason, %s) AND (sync = %s OR rejected_at >= %s))"
        ).format(book),
        [landing.name, NO_KEY, GONE, REFRESH, sync, since],
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
