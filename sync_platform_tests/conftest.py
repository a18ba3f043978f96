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
from sync_platform.engine.ports import Clock, Secret
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform.settings import Settings
from sync_platform.transport.clock import SystemClock
from sync_platform_tests.started import heed_ctrl_c

HERE = Path(__file__).parent
FIRST = ("contract", "journeys", "up", "defs", "web")  # whose files take long, in this order
LIMITS = ("rate_limit.burst", "rate_limit.search", "rate_limit.daily")  # of HubSpot
MEMORY = Path("/dev/shm")  # where Linux has a folder that is in memory
ROOM = 4 << 30  # bytes that are free there: a server needs a few hundred megabytes of them

heed_ctrl_c()  # before anything is started, xdist's workers among it


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for browsers, processes and Postgres."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else 3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, or the last of them would run alone at the end. xdist's own
    order, by the number of tests, does the contrary: what waits for processes are few."""
    items.sort(key=lambda it: FIRST.index(folder) if (folder := _folder(it)) in FIRST else 99)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).parts[0]


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end; to look through them for cycles is a tenth of the
    run's time."""
    gc.collect()
    gc.freeze()


def servers_home() -> Path:
    """A new folder for a Postgres server: in memory, if there is room, where a database is made and
    dropped in a third of the time. Not in pytest's own, which the server may not enter where root
    runs this."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return Path(tempfile.mkdtemp(prefix="sync_platform_tests_", dir=MEMORY if roomy else None))


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A Postgres server for the whole run: the embedded one, or SYNC_PLATFORM_TEST_DATABASE_URL."""
    given = os.environ.get("SYNC_PLATFORM_TEST_DATABASE_URL")
    if given:
        yield given
        return
    home = servers_home()
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


@pytest.fixture(scope="session")
def migrated(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the platform's tables, and nobody connected to it."""
    with made(database_url) as url:
        platform = Platform(Settings(home=tmp_path_factory.mktemp("migrated"), database_url=url))
        platform.database.apply_migrations()
        platform.close()
        yield str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database(database_url: str, migrated: str) -> Iterator[str]:
    """The url of a database that is gone after the test: migrated already, as each test's own
    migration would take longer than most tests; without any rows."""
    with made(database_url, like=migrated) as url:
        yield url


@pytest.fixture
def empty_database(database_url: str) -> Iterator[str]:
    """The url of a database without anything in it, gone after the test."""
    with made(database_url) as url:
        yield url


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """An installation of its own, on a database of its own."""
    return Settings(home=tmp_path / "home", database_url=database)


class HastyClock(SystemClock):
    """The machine's time, but nobody waits long for it."""

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, 0.001))


@pytest.fixture
def clock() -> Clock:
    """The platform's time; tests that turn it have another."""
    return HastyClock()


@pytest.fixture
def platform(settings: Settings, clock: Clock) -> Iterator[Platform]:
    """The platform of that installation."""
    it = Platform(settings, clock=clock)
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
