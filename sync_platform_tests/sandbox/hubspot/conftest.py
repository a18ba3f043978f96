"""A fake HubSpot, and an app that is let in."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import HubSpot, serve
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.hubspot.asking import SIGNED, Json, Searcher


@pytest.fixture
def hubspot(clock: Clock) -> Iterator[HubSpot]:
    with serve(HubSpot(clock=clock)) as vendor:
        yield vendor


@pytest.fixture
def client(hubspot: HubSpot) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hubspot.url, headers=SIGNED) as client:
        yield client


@pytest.fixture
def search(client: httpx.Client) -> Searcher:
    def search(*filters: Json, object: str = "contacts", **asked: Any) -> Json:
        body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **asked}
        response = client.post(f"/crm/v3/objects/{object}/search", json=body)
        found: Json = response.raise_for_status().json()
        return found

    return search
