"""An org at Salesforce, and its time."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.salesforce import Salesforce
from sync_platform.settings import Settings
from sync_platform_tests.journeys.salesforce.stage import (
    SERVICE,
    LateClock,
    Stage,
)


@pytest.fixture
def clock() -> LateClock:
    return LateClock()


@pytest.fixture
def stage(settings: Settings, clock: LateClock) -> Iterator[Stage]:
    """An org without records but its admin."""
    clients = {"salesforce": ("sandbox-client", "sandbox-secret")}
    platform = Platform(replace(settings, oauth_clients=clients), clock=clock)
    services = {SERVICE["client_id"]: SERVICE["client_secret"]}
    with serve(Salesforce(services=services, clock=clock.seconds)) as vendor:
        yield Stage(platform, vendor, clock)
    platform.close()
