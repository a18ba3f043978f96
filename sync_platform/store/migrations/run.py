"""Runs the migrations. The only place that loads Alembic, and SQLAlchemy with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from alembic import command
from alembic.config import Config
from psycopg.rows import class_row
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from sync_platform.store.migrations import LOCK_WITHIN

MIGRATING = 0x73796E635F706C61  # the advisory lock of those who migrate: "sync_pla"
# Who has a lock on our tables since before a migration gave up. What another user's session is
# called and does is told to some users only.
HOLDERS = """
    SELECT DISTINCT activity.pid, activity.usename AS user,
        nullif(activity.application_name, '') AS application_name,
        extract(epoch FROM statement_timestamp() - activity.xact_start)::float AS seconds
    FROM pg_locks AS lock
    JOIN pg_class AS relation ON relation.oid = lock.relation
    JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
    WHERE lock.granted AND lock.pid <> pg_backend_pid()
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation.relnamespace = to_regnamespace('sync_platform')
      AND coalesce(activity.xact_start < statement_timestamp() - make_interval(secs => %s), true)
    ORDER BY activity.pid
"""


def settings() -> Config:
    """Alembic's settings; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", "sync_platform.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A session that has locked tables of ours; None is what the server does not tell."""

    pid: int
    user: str | None
    application_name: str | None
    seconds: float | None  # that its transaction has lasted

    def __str__(self) -> str:
        """Its pid, and what else is known of it: `pid 71 (psql, user ann, begun 90 s ago)`."""
        since = None if self.seconds is None else f"begun {self.seconds:.0f} s ago"
        known = (self.application_name, self.user and f"user {self.user}", since)
        told = ", ".join(each for each in known if each)
        return f"pid {self.pid} ({told})" if told else f"pid {self.pid}"


def upgrade(
    conninfo: str, *, check: Callable[[int], None], lock_within: float = LOCK_WITHIN
) -> None:
    """Apply what has not been applied, all or nothing, one process at a time. `conninfo` is for
    libpq; `check` gets the server's version, 180001, and raises where that is too old.

    Raises psycopg.errors.LockNotAvailable where somebody's transaction has a table locked for more
    than `lock_within` seconds, else psycopg.Error.
    """
    with begun(conninfo) as connection:
        # Another process's migration is waited for without a limit: it has these limits, too.
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
        connection.execute(text(f"SET LOCAL lock_timeout = {lock_within * 1000:.0f}"))
        check(int(connection.scalar(text("SHOW server_version_num")) or 0))
        known = text("SELECT to_regnamespace('sync_platform') IS NOT NULL")
        if not connection.scalar(known):
            connection.execute(text("CREATE SCHEMA sync_platform"))
        config = settings()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def holders(conninfo: str, lock_within: float) -> list[Holder]:
    """Who stood in the way of a migration that has just given up. Raises psycopg.Error."""
    with psycopg.connect(conninfo, row_factory=class_row(Holder)) as session:
        return session.execute(HOLDERS, (lock_within,)).fetchall()


@contextmanager
def begun(conninfo: str) -> Iterator[Connection]:
    """A transaction as Alembic wants it; its errors are psycopg's."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(conninfo),
        poolclass=NullPool,
        isolation_level="READ COMMITTED",  # whoever waited for another sees what that one did
        hide_parameters=True,
        use_native_hstore=False,
    )
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from None
        raise
