"""Databases for the kit: hundreds of them, so each is a copy of one that is migrated already."""

from collections.abc import Iterator

import psycopg
import pytest

from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform_tests.conftest import made


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
    """The url of a migrated database without any rows, gone after the test."""
    with made(database_url, like=migrated) as url:
        yield url
