"""The platform's own database: its connections, its transactions, its migrations, its errors."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import psycopg
from psycopg.errors import InvalidSchemaName, LockNotAvailable, UndefinedTable

from sync_platform.errors import (
    ConfigurationError,
    Refused,
    StoreUnavailable,
    SyncPlatformError,
    Unexpected,
    UnknownConnection,
)
from sync_platform.store.addresses import KEEPALIVES, conninfo, described, without_password
from sync_platform.store.migrations import LOCK_WITHIN, MIGRATIONS
from sync_platform.store.pool import AllInUse, Pool, Session, opened

OLDEST_SERVER = 14
IMPATIENT = ("25P03", "25P04")  # the server ended a session that was too long in a transaction
NOT_STORABLE = (
    "A text holds a character that Postgres cannot keep (NUL, or half of one). Leave it out."
)


class _Together(threading.local):
    """The session of the block that this thread is in; None where it is in none."""

    session: Session | None = None


class Database:
    """A small pool of sessions with the platform's own Postgres. Opens none before it must."""

    def __init__(self, url: str) -> None:
        """`url`: postgresql://…, or a libpq string. Raises ConfigurationError if unreadable."""
        self.url = url
        self._conninfo = conninfo(url, None, **KEEPALIVES)
        self._pool = Pool(self._conninfo)
        self._together = _Together()

    def __repr__(self) -> str:
        return f"Database({described(self.url)})"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session in a transaction: committed at the block's end, rolled back by an exception.

        Raises StoreUnavailable where the database cannot be reached, UnknownConnection where a row
        belongs to a connection that is not there, ConfigurationError where it is not migrated.
        """
        with self._in_our_words(), self._session() as session, session.transaction():
            yield session

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread asks for in the block is one transaction, whoever asks for it: all of it
        is kept at the block's end, or nothing where an exception ends it. Raises what `transaction`
        does.

        In it `transaction` and `statement` are parts of that transaction; one that fails takes
        nothing else with it, if its error is caught. Others wait for the rows that were changed:
        let nobody wait for a vendor in it, nor in a session of another kind (`apart`, the
        destination's) for those rows.
        """
        with self.transaction() as session:
            before, self._together.session = self._together.session, session
            try:
                yield
            finally:
                self._together.session = before
            if session.closed:  # psycopg leaves the transaction without a word
                raise psycopg.OperationalError("the connection was lost in a transaction")

    @contextmanager
    def apart(self) -> Iterator[Session]:
        """A transaction in a session of its own, which is closed after it: whoever waits for
        others in it takes none of the pool. Raises what `transaction` does."""
        with self._in_our_words(), opened(self._conninfo) as session, session.transaction():
            yield session

    @contextmanager
    def statement(self) -> Iterator[Session]:
        """A session in which each statement commits itself. Raises what `transaction` does."""
        if self._together.session is not None:
            with self.transaction() as session:
                yield session
            return
        with self._in_our_words(), self._pool.session() as session:
            yield session

    def apply_migrations(self, *, lock_within: float = LOCK_WITHIN) -> None:
        """Bring the tables up to date; one quick query where they are.

        Several processes may do so at once. Raises ConfigurationError where the database is newer
        than this version of the platform, or its server too old; StoreUnavailable where somebody
        else's transaction has one of the tables locked for more than `lock_within` seconds.
        """
        if self._version() == MIGRATIONS[-1]:
            return
        from sync_platform.store.migrations.run import holders, upgrade

        with self._in_our_words():
            try:
                upgrade(self._conninfo, check=_check_server, lock_within=lock_within)
            except LockNotAvailable as error:
                found = [(it.pid, str(it)) for it in holders(self._conninfo, lock_within)]
                raise StoreUnavailable(_locked(self.url, found, lock_within)) from error

    def _version(self) -> str | None:
        """The migration the database is at; None before the first."""
        version: str | None = None
        with self.statement() as session:
            try:
                row = session.execute(
                    "SELECT version_num FROM sync_platform.alembic_version"
                ).fetchone()
                version = row["version_num"] if row else None
            except (UndefinedTable, InvalidSchemaName):
                pass
        if version is not None and version not in MIGRATIONS:
            raise ConfigurationError(
                f"The database {described(self.url)} is at migration {version!r}, which this "
                "version of sync_platform does not know: a newer one has been here. Install that "
                "one, or use another database."
            )
        return version

    def ping(self) -> None:
        """Ask the database for nothing; raises what `transaction` does."""
        with self.statement() as session:
            session.execute("SELECT 1")

    def close(self) -> None:
        """Close all sessions. It can be used again afterwards."""
        self._pool.close()

    def _session(self) -> AbstractContextManager[Session]:
        """The one of this thread's block, or one of the pool's."""
        session = self._together.session
        return self._pool.session() if session is None else nullcontext(session)

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise in_our_words(error, self.url) from error
        except UnicodeEncodeError as error:
            raise Refused(NOT_STORABLE) from error
        except AllInUse as error:
            raise StoreUnavailable(
                f"All of this process's connections to the database {described(self.url)} were in "
                "use for 30 seconds. It will be tried again."
            ) from error


