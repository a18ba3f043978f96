"""How far each object has been read on each connection."""

from collections.abc import Mapping
from datetime import datetime

from sync_platform.engine.results import Target
from sync_platform.store.database import Database
from sync_platform.store.pool import Session

SAVE = """
    INSERT INTO sync_platform.cursors AS kept (connection, object, cursor, updated_at)
    VALUES (%s, %s, %s, now())
    ON CONFLICT (connection, object) DO UPDATE SET
        cursor = greatest(kept.cursor, excluded.cursor),
        updated_at = excluded.updated_at
"""
FILTERS = """
    SELECT filters FROM sync_platform.connection_objects WHERE connection = %s AND object = %s
"""


class Cursors:
    """The cursors, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, target: Target) -> datetime | None:
        """The cursor, in UTC; None before the first."""
        with self._database.statement() as session:
            row = session.execute(
                "SELECT cursor FROM sync_platform.cursors WHERE connection = %s AND object = %s",
                (target.connection, target.object),
            ).fetchone()
        return row["cursor"] if row else None

    def of(self, connection: str) -> dict[str, datetime]:
        """The cursors of a connection by object, in UTC."""
        with self._database.statement() as session:
            rows = session.execute(
                "SELECT object, cursor FROM sync_platform.cursors WHERE connection = %s",
                (connection,),
            )
            return {row["object"]: row["cursor"] for row in rows}

    def save(self, target: Target, cursor: datetime) -> None:
        """Keep the greater of this and what is kept: a cursor never goes back.

        Raises UnknownConnection where the connection was removed meanwhile.
        """
        with self._database.statement() as session:
            _save(session, target, cursor)

    def save_if_asked(
        self, target: Target, cursor: datetime, *, account: str | None, filters: Mapping[str, str]
    ) -> bool:
        """Like `save`, if the connection is that account's and its object is filtered so (not at
        all, where it is not chosen); else nothing is kept, and it is False. Raises what `save`
        does."""
        with self._database.transaction() as session:
            # Whoever chooses otherwise waits for this to end, or this for them: their statements
            # forget the cursor, and it must not come back after them.
            owner = session.execute(
                "SELECT account_id FROM sync_platform.connections WHERE name = %s FOR SHARE",
                (target.connection,),
            ).fetchone()
            chosen = session.execute(FILTERS, (target.connection, target.object)).fetchone()
            asked = chosen["filters"] if chosen else {}
            if owner is not None and (owner["account_id"], asked) != (account, dict(filters)):
                return False
            _save(session, target, cursor)  # which tells where the connection is gone
            return True


def _save(session: Session, target: Target, cursor: datetime) -> None:
    if cursor.tzinfo is None:
        raise ValueError(f"the cursor {cursor} has no time zone")
    session.execute(SAVE, (target.connection, target.object, cursor))
