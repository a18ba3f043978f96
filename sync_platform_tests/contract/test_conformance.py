"""Every connector against its sandbox vendor: each behaviour holds, or is not offered and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property

import pytest

from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.settings import Settings
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.contract.conformance.behaviours import Behaviour
from sync_platform_tests.contract.conformance.catalog import BEHAVIOURS, VOUCHED, lacking
from sync_platform_tests.contract.conformance.stage import Stage, Vouched, now
from sync_platform_tests.fakes import FakeClock, MemoryQuotas


class Timed(Platform):
    """A platform whose rate limits go by its own clock, not by the database's."""

    @cached_property
    def quotas(self) -> MemoryQuotas:  # type: ignore[override]
        return MemoryQuotas(self.clock)


@contextmanager
def staged(it: Vouched, settings: Settings, *, timed: bool) -> Iterator[Stage]:
    """The connector beside its vendor. If `timed`, both keep to the limits, by a clock that they
    share and that moves only when somebody waits."""
    vendor = it.limited() if timed and it.limited else it.vendor()
    if (app := vendor.authorization_server()) is not None:
        clients = {it.connector: (app.client_id, app.client_secret)}
        settings = replace(settings, oauth_clients=clients)
    platform: Platform
    if timed:
        clock = FakeClock(now())
        vendor.clock = lambda: clock.now().timestamp()
        kept = {k: v for k, v in it.settings.items() if not k.startswith("rate_limit.")}
        it, platform = replace(it, settings=kept), Timed(settings, clock=clock)
    else:
        platform = Platform(settings, clock=HastyClock())
    try:
        with serve(vendor):
            yield Stage(it=it, vendor=vendor, platform=platform, clock=platform.clock)
    finally:
        platform.close()


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda it: it.name)
@pytest.mark.parametrize("it", VOUCHED, ids=lambda it: it.connector)
def test_each_behaviour_holds_or_is_not_offered(
    it: Vouched, behaviour: Behaviour, settings: Settings
) -> None:
    with staged(it, settings, timed=behaviour.timed) as on:
        if behaviour.name not in it.not_offered:
            behaviour.holds(on)
            if behaviour.needs:
                assert not lacks(on, behaviour), "say in not_offered why it is not offered"
            return
        assert behaviour.needs, f"{behaviour.name} is for every vendor"
        on.connect()
        assert lacks(on, behaviour), "it is offered after all"


def lacks(on: Stage, behaviour: Behaviour) -> bool:
    """Whether the connector, as it is connected here, lacks what the behaviour needs."""
    connector = on.platform.connector(on.it.connector)
    return lacking(behaviour, on.it, connector, on.obj, on.vendor)


def test_the_kit_knows_every_connector(platform: Platform) -> None:
    assert sorted(it.connector for it in VOUCHED) == sorted(platform.connectors())


def test_what_is_not_offered_is_a_behaviour() -> None:
    known = {each.name for each in BEHAVIOURS}
    for it in VOUCHED:
        assert set(it.not_offered) <= known, it.connector
