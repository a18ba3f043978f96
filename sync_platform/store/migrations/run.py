"""Runs the migrations. The only place that loads Alembic, and SQLAlchemy with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

MIGRATING = 0x73796E635F706C61  # the advisory lock of those who migrate: "sync_pla"


def settings() -> Config:
    """Alembic's settings; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", "sync_platform.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(conninfo: str, *, check: Callable[[int], None]) -> None:
    """Apply what has not been applied, all or nothing, one process at a time. `conninfo` is for
    libpq; `check` gets the server's version, 180001, and raises where that is too old.

    Raises psycopg.Error.
    """
    with begun(conninfo) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
        check(int(connection.scalar(text("SHOW server_version_num")) or 0))
        known = text("SELECT to_regnamespace('sync_platform') IS NOT NULL")
        if not connection.scalar(known):
            connection.execute(text("CREATE SCHEMA sync_platform"))
        config = settings()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


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
