"""Dagster on a platform of one's own."""

from collections.abc import Iterator

import dagster as dg
import pytest

from sync_platform.defs.build import build_definitions
from sync_platform.defs.resources import PlatformResource
from sync_platform.platform import Platform


def handed(platform: Platform) -> PlatformResource:
    """A resource that gives this platform."""

    class Handed(PlatformResource):
        def get(self) -> Platform:
            return platform

    return Handed()


@pytest.fixture
def definitions(platform: Platform) -> dg.Definitions:
    """Everything that Dagster shows and runs, on the test's platform."""
    return build_definitions(
        platform.settings, platform.connectors().values(), platform=handed(platform)
    )


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster of one's own, in memory."""
    with dg.DagsterInstance.ephemeral() as it:
        yield it
