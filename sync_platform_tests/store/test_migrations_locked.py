"""Migrations of tables that somebody else has locked."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sync_platform.errors import StoreUnavailable
from sync_platform.store.addresses import conninfo
from sync_platform.store.database import Database
from sync_platform.store.migrations.run import MIGRATING, holders
from sync_platform_tests.store.processes import process
from sync_platform_tests.store.test_migrations import MIGRATE, migrate_to_the_first

VERSION = "SELECT version_num FROM sync_platform.alembic_version"


@pytest.fixture
def database(empty_database: str) -> str:
    """The url of an empty database, to be migrated here."""
    return empty_database


@pytest.fixture
def old(database: str) -> Iterator[Database]:
    """A database of the first version, not yet migrated."""
    migrate_to_the_first(database)
    with closing(Database(database)) as it:
        yield it


@pytest.fixture
def reporting(old: Database) -> Iterator[psycopg.Connection]:
    """Somebody's report, in a transaction that has read a table of ours and stays open."""
    with psycopg.connect(make_conninfo(old.url, application_name="nightly report")) as session:
        session.execute("SELECT * FROM sync_platform.connections")
        yield session


def test_a_migration_gives_up_on_an_open_transaction_and_names_it(
    old: Database, reporting: psycopg.Connection, other: psycopg.Connection
) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        old.apply_migrations(lock_within=0.1)
    told, pid = str(raised.value), reporting.info.backend_pid
    assert f"The transaction of pid {pid} (nightly report, user {reporting.info.user}, " in told
    assert "locked for 0.1 seconds, so nothing was changed." in told
    assert f"end it with: SELECT pg_terminate_backend({pid}). Then start this again." in told
    assert other.execute(VERSION).fetchone() == ("0001",)


def test_once_that_transaction_has_ended_the_migration_goes_through(
    old: Database, reporting: psycopg.Connection
) -> None:
    with pytest.raises(StoreUnavailable):
        old.apply_migrations(lock_within=0.1)
    reporting.rollback()
    old.apply_migrations(lock_within=0.1)


def test_only_who_was_there_before_the_wait_is_blamed(
    old: Database, reporting: psycopg.Connection
) -> None:
    assert [it.pid for it in holders(conninfo(old.url), 0)] == [reporting.info.backend_pid]
    assert holders(conninfo(old.url), 3600) == []


def test_another_process_that_migrates_is_waited_for(
    old: Database, other: psycopg.Connection
) -> None:
    impatient = make_conninfo(old.url, options="-c lock_timeout=1ms")
    waiting = """
        SELECT FROM pg_locks WHERE locktype = 'advisory'
        AND waitstart < clock_timestamp() - interval '50 ms'
    """
    with process(MIGRATE, impatient) as one:
        assert one.hear() == "ready"
        other.execute("SELECT pg_advisory_lock(%s)", (MIGRATING,))
        one.go_on()
        while other.execute(waiting).rowcount < 1:
            assert one.popen.poll() is None
        other.execute("SELECT pg_advisory_unlock(%s)", (MIGRATING,))
        assert one.hear() == "migrated"
