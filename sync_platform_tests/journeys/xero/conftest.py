"""An installation with an app at Xero, and a Xero."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.xero import Xero
from sync_platform.settings import Settings
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.journeys.xero.stage import Stage
from sync_platform_tests.person import Person


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    """A Xero without call limits."""
    clients = {"xero": ("sandbox-client", "sandbox-secret")}
    platform = Platform(replace(settings, oauth_clients=clients), clock=HastyClock())
    try:
        with serve(Xero()) as xero:
            yield Stage(platform, xero, Person())
    finally:
        platform.close()
