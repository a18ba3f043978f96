"""People, sessions and keys of a fresh installation, on a clock that tests move."""

from collections.abc import Iterator

import psycopg
import pytest

from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform.waist.access import Access
from sync_platform_tests.fakes import FakeClock

PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def access(settings: Settings, clock: FakeClock) -> Iterator[Access]:
    platform = Platform(settings, clock)
    yield platform.access
    platform.close()


def token_of(link: str) -> str:
    return link.rpartition("/")[2]


@pytest.fixture
def ann(access: Access) -> str:
    """The address of an admin with that password."""
    access.choose_password(token_of(access.admin_link("Ann@Example.com")), PASSWORD)
    return "ann@example.com"


def stored(settings: Settings, table: str) -> str:
    """Everything that the store keeps in a table, as text."""
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url) as connection:
        rows = connection.execute(f"SELECT t::text FROM sync_platform.{table} t").fetchall()
    return "\n".join(row[0] for row in rows)
