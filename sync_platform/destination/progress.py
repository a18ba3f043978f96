"""How far an unfinished sync of a table got: a row beside the rows, which also says whose turn it
is. Whoever holds the row's `sync` may write; a sync that finds another's name there must stop."""

import json
from datetime import datetime
from typing import Any

from psycopg.sql import SQL

from sync_platform.destination.book import relation
from sync_platform.destination.landing import Landing
from sync_platform.destination.sessions import Connection
from sync_platform.engine.destination import Progress
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.errors import LeaseLost


class ProgressRow:
    """The row of one table in `_progress`."""

    def __init__(self, connection: Connection, landing: Landing) -> None:
        self._connection, self._landing = connection, landing
        self._book = relation(landing.table.schema, "_progress")

    def read(self) -> tuple[Progress, int] | None:
        """What is kept, and how many keys the sync had seen."""
        row = self._connection.execute(
            SQL(
                "SELECT sync, mode, since, until, started_at, shape, position, seen"
                " FROM {} WHERE table_name = %s"
            ).format(self._book),
            [self._landing.name],
        ).fetchone()
        if row is None:
            return None
        progress = Progress(
            sync=row[0],
            mode=SyncMode(row[1]),
            window=SyncWindow(row[2], row[3]),
            started_at=row[4],
            shape=row[5],
            position=row[6],
        )
        return progress, row[7]

    def lock(self) -> tuple[str | None, SyncMode | None]:
        """Wait until nobody commits on this table; the sync whose it is and its mode, if any."""
        row = self._connection.execute(
            SQL("SELECT sync, mode FROM {} WHERE table_name = %s FOR UPDATE").format(self._book),
            [self._landing.name],
        ).fetchone()
        return (row[0], SyncMode(row[1])) if row else (None, None)

    def take(self, progress: Progress, *, goes_on: bool) -> tuple[str, ...]:
        """Make it this sync's. One that goes on with what is kept began when that began, by
        Postgres' clock, which also tells when rows were written; and has seen the same keys.

        Gives back whose values the rows may hold: `lock` would tell what was so before it waited.
        """
        row = self._connection.execute(
            SQL(
                "INSERT INTO {} AS p"
                " (table_name, sync, mode, since, until, started_at, shape, position)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (table_name) DO UPDATE SET"
                " sync = EXCLUDED.sync, mode = EXCLUDED.mode, since = EXCLUDED.since,"
                " until = EXCLUDED.until, started_at = EXCLUDED.started_at,"
                " shape = EXCLUDED.shape, position = EXCLUDED.position,"
                " seen = CASE WHEN %s THEN p.seen ELSE 0 END,"
                " began_at = CASE WHEN %s THEN p.began_at ELSE now() END, updated_at = now()"
                " RETURNING (SELECT accounts FROM {} t WHERE t.table_name = p.table_name)"
            ).format(self._book, relation(self._landing.table.schema, "_tables")),
            [self._landing.name, *_values(progress), goes_on, goes_on],
        ).fetchone()
        return tuple(row[0] or ()) if row else ()

    def keep(self, progress: Progress, *, seen: int) -> None:
        """Write it, if it is still this sync's, and hold it until the transaction ends; raises
        LeaseLost. `seen` more keys were seen: counted, so that their loss is noticed."""
        cursor = self._connection.execute(
            SQL(
                "UPDATE {} SET mode = %s, since = %s, until = %s, started_at = %s, shape = %s,"
                " position = %s, seen = seen + %s, updated_at = now()"
                " WHERE table_name = %s AND sync = %s"
            ).format(self._book),
            [*_values(progress)[1:], seen, self._landing.name, progress.sync],
        )
        if not cursor.rowcount:
            raise self.lost()

    def hold(self, sync: str) -> tuple[int, datetime]:
        """Hold the row until the transaction ends; how many keys were seen, and when the sync began
        by Postgres' clock. Raises LeaseLost."""
        row = self._connection.execute(
            SQL(
                "SELECT seen, began_at FROM {} WHERE table_name = %s AND sync = %s FOR UPDATE"
            ).format(self._book),
            [self._landing.name, sync],
        ).fetchone()
        if row is None:
            raise self.lost()
        return int(row[0]), row[1]

    def forget(self, sync: str) -> bool:
        """Delete the row; whether it was this sync's."""
        cursor = self._connection.execute(
            SQL("DELETE FROM {} WHERE table_name = %s AND sync = %s").format(self._book),
            [self._landing.name, sync],
        )
        return bool(cursor.rowcount)

    def lost(self) -> LeaseLost:
        """What a sync is told that another one has taken the table from."""
        return LeaseLost(
            f"Another sync of {self._landing.table.label} has taken over the table "
            f"{self._landing.table.schema}.{self._landing.name}; this one stops. "
            "What it had committed stays."
        )


def _values(progress: Progress) -> list[Any]:
    return [
        progress.sync,
        progress.mode.value,
        progress.window.since,
        progress.window.until,
        progress.started_at,
        progress.shape,
        None if progress.position is None else json.dumps(progress.position, default=float),
    ]
