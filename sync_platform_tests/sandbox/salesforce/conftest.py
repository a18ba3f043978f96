"""A fake Salesforce, and an app that is let in."""

from collections.abc import Iterator

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.salesforce import Salesforce
from sync_platform_tests.sandbox.asking import Clock


@pytest.fixture
def org(clock: Clock) -> Iterator[Salesforce]:
    with serve(Salesforce(tokens=["t"], clock=clock)) as vendor:
        yield vendor


@pytest.fixture
def client(org: Salesforce) -> Iterator[httpx.Client]:
    signed = {"Authorization": "Bearer t"}
    with httpx.Client(base_url=org.url, headers=signed) as client:
        yield client
