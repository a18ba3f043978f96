"""Dagster on a platform of one's own."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from sync_platform.defs.resources import the_platform
from sync_platform.platform import Platform
from sync_platform_tests.defs.daemon import Daemon, daemon_of, projects_dagster
from sync_platform_tests.defs.runs import Dagster, definitions_of
from sync_platform_tests.environment import variables


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
