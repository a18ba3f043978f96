"""Whose data is in the schemas of connections that were removed: their tables stay."""

from dataclasses import dataclass

from sync_platform.store.database import Database
from sync_platform.store.pool import Session

# Of a connection that never began a sync there is no data, and what was known of its schema stays.
REMEMBER = """
    INSERT INTO sync_platform.left_schemas (schema, connection, connector, account_id, left_at)
    SELECT schema, name, connector, account_id, now() FROM sync_platform.connections AS gone
    WHERE name = %s
      AND EXISTS (SELECT FROM sync_platform.sync_targets AS it WHERE it.connection = gone.name)
    ON CONFLICT (schema) DO UPDATE SET
        connection = excluded.connection, connector = excluded.connector,
        account_id = excluded.account_id, left_at = excluded.left_at
"""
FIND = """
    SELECT connection, connector, account_id FROM sync_platform.left_schemas WHERE schema = %s
"""


@dataclass(frozen=True, kw_only=True)
class Left:
    """The connection that was the last to put data into a schema, and whose data it is."""

    connection: str
    connector: str
    account_id: str | None


class LeftSchemas:
    """The schemas, in the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, schema: str) -> Left | None:
        """Whose data was left in a schema, whether or not it is still there; None where none was.
        Raises StoreUnavailable."""
        with self._database.statement() as session:
            row = session.execute(FIND, (schema,)).fetchone()
        return Left(**row) if row else None


def remember(session: Session, connection: str) -> None:
    """Keep whose data a connection leaves; in the transaction that removes it."""
    session.execute(REMEMBER, (connection,))
