"""A fake Airtable with a base, and an app that is let in."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.airtable_life import MODIFIED
from sync_platform_tests.sandbox.airtable.asking import SIGNED, Json, Listing
from sync_platform_tests.sandbox.asking import Clock


@pytest.fixture
def airtable(clock: Clock) -> Iterator[Airtable]:
    """A base CRM with Teams and People."""
    with serve(Airtable(clock=clock)) as vendor:
        base = vendor.add_base("CRM")
        vendor.add_table(base, "Teams", Name="singleLineText")
        vendor.add_table(
            base,
            "People",
            Name="singleLineText",
            Done="checkbox",
            Stars=("rating", {"max": 5}),
            Due="date",
            Stage=("singleSelect", {"choices": ["Lead", "Customer"]}),
            Boss="singleCollaborator",
            Files="multipleAttachments",
            Team=("multipleRecordLinks", {"to": "Teams"}),
            Loud=("formula", {"formula": "UPPER({Name})"}),
            Number="autoNumber",
            Modified=("lastModifiedTime", MODIFIED),
        )
        yield vendor


@pytest.fixture
def client(airtable: Airtable) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=airtable.url, headers=SIGNED) as client:
        yield client


@pytest.fixture
def path(airtable: Airtable) -> str:
    """Of the table People."""
    base = airtable.base("CRM")
    return f"/v0/{base.id}/{base.tables[1].id}"


@pytest.fixture
def listing(client: httpx.Client, path: str) -> Listing:
    def listing(**asked: Any) -> Json:
        found: Json = client.get(path, params=asked).raise_for_status().json()
        return found

    return listing
