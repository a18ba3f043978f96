"""Locks: what a connection keeps in sync, nobody renames, retypes or drops by accident.

The database itself refuses, by event triggers (`lock_triggers.py`), which only a superuser may
make, or a managed server's like. Where we may not, syncs carry on without, and `drift.py` mends
afterwards what it can; where they are there already, a lesser role that may write them keeps what
it syncs locked. Disconnecting unlocks.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import errors as pg
from psycopg.sql import SQL, Composed

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

INSTALL_TIMEOUT = "5s"  # the older ones hold, and everybody's DDL may wait behind ours
OWN_DDL = "SELECT set_config('sync_platform.own_ddl', 'on', true)"

# To compare columns one by one takes milliseconds: only where a collation is not Postgres' own.
DIFFERS_AS_BEFORE = """CASE WHEN differing <> '{}' OR EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = l.relid AND a.attcollation >= 16384)
    THEN differing = sync_platform.differing(relid, columns) ELSE true END"""

# Whether this role may write what is locked, and its name; no row: nothing is.
RIGHTS = """SELECT has_schema_privilege(n.oid, 'USAGE') AND (
        SELECT bool_and(has_table_privilege(c.oid, it))
        FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) it), quote_ident(current_user)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'sync_platform' AND c.relname = 'locked_tables'"""
GRANTS = (
    "GRANT USAGE ON SCHEMA sync_platform TO %(role)s; "
    "GRANT SELECT, INSERT, UPDATE, DELETE ON sync_platform.locked_tables TO %(role)s;"
)

# The order in which syncs write the lines, so that neither waits for the other.
IN_TURN = """SELECT FROM sync_platform.locked_tables WHERE {which}
    ORDER BY schema_name, table_name COLLATE "C" FOR UPDATE"""

log = logging.getLogger("sync_platform.destination")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A table that must keep its name, and columns that must keep theirs and their types."""

    table: Table
    name: str
    columns: Mapping[str, str]
    keys: Sequence[str] = ()  # of the columns, those of the primary key


class Untrusted(pg.InsufficientPrivilege):
    """Whoever owns our schema could have others run what they like."""


class Locks:
    """The locks of one database; remembers if it may have none, until others are there."""

    def __init__(self) -> None:
        self._without = False
        self._installed: int | None = None  # the version that was found
        self._version = VERSION  # of the triggers that are good enough: the newest we may have
        self._warned = False

    def ready(self, connection: Connection, installed: int | None) -> bool:
        """Whether the database keeps locks; the triggers are made where they are missing or older
        than ours. `installed` is their version, as `book.look` found it. Older ones go on where
        ours may not be made, or not now."""
        if self._without and installed == self._installed:
            return False
        self._without, self._installed = False, installed
        if installed is not None and installed >= self._version:
            return True
        try:
            with connection.transaction():
                _install(connection)
        except pg.LockNotAvailable:
            log.warning(
                "What locks synced columns was not brought up to date, because somebody's "
                "transaction stood in the way for %s: %s, and the next sync tries again.",
                INSTALL_TIMEOUT,
                "there are none yet" if installed is None else "the older ones hold on",
            )
            return installed is not None
        except psycopg.Error as error:
            if is_outage(error):
                raise
            if installed is None or isinstance(error, Untrusted):
                self._carry_on_without(error)
            else:
                self._version = installed
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
        except (pg.UndefinedColumn, pg.UndefinedFunction):
            return False  # before 7
        except psycopg.ProgrammingError as error:
            self._may_not(connection, error)
            return True
        return found == (True,)

    def hold(self, connection: Connection, lock: Lock) -> None:
        """Lock the table, and our books beside it; in the transaction that made it what it is."""
        if self._without:
            return
        books = replace(lock.table, label="its own books")
        try:
            with connection.transaction():
                is_known = _tells_what_differs(connection)
                for name, columns in sorted(BOOKS.items()):  # as IN_TURN
                    its = Lock(table=books, name=name, columns=columns)
                    _write(connection, its, differing=is_known)
                _write(connection, lock, differing=is_known)
        except psycopg.ProgrammingError as error:
            self._may_not(connection, error)

    def _may_not(self, connection: Connection, error: psycopg.Error) -> None:
        """Say what is to be done where somebody's locks are there that are not for us to keep:
        they may become so. Else there are none."""
        found = connection.execute(RIGHTS).fetchone()
        if found is None or found[0]:
            self._carry_on_without(error)
        elif not self._warned:
            log.warning(
                "There are locks of synced columns in this database that the platform's user may "
                "not keep: what it locked as another user stays locked as it was then, and where "
                "a sync changes a column, every later ALTER of its table is refused. A superuser "
                f"can mend that: {GRANTS}",
                {"role": found[1]},
            )
            self._warned = True

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
    _delete(connection, SQL("schema_name = {}").format(schema))


