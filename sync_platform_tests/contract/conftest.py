"""Databases for the kit: hundreds of them, so each is a copy of one that is migrated already."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sync_platform.platform import Platform
from sync_platform.settings import Settings


@pytest.fixture(scope="session")
def migrated(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with the platform's tables, and nobody connected to it."""
    name = f"migrated_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = psycopg.conninfo.make_conninfo(database_url, dbname=name)
    home: Path = tmp_path_factory.mktemp("migrated")
    platform = Platform(Settings(home=home, database_url=url))
    platform.database.apply_migrations()
    platform.close()
    return name


@pytest.fixture
def database(database_url: str, migrated: str) -> Iterator[str]:
    """The url of a migrated database without any rows, gone after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated}"')
    yield psycopg.conninfo.make_conninfo(database_url, dbname=name)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
