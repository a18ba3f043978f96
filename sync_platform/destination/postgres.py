"""PostgresDestination: a schema per connection, a table per object, and a loader for each sync.

Every table has the columns `_synced_at` (last written because something changed), `_deleted_at` and
`_deleted_by` ('vendor' said so, or 'reconcile' found it missing from a full read).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg.sql import SQL, Identifier, Literal

from sync_platform.destination import book, tables
from sync_platform.destination.loader import PostgresLoader
from sync_platform.destination.locks import OWN_DDL, Locks, let_go, let_go_of
from sync_platform.destination.sessions import connected, translated
from sync_platform.destination.settled import Settled
from sync_platform.destination.tables import LOCK_TIMEOUT
from sync_platform.engine.destination import Table
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field

__all__ = ["PostgresDestination", "PostgresLoader"]


class PostgresDestination:
    """Where rows go, when they go to Postgres 14 or later. `url` is libpq's; UTF-8 only."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._locks, self._settled = Locks(), Settled()

    @contextmanager
    def open(
        self,
        table: Table,
        fields: Sequence[Field],
        *,
        sync: str,
        account: str | None = None,
        known_only: bool = False,
    ) -> Iterator[PostgresLoader]:
        """Make or widen the table for these fields, and give a loader for it, with a database
        connection of its own. What it holds is locked: see `locks.py`. With `known_only` the loader
        writes these fields into rows that are there, and makes none. `account` is whose data it
        writes: see `whose.py`.

        Raises StoreUnavailable, or ConfigurationError where the table cannot take the fields.
        """
        with connected(self._url, f"sync_platform {table.connection}/{table.name}") as connection:
            doing = f"preparing {table.schema}.{table.name}"
            with translated(doing, asked=connection, schema=table.schema):
                landing = tables.prepare(
                    connection, table, fields, self._locks, self._settled, some_fields=known_only
                )
            yield PostgresLoader(connection, landing, sync, account=account, known_only=known_only)

    def table_name(self, table: Table) -> str | None:
        """What the object's table is called; None before its first sync."""
        return self._look(table).name

    def column_names(self, table: Table) -> dict[str, str]:
        """The column of each field that ever had one; empty before the first sync."""
        return {field: booked.column for field, booked in self._look(table).booked.items()}

    def column_types(self, table: Table) -> list[tuple[str, str, str | None]]:
        """Each column in order: its name, its Postgres type, its comment."""
        return [(name, it.type, it.comment) for name, it in self._look(table).actual.items()]

    def erase(self, schema: str) -> None:
        """Drop a connection's schema with all that is in it, people's own tables and views too.

        Raises ConfigurationError where the schema is none of ours, StoreUnavailable where somebody
        has one of its tables locked, as a pg_dump has.
        """
        with (
            connected(self._url, f"sync_platform erase {schema}") as connection,
            translated(f"erasing {schema}", asked=connection, schema=schema),
            connection.transaction(),
        ):
            if not book.actual_columns(connection, schema, "_tables"):
                raise ConfigurationError(f"The schema {schema!r} holds no synced tables.")
            connection.execute(OWN_DDL)
            connection.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
            let_go(connection, schema)
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))

    def unlock(self, schema: str) -> None:
        """Let people rename, retype and drop what is in a connection's schema: it is synced no
        more. The next sync into it, if there is one, locks what it finds."""
        with (
            connected(self._url, f"sync_platform unlock {schema}") as connection,
            translated(f"unlocking {schema}"),
        ):
            let_go(connection, schema)

    def unlock_left(self, connection: str) -> bool:
        """Unlock what a connection has locked that is not there any more; whether there was
        anything."""
        with (
            connected(self._url, f"sync_platform unlock {connection}") as session,
            translated(f"unlocking the tables of {connection}"),
        ):
            return let_go_of(session, connection)

    def holds_tables(self, schema: str) -> bool:
        """Whether the schema has tables that were synced."""
        with (
            connected(self._url, f"sync_platform look {schema}") as connection,
            translated(f"looking at {schema}"),
        ):
            return bool(book.actual_columns(connection, schema, "_tables"))

    def _look(self, table: Table) -> book.Found:
        with (
            connected(self._url, f"sync_platform {table.connection}/{table.name}") as connection,
            translated(f"looking at {table.schema}.{table.name}"),
        ):
            return book.look(connection, table)
