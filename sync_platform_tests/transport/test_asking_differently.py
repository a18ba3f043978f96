"""Calls of vendors that prepare their answers, that tell only so much at once, or that know records
by a value of their own."""

from dataclasses import replace

import pytest

from sync_platform import spec
from sync_platform.errors import AskedTooMuch, ConfigurationError, VendorUnavailable
from sync_platform.transport.api import HttpApi
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.transport.conftest import Open, acme
from sync_platform_tests.transport.wire import Wire

UPSERT = spec.patch("/things/number/{number}", json={"name": "a"})


def test_a_pause_takes_its_time(api: HttpApi, clock: FakeClock) -> None:
    before = clock.slept
    api.pause(3.0)
    assert clock.slept - before == pytest.approx(3.0)


def test_a_pause_ends_with_the_sync(api: HttpApi) -> None:
    api.close()
    with pytest.raises(VendorUnavailable, match="was given up"):
        api.pause(3.0)


@pytest.mark.parametrize("status", [400, 500])
def test_who_asked_for_too_much_may_ask_for_less(open_api: Open, wire: Wire, status: int) -> None:
    def means(status: int, body: spec.Json) -> spec.Meaning | None:
        return "too_much" if spec.at(body, "code") == "EXCEEDED" else None

    api = open_api(replace(acme, means=means))
    wire.say({"code": "EXCEEDED", "message": "More than 600,000"}, status=status)
    with pytest.raises(AskedTooMuch, match="More than 600,000"):
        api.get("/deleted")
    assert len(wire.heard) == 1


def test_a_changes_own_values_may_stand_in_its_path_quoted(api: HttpApi, wire: Wire) -> None:
    api.send(UPSERT, spec.OutboundChange(kind="create", values={"number": "K/1 ä"}))
    assert wire.heard[-1].path == "/things/number/K%2F1%20%C3%A4"


def test_a_value_never_takes_the_place_of_a_setting_or_the_key(open_api: Open, wire: Wire) -> None:
    api = open_api(acme, settings={"tenant": "t-7"})
    values = {"tenant": "another", "key": "another"}
    change = spec.OutboundChange(kind="update", key="1", values=values)
    api.send(spec.put("/{tenant}/things/{key}"), change)
    assert wire.heard[-1].path == "/t-7/things/1"


def test_a_value_that_is_missing_is_told(api: HttpApi, wire: Wire) -> None:
    with pytest.raises(ConfigurationError, match="number"):
        api.send(UPSERT, spec.OutboundChange(kind="create", values={"name": "a"}))
    assert not wire.heard
