"""How far each object has been read on each connection."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from sync_platform.engine.results import Target
from sync_platform.store.database import Database
from sync_platform.store.tables import cursors


class Cursors:
    """The cursors, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, target: Target) -> datetime | None:
        """The cursor, in UTC; None before the first."""
        with self._database.statement() as connection:
            return connection.scalar(select(cursors.c.cursor).where(*_is(target)))

    def of(self, connection: str) -> dict[str, datetime]:
        """The cursors of a connection by object, in UTC."""
        query = select(cursors.c.object, cursors.c.cursor).where(cursors.c.connection == connection)
        with self._database.statement() as reading:
            return {row.object: row.cursor for row in reading.execute(query)}

    def save(self, target: Target, cursor: datetime) -> None:
        """Keep the greater of this and what is kept: a cursor never goes back.

        Raises UnknownConnection where the connection was removed meanwhile.
        """
        if cursor.tzinfo is None:
            raise ValueError(f"the cursor {cursor} has no time zone")
        offered = insert(cursors).values(
            connection=target.connection,
            object=target.object,
            cursor=cursor,
            updated_at=func.now(),
        )
        with self._database.statement() as connection:
            connection.execute(
                offered.on_conflict_do_update(
                    index_elements=["connection", "object"],
                    set_={
                        "cursor": func.greatest(cursors.c.cursor, offered.excluded.cursor),
                        "updated_at": offered.excluded.updated_at,
                    },
                )
            )

    def forget(self, target: Target) -> None:
        """The next incremental sync reads everything."""
        with self._database.statement() as connection:
            connection.execute(delete(cursors).where(*_is(target)))


def _is(target: Target) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return cursors.c.connection == target.connection, cursors.c.object == target.object
