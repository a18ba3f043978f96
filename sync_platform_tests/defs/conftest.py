"""Dagster on a platform of one's own."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from sync_platform.defs.resources import the_platform
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform_tests.conftest import made
from sync_platform_tests.defs.daemon import Daemon, daemon_of, projects_dagster
from sync_platform_tests.defs.runs import Dagster, definitions_of
from sync_platform_tests.environment import variables


@pytest.fixture(scope="session")
def dagsters_own(
    database_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database with the platform's tables and Dagster's, and nobody connected."""
    home = tmp_path_factory.mktemp("dagster")
    with made(database_url, like=migrated) as url, pytest.MonkeyPatch.context() as patch:
        for name, value in variables(Settings(home=home, database_url=url)).items():
            patch.setenv(name, value)
        with projects_dagster(home):
            pass
        yield str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database(database_url: str, dagsters_own: str) -> Iterator[str]:
    """The url of a database with all these tables and no rows, gone after the test."""
    with made(database_url, like=dagsters_own) as url:
        yield url


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster of one's own, in memory."""
    with dg.DagsterInstance.ephemeral() as it:
        yield it


@pytest.fixture
def dagster(instance: dg.DagsterInstance, platform: Platform) -> Dagster:
    """That Dagster, with everything it shows and runs on the test's platform; it knows the
    connection acme-hubspot as a partition."""
    instance.add_dynamic_partitions("hubspot_connections", ["acme-hubspot"])
    return Dagster(instance, definitions_of(platform))


@pytest.fixture
def daemon(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """The daemon of an installation: its own dagster.yaml, storage and definitions, on the test's
    database and settings. Assets and sensors find the platform by the environment, as they do."""
    for name, value in variables(platform.settings).items():
        monkeypatch.setenv(name, value)
    the_platform.cache_clear()
    with projects_dagster(tmp_path) as instance, daemon_of(instance) as it:
        yield it
    the_platform().close()
    the_platform.cache_clear()
