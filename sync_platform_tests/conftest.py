"""What every test may ask for: a real Postgres and an empty database in it."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sync_platform.embedded import embedded_postgres


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
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """The url of an empty database that is gone after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield psycopg.conninfo.make_conninfo(database_url, dbname=name)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
