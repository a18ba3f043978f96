"""Locks: what a connection keeps in sync, nobody renames, retypes or drops by accident.

The database itself refuses, by event triggers (`lock_triggers.py`), which only a superuser may
make, or a managed server's like. Where we may not, syncs carry on without, and `drift.py` mends
afterwards what it can. Disconnecting unlocks.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import errors as pg

from sync_platform.destination.comments import printable
from sync_platform.destination.ddl import BOOKS
from sync_platform.destination.lock_triggers import (
    INSTALL,
    INSTALLED,
    NAME_VERSION,
    TRUSTED,
    VERSION,
)
from sync_platform.destination.sessions import Connection, is_outage
from sync_platform.engine.destination import Table

OWN_DDL = "SELECT set_config('sync_platform.own_ddl', 'on', true)"

# To compare columns one by one takes milliseconds: only where a collation is not Postgres' own.
DIFFERS_AS_BEFORE = """CASE WHEN differing <> '{}' OR EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = l.relid AND a.attcollation >= 16384)
    THEN differing = sync_platform.differing(relid, columns) ELSE true END"""

log = logging.getLogger("sync_platform.destination")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A table that must keep its name, and columns that must keep theirs and their types."""

    table: Table
    name: str
    columns: Mapping[str, str]
    keys: Sequence[str] = ()  # of the columns, those of the primary key


class Locks:
    """The locks of one database; remembers if it may have none."""

    def __init__(self) -> None:
        self._without = False

    def ready(self, connection: Connection, installed: int | None) -> bool:
        """Whether the database keeps locks; the triggers are made where they are missing or older
        than ours. `installed` is their version, as `book.look` found it."""
        if self._without:
            return False
        if installed is not None and installed >= VERSION:
            return True
        try:
            with connection.transaction():
                _install(connection)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            self._carry_on_without(error)
        return not self._without

    def holds(self, connection: Connection, lock: Lock) -> bool:
        """Whether nothing is left to be done about this lock."""
        if self._without:
            return True
        try:
            found = connection.execute(
                "SELECT relid = to_regclass(format('%%I.%%I', schema_name, table_name))"
                " AND connection = %s AND label = %s AND columns = %s::jsonb AND keys = %s::text[]"
                f" AND {DIFFERS_AS_BEFORE}"
                " AND NOT EXISTS (SELECT FROM sync_platform.locked_tables b"  # a book's, before 4
                " WHERE b.schema_name = l.schema_name AND b.columns = '{}')"
                " FROM sync_platform.locked_tables l WHERE schema_name = %s AND table_name = %s",
                [*_written(lock), lock.table.schema, lock.name],
            ).fetchone()
        except psycopg.ProgrammingError as error:
            self._carry_on_without(error)
            return True
        return found == (True,)

    def hold(self, connection: Connection, lock: Lock) -> None:
        """Lock the table, and our books beside it; in the transaction that made it what it is."""
        if self._without:
            return
        books = replace(lock.table, label="its own books")
        try:
            with connection.transaction():
                for name, columns in BOOKS.items():
                    _write(connection, Lock(table=books, name=name, columns=columns))
                _write(connection, lock)
        except psycopg.ProgrammingError as error:
            self._carry_on_without(error)

    def _carry_on_without(self, error: psycopg.Error) -> None:
        self._without = True
        log.info(
            "Synced columns are not locked in this database (%s): what people rename or drop is "
            "found, and mended where that is possible, by the next sync.",
            error.diag.message_primary or error,
        )


def knows(connection: Connection, schema: str, name: str) -> bool:
    """Whether the table of that name is one that was locked, and no other in its place."""
    try:
        with connection.transaction():
            found = connection.execute(
                "SELECT FROM sync_platform.locked_tables WHERE schema_name = %s AND table_name = %s"
                " AND relid = to_regclass(format('%%I.%%I', schema_name, table_name))",
                [schema, name],
            ).fetchone()
    except psycopg.ProgrammingError:  # there are no locks, or they are not for us to read
        return False
    return found is not None


def let_go(connection: Connection, schema: str) -> None:
    """Unlock what is in the schema."""
    if _may_let_go(connection):
        connection.execute(
            "DELETE FROM sync_platform.locked_tables WHERE schema_name = %s", [schema]
        )


def let_go_of(connection: Connection, name: str) -> bool:
    """Unlock what the connection of that name keeps in sync; whether anything was locked."""
    if not _may_let_go(connection):
        return False
    gone = connection.execute(
        "DELETE FROM sync_platform.locked_tables WHERE connection = %s", [printable(name)]
    )
    return gone.rowcount > 0


def _may_let_go(connection: Connection) -> bool:
    there = connection.execute(
        "SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = 'sync_platform' AND relname = 'locked_tables'"
        " AND has_table_privilege(pg_class.oid, 'DELETE')"
    ).fetchone()
    return there is not None


def _install(connection: Connection) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('sync_platform locks', 0))")
    found = connection.execute(f"SELECT {INSTALLED}").fetchone()
    if found is not None and found[0] is not None and found[0] >= VERSION:
        return  # somebody was quicker
    trusted = connection.execute(TRUSTED).fetchone()
    if trusted is None:
        connection.execute("CREATE SCHEMA sync_platform")
    elif not trusted[0]:
        raise pg.InsufficientPrivilege("the schema sync_platform belongs to another role")
    connection.execute(INSTALL)
    connection.execute(NAME_VERSION)


def _write(connection: Connection, lock: Lock) -> None:
    where = [lock.table.schema, lock.name]
    relid = "to_regclass(format('%%I.%%I', %s::text, %s::text))"
    connection.execute(
        "DELETE FROM sync_platform.locked_tables"
        f" WHERE (schema_name = %s AND table_name = %s) OR relid = {relid}",
        where * 2,
    )
    connection.execute(
        "INSERT INTO sync_platform.locked_tables"
        " (connection, label, columns, keys, schema_name, table_name, relid, differing)"
        f" SELECT it.*, {relid}, sync_platform.differing({relid}, columns)"
        " FROM (VALUES (%s, %s, %s::jsonb, %s::text[], %s, %s)) it (connection, label, columns)",
        [*where * 2, *_written(lock), *where],
    )


def _written(lock: Lock) -> tuple[str, str, str, list[str]]:
    whose, label = printable(lock.table.connection), printable(lock.table.label)
    return whose, label, json.dumps(dict(lock.columns)), list(lock.keys)
