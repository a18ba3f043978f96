"""An Airtable account without bases, and one with a base that is connected."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.airtable_life import MODIFIED
from sync_platform.settings import Settings
from sync_platform_tests.journeys.airtable.stage import Stage, TurningClock


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
def stage(settings: Settings, clock: TurningClock) -> Iterator[Stage]:
    """An account without bases."""
    clients = {"airtable": ("sandbox-client", "sandbox-secret")}
    platform = Platform(replace(settings, oauth_clients=clients), clock=clock)
    with serve(Airtable(clock=clock.seconds)) as vendor:
        yield Stage(platform, vendor, clock)
    platform.close()


@pytest.fixture
def crm(stage: Stage) -> Stage:
    """A base with people and their team, who tell when they changed, and things, which do not;
    connected."""
    base = stage.vendor.add_base("CRM")
    stage.vendor.add_table(base, "Teams", Name="singleLineText", Size="number")
    stage.vendor.add_table(
        base,
        "People",
        Name="singleLineText",
        Mail="email",
        Stage=("singleSelect", {"choices": ["Lead", "Customer"]}),
        Team=("multipleRecordLinks", {"to": "Teams"}),
        Loud=("formula", {"formula": "UPPER({Name})", "result": {"type": "singleLineText"}}),
        Modified=("lastModifiedTime", MODIFIED),
    )
    stage.vendor.add_table(base, "Things", Name="singleLineText", Price="currency")
    stage.connect()
    return stage
