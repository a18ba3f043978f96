"""Connections to Postgres, and the one place where psycopg's errors become ours."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict

from sync_platform import errors

Connection = psycopg.Connection[tuple[Any, ...]]
SETTINGS = "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false)"

# A server that is gone is noticed within a minute or so, not when TCP gives up, two hours later. So
# is a machine of ours, by the server: until then it would keep what that one had locked.
NOTICED = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
PLAIN = "-c quote_all_identifiers=off"  # else types would be told with quotes around their names
# SQLSTATEs, by how they begin, that say nothing of what was asked: whoever asks meets them. Of the
# class 55 only what is locked or in use: the others tell what people built.
OUTAGES = ("08", "25", "40", "53", "55006", "55P03", "57", "58", "XX")
READ_ONLY = "25006"
TOOK_TOO_LONG = ("25P03", "25P04")  # transactions that the server ended
OUT_OF_REACH = (psycopg.OperationalError, psycopg.InterfaceError)
UNLESS_GIVEN: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
BATCH_BYTES = 4 * 2**20  # what a socket should hold: most of a batch of rows
# Whose transaction has had a table of the schema locked the longest. What another user's session is
# called is told to some users only.
HOLDER = """
    SELECT relation.relname, activity.pid, activity.usename,
           nullif(activity.application_name, ''),
           extract(epoch FROM statement_timestamp() - activity.xact_start)::float
    FROM pg_locks AS lock
    JOIN pg_class AS relation ON relation.oid = lock.relation
    JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
    WHERE lock.granted AND lock.pid <> pg_backend_pid() AND relation.relkind IN ('r', 'p')
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)
    ORDER BY activity.xact_start, left(relation.relname, 1) = '_', relation.relname
    LIMIT 1
"""


def is_outage(error: psycopg.Error) -> bool:
    """Whether Postgres could not be reached or could not work, whatever it was asked; also where a
    lock was waited for in vain."""
    return error.sqlstate is None or error.sqlstate.startswith(OUTAGES)


@contextmanager
def connected(url: str, purpose: str) -> Iterator[Connection]:
    """A connection in autocommit for the length of the block; `purpose` names it to operators.

    Raises StoreUnavailable, or ConfigurationError where the url cannot be read or the database does
    not speak UTF-8.
    """
    with translated("connecting"):
        try:
            given = UNLESS_GIVEN | conninfo_to_dict(url)
            given["options"] = " ".join([NOTICED, given.get("options", ""), PLAIN])
            given["application_name"] = purpose.encode("ascii", "replace")[:63].decode()
            given["client_encoding"] = "utf8"
            connection = psycopg.connect(
                **given,
                autocommit=True,
                prepare_threshold=None,  # plans must follow tables that grow from nothing
            )
        except psycopg.ProgrammingError:  # libpq's words quote what may be the password
            raise errors.ConfigurationError(
                "The database's url cannot be read (it is not shown, because it may hold a "
                "password). Write postgresql://user:password@host:5432/database; characters such "
                "as @ / : # % in the password must be written as %40 %2F %3A %23 %25."
            ) from None
    try:
        if connection.info.parameter_status("server_encoding") != "UTF8":
            raise errors.ConfigurationError(
                "The database does not store UTF-8, so not every text would fit. "
                "Create it with ENCODING 'UTF8'."
            )
        _widen(connection)
        if not _writes_as_we_read(connection):
            with translated("connecting"):
                connection.execute(SETTINGS)
        yield connection
    finally:
        connection.close()


def _widen(connection: Connection) -> None:
    """Have a socket of this machine's hold as much as the system lets it (net.core.wmem_max), so
    that Postgres reads on while Python is busy. TCP's sockets grow by themselves."""
    with socket.socket(fileno=os.dup(connection.fileno())) as line, suppress(OSError):
        if line.family == socket.AF_UNIX:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BATCH_BYTES)


def _writes_as_we_read(connection: Connection) -> bool:
    """Whether moments come as UTC and ISO already, as the server tells when it greets."""
    told = connection.info.parameter_status
    return told("TimeZone") in ("UTC", "Etc/UTC") and (told("DateStyle") or "").startswith("ISO")


