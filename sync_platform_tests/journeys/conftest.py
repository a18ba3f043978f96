"""A vendor that is watched, and a witness of what syncs of it leave behind."""

from collections.abc import Iterator

import pytest

from sync_platform.engine.ports import Secret
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform_tests.conftest import LIMITS
from sync_platform_tests.journeys.watched import WatchedHubSpot
from sync_platform_tests.journeys.witness import Witness


@pytest.fixture
def watched() -> Iterator[WatchedHubSpot]:
    """A HubSpot without contacts."""
    with serve(WatchedHubSpot()) as vendor:
        yield vendor
    vendor.close()


@pytest.fixture
def witness(platform: Platform, watched: WatchedHubSpot) -> Witness:
    """Of the connection acme-hubspot to it."""
    unlimited = dict.fromkeys(LIMITS, "unlimited")
    secret = Secret({"token": "sandbox-token"})
    platform.connect("hubspot", "acme-hubspot", secret, base_url=watched.url, settings=unlimited)
    return Witness(platform, watched)
