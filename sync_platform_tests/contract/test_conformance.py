"""Every connector against its sandbox vendor: each behaviour holds, or is not offered and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.settings import Settings
from sync_platform.transport.clock import SystemClock
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.contract.conformance.behaviours import Behaviour
from sync_platform_tests.contract.conformance.catalog import BEHAVIOURS, VOUCHED, lacking
from sync_platform_tests.contract.conformance.stage import Stage, Vouched


@contextmanager
def staged(it: Vouched, settings: Settings, *, limited: bool) -> Iterator[Stage]:
    """The connector beside its vendor; with `limited` both keep to the limits, in real time."""
    make = it.limited if limited and it.limited else it.vendor
    if limited:
        kept = {k: v for k, v in it.settings.items() if not k.startswith("rate_limit.")}
        it = replace(it, settings=kept)
    platform = Platform(settings, clock=SystemClock() if limited else HastyClock())
    try:
        with serve(make()) as vendor:
            yield Stage(it=it, vendor=vendor, platform=platform)
    finally:
        platform.close()


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda it: it.name)
@pytest.mark.parametrize("it", VOUCHED, ids=lambda it: it.connector)
def test_each_behaviour_holds_or_is_not_offered(
    it: Vouched, behaviour: Behaviour, settings: Settings
) -> None:
    with staged(it, settings, limited=behaviour.needs == "limited") as on:
        if behaviour.name not in it.not_offered:
            behaviour.holds(on)
            if behaviour.needs:
                assert not lacking(behaviour, it, on.obj), (
                    "say in not_offered why it is not offered"
                )
            return
        assert behaviour.needs, f"{behaviour.name} is for every vendor"
        on.connect()
        assert lacking(behaviour, it, on.obj), "it is offered after all"


def test_the_kit_knows_every_connector(platform: Platform) -> None:
    assert sorted(it.connector for it in VOUCHED) == sorted(platform.connectors())


def test_what_is_not_offered_is_a_behaviour() -> None:
    known = {each.name for each in BEHAVIOURS}
    for it in VOUCHED:
        assert set(it.not_offered) <= known, it.connector
