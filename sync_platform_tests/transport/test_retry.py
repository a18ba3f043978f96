from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from sync_platform.errors import RateLimited, RetryLater, UnexpectedResponse, VendorUnavailable
from sync_platform.transport.api import HttpApi
from sync_platform.transport.retry import Failed, Patience, patiently
from sync_platform_tests.fakes import NOON, FakeClock
from sync_platform_tests.transport.wire import Wire


def failing(times: int, *, again: bool = True, asked: float | None = None) -> list[object]:
    return [Failed(VendorUnavailable("down"), again=again, asked=asked)] * times


def tried(outcomes: list[object], patience: Patience | None = None) -> tuple[object, list[float]]:
    """What came of it, and how long was slept before each new try."""
    sleeps: list[float] = []

    def call() -> object:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    try:
        return patiently(call, patience or Patience(), sleeps.append), sleeps
    except RetryLater as error:
        return error, sleeps


def test_a_call_that_goes_well_is_made_once() -> None:
    assert tried(["well"]) == ("well", [])


def test_waits_are_random_below_a_bound_that_doubles() -> None:
    bounds = [0.5, 1, 2, 4, 8]
    every = [tried(failing(6))[1] for _ in range(200)]
    for sleeps in every:
        assert all(0 <= slept <= bound for slept, bound in zip(sleeps, bounds, strict=True))
    assert max(sleeps[4] for sleeps in every) > 4
    assert min(sleeps[4] for sleeps in every) < 4


def test_no_wait_is_longer_than_the_longest() -> None:
    _, sleeps = tried(failing(30), Patience(tries=30, longest=3.0, altogether=1e9))
    assert max(sleeps) <= 3.0


def test_what_the_vendor_asks_for_comes_first() -> None:
    result, sleeps = tried([*failing(2, asked=30.0), "well"])
    assert (result, sleeps) == ("well", [30.0, 30.0])


def test_a_vendor_that_asks_for_too_much_is_not_waited_for() -> None:
    result, sleeps = tried(failing(2, asked=601.0))
    assert isinstance(result, VendorUnavailable)
    assert sleeps == []


def test_all_waits_together_have_a_bound() -> None:
    result, sleeps = tried(failing(6, asked=400.0))
    assert isinstance(result, VendorUnavailable)
    assert sleeps == [400.0, 400.0]


def test_what_must_not_be_repeated_is_not() -> None:
    result, sleeps = tried(failing(1, again=False))
    assert isinstance(result, VendorUnavailable)
    assert sleeps == []
    assert result.evidence["tries"] == 1


def test_our_own_errors_go_through_untouched() -> None:
    with pytest.raises(UnexpectedResponse):
        tried([UnexpectedResponse("odd")])


def test_the_error_is_told_without_our_own_detours() -> None:
    cause = ValueError("the cause")

    def call() -> None:
        raise Failed(VendorUnavailable("down"), again=False) from cause

    with pytest.raises(VendorUnavailable) as told:
        patiently(call, Patience(), lambda seconds: None)
    assert told.value.__cause__ is cause


# -- on the wire ----------------------------------------------------------------------------------


def test_retry_after_is_honoured_to_the_second(api: HttpApi, wire: Wire, clock: FakeClock) -> None:
    wire.say({}, 503, {"Retry-After": "120"})
    api.get("/things")
    assert clock.slept == 120


def test_retry_after_may_be_a_date(api: HttpApi, wire: Wire, clock: FakeClock) -> None:
    then = format_datetime(datetime(2026, 11, 21, 12, 1, 30, tzinfo=UTC), usegmt=True)
    wire.say({}, 429, {"Retry-After": then})
    api.get("/things")
    assert clock.slept == 90
    assert clock.now() > NOON


def test_a_429_that_asks_for_hours_ends_at_once(api: HttpApi, wire: Wire, clock: FakeClock) -> None:
    wire.say({}, 429, {"Retry-After": "7200"})
    with pytest.raises(RateLimited) as limited:
        api.get("/things")
    assert limited.value.retry_after == 7200
    assert clock.slept == 0
    assert len(wire.heard) == 1


def test_after_such_a_429_nobody_calls_in_vain(api: HttpApi, wire: Wire) -> None:
    wire.say({}, 429, {"Retry-After": "7200"})
    for _ in range(2):
        with pytest.raises(RateLimited):
            api.get("/things")
    assert len(wire.heard) == 1


def test_a_429_without_a_word_waits_for_the_limits_window(
    api: HttpApi, wire: Wire, clock: FakeClock
) -> None:
    wire.say({}, 429)
    api.get("/things")
    assert clock.slept == pytest.approx(10)
