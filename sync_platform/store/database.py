"""The platform's own database: its connections, its transactions, its migrations, its errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy import exc as sqlalchemy_errors

from sync_platform.errors import (
    ConfigurationError,
    Refused,
    StoreUnavailable,
    SyncPlatformError,
    Unexpected,
    UnknownConnection,
)
from sync_platform.store.addresses import described, sqlalchemy_url, without_password
from sync_platform.store.migrations import MIGRATIONS

OLDEST_SERVER = 14
IMPATIENT = ("25P03", "25P04")  # the server ended a session that was too long in a transaction
NOT_STORABLE = (
    "A text holds a character that Postgres cannot keep (NUL, or half of one). Leave it out."
)
MIGRATING = 0x73796E635F706C61  # the advisory lock of those who migrate: "sync_pla"

Row = dict[str, object]


class Database:
    """A small pool of connections to the platform's own Postgres. Opens none before it must."""

    def __init__(self, url: str) -> None:
        """`url`: postgresql://…, or a libpq string. Raises ConfigurationError if unreadable."""
        self.url = url
        # Autocommit, since most of what is asked is one statement: to change a connection to it and
        # back each time would cost as much as the statement.
        self._engine: Engine = create_engine(
            sqlalchemy_url(url),
            isolation_level="AUTOCOMMIT",
            pool_size=4,
            max_overflow=8,
            pool_pre_ping=True,
            pool_recycle=1800,
            hide_parameters=True,
            use_native_hstore=False,
        )
        self._transactions = self._engine.execution_options(isolation_level="READ COMMITTED")

    def __repr__(self) -> str:
        return f"Database({described(self.url)})"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection in a transaction: committed at the block's end, rolled back by an exception.

        Raises StoreUnavailable where the database cannot be reached, UnknownConnection where a row
        belongs to a connection that is not there, ConfigurationError where it is not migrated.
        """
        with self._in_our_words(), self._transactions.begin() as connection:
            yield connection

    @contextmanager
    def apart(self) -> Iterator[Connection]:
        """A transaction on a connection of its own, which is closed after it: whoever waits for
        others in it takes none of the pool. Raises what `transaction` does."""
        with self._in_our_words(), self._apart.begin() as connection:
            yield connection

    @cached_property
    def _apart(self) -> Engine:
        return create_engine(
            sqlalchemy_url(self.url),
            poolclass=NullPool,
            hide_parameters=True,
            use_native_hstore=False,
        )

    @contextmanager
    def statement(self) -> Iterator[Connection]:
        """A connection on which each statement commits itself. Raises what `transaction` does."""
        with self._in_our_words(), self._engine.connect() as connection:
            yield connection

    def apply_migrations(self) -> None:
        """Bring the tables up to date; one quick query where they are.

        Several processes may do so at once. Raises ConfigurationError where the database is newer
        than this version of the platform, or its server too old.
        """
        if self._version() == MIGRATIONS[-1]:
            return
        with self._in_our_words(), self._transactions.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
            _check_server(connection)
            known = text("SELECT to_regnamespace('sync_platform') IS NOT NULL")
            if not connection.scalar(known):
                connection.execute(text("CREATE SCHEMA sync_platform"))
            from sync_platform.store.migrations.run import upgrade

            upgrade(connection)

    def _version(self) -> str | None:
        """The migration the database is at; None before the first."""
        version: str | None = None
        with self._in_our_words(), self._engine.connect() as connection:
            try:
                version = connection.scalar(
                    text("SELECT version_num FROM sync_platform.alembic_version")
                )
            except sqlalchemy_errors.ProgrammingError as error:
                if _sqlstate(error) not in ("42P01", "3F000"):
                    raise
        if version is not None and version not in MIGRATIONS:
            raise ConfigurationError(
                f"The database {described(self.url)} is at migration {version!r}, which this "
                "version of sync_platform does not know: a newer one has been here. Install that "
                "one, or use another database."
            )
        return version

    def ping(self) -> None:
        """Ask the database for nothing; raises what `transaction` does."""
        with self.statement() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections. It can be used again afterwards."""
        self._engine.dispose()

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except sqlalchemy_errors.DBAPIError as error:
            raise in_our_words(error, self.url) from error
        except UnicodeEncodeError as error:
            raise Refused(NOT_STORABLE) from error
        except sqlalchemy_errors.TimeoutError as error:
            raise StoreUnavailable(
                f"All of this process's connections to the database {described(self.url)} were in "
                "use for 30 seconds. It will be tried again."
            ) from error


def _sqlstate(error: BaseException) -> str | None:
    origin = getattr(error, "orig", error)
    return getattr(origin, "sqlstate", None)


def _check_server(connection: Connection) -> None:
    version = int(connection.scalar(text("SHOW server_version_num")) or 0)
    if version < OLDEST_SERVER * 10_000:
        raise ConfigurationError(
            f"The database's server is PostgreSQL {version // 10_000}; sync_platform needs "
            f"PostgreSQL {OLDEST_SERVER} or later."
        )


def in_our_words(error: Exception, url: str) -> SyncPlatformError:
    """Our error for one of psycopg's or SQLAlchemy's, without statements, values or passwords."""
    origin = getattr(error, "orig", error)
    sqlstate = _sqlstate(error)
    diag = getattr(origin, "diag", None)
    reason = getattr(diag, "message_primary", None) or str(origin).strip()
    reason = without_password(" ".join(reason.split())[:300], url)
    if sqlstate == "23503" and "connection" in (getattr(diag, "constraint_name", None) or ""):
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
    if isinstance(origin, psycopg.DataError) and sqlstate is None:  # it was never sent
        return Refused(NOT_STORABLE)
    lost = isinstance(origin, psycopg.OperationalError | psycopg.InterfaceError)
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