def let_go_of(connection: Connection, name: str) -> bool:
    """Unlock what the connection of that name keeps in sync; whether anything was locked."""
    return _delete(connection, SQL("connection = {}").format(printable(name)))


def _delete(connection: Connection, which: Composed) -> bool:
    """Delete these lines, or say who may; whether there were any."""
    found = connection.execute(RIGHTS).fetchone()
    if found is None:
        return False
    delete = SQL("DELETE FROM sync_platform.locked_tables WHERE {}").format(which)
    if found[0]:
        with connection.transaction():
            connection.execute(SQL(IN_TURN).format(which=which))
            return connection.execute(delete).rowcount > 0
    log.warning(
        "The platform's user may not unlock tables in this database: those that it locked as "
        "another user stay locked. A superuser can unlock them: %s;",
        delete.as_string(connection),
    )
    return False


def _install(connection: Connection) -> None:
    connection.execute(SQL("SET LOCAL lock_timeout = {}").format(INSTALL_TIMEOUT))
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('sync_platform locks', 0))")
    found = connection.execute(f"SELECT {INSTALLED}").fetchone()
    if found is not None and found[0] is not None and found[0] >= VERSION:
        return  # somebody was quicker
    trusted = connection.execute(TRUSTED).fetchone()
    if trusted is None:
        connection.execute("CREATE SCHEMA sync_platform")
    elif not trusted[0]:
        raise Untrusted("the schema sync_platform belongs to another role")
    connection.execute(INSTALL)
    connection.execute(NAME_VERSION)


def _tells_what_differs(connection: Connection) -> bool:
    """Whether lines tell it: not before 7."""
    function = "to_regprocedure('sync_platform.differing(oid, jsonb)')"
    return connection.execute(f"SELECT {function} IS NOT NULL").fetchone() == (True,)


def _write(connection: Connection, lock: Lock, *, differing: bool) -> None:
    where = [lock.table.schema, lock.name]
    relid = "to_regclass(format('%%I.%%I', %s::text, %s::text))"
    connection.execute(
        "DELETE FROM sync_platform.locked_tables"
        f" WHERE (schema_name = %s AND table_name = %s) OR relid = {relid}",
        where * 2,
    )
    column, value = "", ""
    if differing:
        column, value = ", differing", ", sync_platform.differing(relid, columns)"
    connection.execute(
        "INSERT INTO sync_platform.locked_tables"
        f" (connection, label, columns, keys, schema_name, table_name, relid{column})"
        f" SELECT it.*, relid{value}"
        " FROM (VALUES (%s, %s, %s::jsonb, %s::text[], %s, %s)) it (connection, label, columns)"
        f" CROSS JOIN {relid} AS relid",
        [*_written(lock), *where * 2],
    )


def _written(lock: Lock) -> tuple[str, str, str, list[str]]:
    whose, label = printable(lock.table.connection), printable(lock.table.label)
    return whose, label, json.dumps(dict(lock.columns)), list(lock.keys)