@contextmanager
def translated(
    doing: str, *, asked: Connection | None = None, schema: str | None = None
) -> Iterator[None]:
    """Raise what psycopg raises in the block as one of our errors; `doing` says what was tried.
    Where a lock was waited for in vain, this connection is `asked` who has it."""
    try:
        yield
    except pg.LockNotAvailable as error:
        held = _held(asked, schema) if asked is not None else None
        raise _locked(error, doing, held) from error
    except psycopg.Error as error:
        raise _ours(error, doing) from error


def _held(connection: Connection, schema: str | None) -> str | None:
    """The table of the schema that the oldest transaction of others has, and whose that is."""
    with suppress(psycopg.Error):
        row = connection.execute(HOLDER, [schema]).fetchone()
        if row is not None:
            table, pid, user, program, seconds = row
            since = None if seconds is None else f"begun {seconds:.0f} s ago"
            known = ", ".join(each for each in (program, user and f"user {user}", since) if each)
            return f"{schema}.{table}: pid {pid}{f' ({known})' if known else ''}"
    return None


def _locked(error: pg.LockNotAvailable, doing: str, held: str | None) -> errors.StoreUnavailable:
    who = f"somebody's transaction had {held}" if held else "somebody had locked the table"
    return errors.StoreUnavailable(
        f"While {doing}, a lock was waited for in vain: {who}. Nothing is lost; it goes on by "
        "itself once that has ended.",
        evidence={"sqlstate": error.sqlstate, "doing": doing, "held": held},
    )


def _ours(error: psycopg.Error, doing: str) -> errors.SyncPlatformError:
    said = error.diag.message_primary or str(error)
    evidence = {"sqlstate": error.sqlstate, "postgres": said[:500], "doing": doing}
    match error:
        # What is beyond a limit of Postgres' is an OperationalError, too, and no outage.
        case pg.ProgramLimitExceeded() | pg.StatementTooComplex() | pg.TooManyArguments():
            return errors.RowDoesNotFit(
                f"While {doing}, Postgres came to one of its limits: {said}. If someone made an "
                "index on a column of the table, a long value in that column is the likely cause.",
                evidence=evidence,
            )
        case pg.TooManyColumns():
            return errors.ConfigurationError(
                f"While {doing}, Postgres allowed no more columns: {said}. Columns that were "
                "dropped count, too. Rename or drop the table: the next sync makes it anew and "
                "reads everything.",
                evidence=evidence,
            )
        case _ if error.sqlstate == READ_ONLY:
            return errors.StoreUnavailable(
                f"While {doing}, the database took no writes: {said}. It may be failing over, or "
                "out of room; it will be tried again. If it stays so, look whether the platform's "
                "user or the database has default_transaction_read_only.",
                evidence=evidence,
            )
        case (
            pg.ObjectNotInPrerequisiteState()
            | pg.FeatureNotSupported()
            | pg.InvalidColumnReference()
            | pg.GeneratedAlways()
        ):
            why = error.diag.message_detail  # which shows no values here
            return errors.ConfigurationError(
                f"While {doing}, Postgres refused: {said}{f' ({why})' if why else ''}. Something "
                "that somebody built on the table is the likely cause: a rule, a publication that "
                "publishes some rows or columns only, values that Postgres is to make for one of "
                "our columns. Undo that, then sync again.",
                evidence=evidence,
            )
        case _ if isinstance(error, OUT_OF_REACH) or error.sqlstate in TOOK_TOO_LONG:
            return errors.StoreUnavailable(
                f"Postgres could not be reached, or gave up, while {doing}. What was not committed "
                "is undone; it will be tried again.",
                evidence=evidence,
            )
        case pg.InsufficientPrivilege():
            return errors.ConfigurationError(
                f"While {doing}, Postgres refused: {said}. Grant it to the platform's user.",
                evidence=evidence,
            )
        case psycopg.DataError() | psycopg.IntegrityError() | pg.RaiseException():
            return errors.RowDoesNotFit(
                f"While {doing}, Postgres would not take a row: {said}. If someone added a "
                "constraint or a trigger to the table, that is the likely cause.",
                evidence=evidence,
            )
    return errors.Unexpected(f"While {doing}, Postgres answered: {said}.", evidence=evidence)