def _check_server(version: int) -> None:
    """`version`: as the server counts them, 140005."""
    if version < OLDEST_SERVER * 10_000:
        raise ConfigurationError(
            f"The database's server is PostgreSQL {version // 10_000}; sync_platform needs "
            f"PostgreSQL {OLDEST_SERVER} or later."
        )


def _locked(url: str, holders: Sequence[tuple[int, str]], lock_within: float) -> str:
    """Why a migration gave up; `holders`: who was in its way, by pid and in words."""
    ends = "; ".join(f"SELECT pg_terminate_backend({pid})" for pid, _ in holders)
    who = f"The transaction of {', '.join(told for _, told in holders)}"
    do = f"Let it end, or end it with: {ends}."
    if not holders:
        who = "A transaction that has ended meanwhile, or was only prepared,"
        do = "If it happens again, look into pg_prepared_xacts."
    return (
        f"The tables in the database {described(url)} are to be changed for this version of "
        f"sync_platform. {who} had one of them locked for {lock_within:g} seconds, so nothing was "
        f"changed. {do} Then start this again."
    )


def in_our_words(error: psycopg.Error, url: str) -> SyncPlatformError:
    """Our error for one of psycopg's, without statements, values or passwords."""
    sqlstate = error.sqlstate
    reason = error.diag.message_primary or str(error).strip()
    reason = without_password(" ".join(reason.split())[:300], url)
    if sqlstate == "23503" and "connection" in (error.diag.constraint_name or ""):
        return UnknownConnection("The connection is not there (any more): it has been removed.")
    if sqlstate in ("42P01", "3F000", "42703"):
        return ConfigurationError(
            f"The database {described(url)} lacks our tables or is not up to date: {reason}. "
            "Apply the migrations: `sync-platform up` does."
        )
    if sqlstate == "42501":
        return ConfigurationError(
            f"The database {described(url)} does not let our user do this: {reason}. Grant it "
            "CREATE on the database, or make it the owner of the schema sync_platform."
        )
    if isinstance(error, psycopg.DataError) and sqlstate is None:  # it was never sent
        return Refused(NOT_STORABLE)
    lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if lost or sqlstate in IMPATIENT:
        return StoreUnavailable(
            f"The platform's own database {described(url)} cannot be reached or had to stop: "
            f"{reason}. It will be tried again; if it stays so, check that Postgres runs and what "
            "SYNC_PLATFORM_DATABASE_URL says.",
            evidence={"sqlstate": sqlstate},
        )
    return Unexpected(
        f"The platform's own database refused a statement: {reason}.",
        evidence={"sqlstate": sqlstate},
    )
