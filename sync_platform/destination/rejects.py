"""Records that do not fit: kept whole beside the table, with the reason, instead of failing a sync
or turning into NULL."""

from dataclasses import dataclass
from typing import Any

from psycopg.sql import SQL

from sync_platform.destination.book import relation
from sync_platform.destination.columns import DoesNotFit, ascii_json
from sync_platform.destination.sessions import Connection
from sync_platform.destination.tables import Landing


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
    """Write down a record and why it was not loaded."""
    written = None
    if key is not None:
        written = key[0] if len(key) == 1 and key[0].isascii() else ascii_json(list(key))
    return Rejected(written, ascii_json(record), str(misfit))


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
