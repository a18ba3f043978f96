"""What every test may ask for: a real Postgres, a platform on it, a vendor to sync from."""

import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from sync_platform.embedded import embedded_postgres
from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Secret
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform.settings import Settings
from sync_platform.transport.clock import SystemClock
from sync_platform_tests.started import heed_ctrl_c

LIMITS = ("rate_limit.burst", "rate_limit.search", "rate_limit.daily")  # of HubSpot

heed_ctrl_c()  # before anything is started, xdist's workers among it


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for browsers, processes and Postgres."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else 3


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end; to look through them for cycles is a tenth of the
    run's time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A Postgres server for the whole run: the embedded one, or SYNC_PLATFORM_TEST_DATABASE_URL."""
    given = os.environ.get("SYNC_PLATFORM_TEST_DATABASE_URL")
    if given:
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="sync_platform_tests_"))
    try:
        with embedded_postgres(home) as url:
            with psycopg.connect(url, autocommit=True) as connection:  # it need not outlive a crash
                for name in ("fsync", "full_page_writes"):
                    connection.execute(f"ALTER SYSTEM SET {name} = off")
                connection.execute("SELECT pg_reload_conf()")
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def made(server: str, like: str = "template1") -> Iterator[str]:
    """The url of a database that is a copy of another one, for the length of the block."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        files = connection.info.server_version >= 150000  # a quarter of what its own way takes
        quickly = "STRATEGY file_copy" if files else ""
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}" {quickly}')
    yield psycopg.conninfo.make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """The url of an empty database that is gone after the test."""
    with made(database_url) as url:
        yield url


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """An installation of its own, on an empty database."""
    return Settings(home=tmp_path / "home", database_url=database)


class HastyClock(SystemClock):
    """The machine's time, but nobody waits long for it."""

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, 0.001))


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """The platform of that installation."""
    it = Platform(settings, clock=HastyClock())
    yield it
    it.close()


@pytest.fixture
def hubspot() -> Iterator[HubSpot]:
    """A HubSpot of one's own, over HTTP, empty, with no call limits."""
    with serve(HubSpot(burst=None, search_per_second=None)) as vendor:
        yield vendor


@pytest.fixture
def acme(platform: Platform, hubspot: HubSpot) -> Connection:
    """The connection acme-hubspot to that HubSpot."""
    secret = Secret({"token": "sandbox-token"})
    unlimited = dict.fromkeys(LIMITS, "unlimited")
    return platform.connect(
        "hubspot", "acme-hubspot", secret, base_url=hubspot.url, settings=unlimited
    )
