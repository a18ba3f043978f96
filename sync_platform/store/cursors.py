"""How far each object has been read on each connection."""

from datetime import datetime

from sync_platform.engine.results import Target
from sync_platform.store.database import Database


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
        if cursor.tzinfo is None:
            raise ValueError(f"the cursor {cursor} has no time zone")
        with self._database.statement() as session:
            session.execute(
                """
                INSERT INTO sync_platform.cursors AS kept (connection, object, cursor, updated_at)
                VALUES (%s, %s, %s, now())
                ON CONFLICT (connection, object) DO UPDATE SET
                    cursor = greatest(kept.cursor, excluded.cursor),
                    updated_at = excluded.updated_at
                """,
                (target.connection, target.object, cursor),
            )

    def forget(self, target: Target) -> None:
        """The next incremental sync reads everything."""
        with self._database.statement() as session:
            session.execute(
                "DELETE FROM sync_platform.cursors WHERE connection = %s AND object = %s",
                (target.connection, target.object),
            )
