import threading
from collections.abc import Mapping

import pytest

from sync_platform import spec
from sync_platform.errors import ConfigurationError, RateLimited, SyncPlatformError
from sync_platform.transport.clock import SystemClock
from sync_platform.transport.throttle import RateLimiter
from sync_platform_tests.fakes import FakeClock, MemoryQuotas

BURST = spec.RateLimit(name="burst", calls=100, seconds=10)
SEARCH = spec.RateLimit(name="search", calls=5, seconds=1, path="*/search")
LIMITS = (BURST, SEARCH)


def limiter(clock: FakeClock, quotas: MemoryQuotas, **parts: object) -> RateLimiter:
    given: dict[str, object] = {"limits": LIMITS, "clock": clock, "reserve": 0.0}
    return RateLimiter("acme-main", quotas=quotas, **(given | parts))  # type: ignore[arg-type]


def test_a_call_counts_for_every_limit_whose_path_fits(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    it = limiter(clock, quotas)
    it.wait("/crm/contacts/search")
    it.wait("/crm/contacts")
    assert quotas.taken == [("burst", "search"), ("burst",)]


@pytest.mark.parametrize(("calls", "seconds"), [(1, 1), (2, 1), (5, 1), (100, 10), (700, 60)])
def test_no_window_holds_more_calls_than_its_limit_and_few_less(
    clock: FakeClock, quotas: MemoryQuotas, calls: int, seconds: float
) -> None:
    limit = spec.RateLimit(name="burst", calls=calls, seconds=seconds)
    it = limiter(clock, quotas, limits=[limit])
    made: list[float] = []
    for _ in range(4 * calls):
        it.wait("/things")
        made.append(clock.now().timestamp())
    for first, too_many in zip(made, made[calls:], strict=False):
        assert too_many - first > seconds
    assert clock.slept < 4 * seconds / (0.45 if calls < 3 else 0.8)


def test_a_tenth_of_a_limit_may_be_called_at_once(clock: FakeClock, quotas: MemoryQuotas) -> None:
    it = limiter(clock, quotas, limits=[BURST])
    for _ in range(10):
        it.wait("/things")
    assert clock.slept == 0
    it.wait("/things")
    assert clock.slept == pytest.approx(10 / 90.5)


def test_a_day_may_be_used_up_at_once(clock: FakeClock, quotas: MemoryQuotas) -> None:
    daily = spec.RateLimit(name="daily", calls=1000, seconds=86_400)
    it = limiter(clock, quotas, limits=[daily])
    for _ in range(1000):
        it.wait("/things")
    assert clock.slept == 0
    it.wait("/things")
    assert clock.slept == pytest.approx(86.4)


def test_two_limiters_of_a_connection_share_what_may_be_called(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    one, other = limiter(clock, quotas), limiter(clock, quotas)
    one.wait("/search")
    assert clock.slept == 0
    other.wait("/search")
    assert clock.slept > 0


def test_a_share_is_kept_for_urgent_calls(clock: FakeClock, quotas: MemoryQuotas) -> None:
    it = limiter(clock, quotas, limits=[BURST], reserve=0.1)
    for _ in range(9):
        it.wait("/things")
    assert clock.slept == 0
    it.wait("/things", urgent=True)
    assert clock.slept == 0
    it.wait("/things")
    assert clock.slept > 0


def test_without_limits_nothing_is_counted(clock: FakeClock, quotas: MemoryQuotas) -> None:
    it = limiter(clock, quotas, limits=[])
    it.wait("/things")
    assert it.heed("/things", {}, limited=True) == 1
    assert quotas.taken == []


def test_a_setting_raises_a_limit(clock: FakeClock, quotas: MemoryQuotas) -> None:
    it = limiter(clock, quotas, settings={"rate_limit.search": "50"})
    for _ in range(5):
        it.wait("/search")
    assert clock.slept == 0


@pytest.mark.parametrize("text", ["0", "unlimited", " Unlimited "])
def test_a_setting_lifts_a_limit(clock: FakeClock, quotas: MemoryQuotas, text: str) -> None:
    limiter(clock, quotas, settings={"rate_limit.search": text}).wait("/search")
    assert quotas.taken == [("burst",)]


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5", "²"])
def test_a_setting_that_is_no_number_is_refused(
    clock: FakeClock, quotas: MemoryQuotas, text: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"rate_limit\.search of acme-main is '.*'\. It"):
        limiter(clock, quotas, settings={"rate_limit.search": text})


def test_a_429_stops_all_calls_for_as_long_as_it_asks(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    it = limiter(clock, quotas)
    assert it.heed("/things", {"retry-after": "30"}, limited=True) == 30
    limiter(clock, quotas).wait("/things")
    assert clock.slept == 30


def test_a_429_holds_back_calls_that_wait_for_their_turn_meanwhile() -> None:
    refused: list[RateLimiter] = []

    class Clock(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if refused:  # another thread hears of it while this one sleeps
                refused.pop().heed("/search", {"retry-after": "30"}, limited=True)

    clock = Clock()
    it = limiter(clock, MemoryQuotas(clock))
    for _ in range(5):
        it.wait("/search")
    before = clock.slept
    refused.append(it)
    it.wait("/search")
    assert 30 <= clock.slept - before < 31


def test_a_429_without_a_word_stops_for_the_shortest_window(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    it = limiter(clock, quotas)
    assert it.heed("/search", {}, limited=True) == 1
    assert it.heed("/things", {}, limited=True) == 10


def test_a_429_of_a_daily_limit_is_not_taken_for_the_whole_day(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    daily = spec.RateLimit(name="daily", calls=1000, seconds=86_400)
    assert limiter(clock, quotas, limits=[daily]).heed("/things", {}, limited=True) == 60


def test_the_last_call_left_is_noticed(clock: FakeClock, quotas: MemoryQuotas) -> None:
    it = limiter(clock, quotas)
    left = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"}
    assert it.heed("/things", left, limited=False) == 12
    it.wait("/things")
    assert clock.slept == 12


def test_an_answer_that_says_nothing_stops_nothing(clock: FakeClock, quotas: MemoryQuotas) -> None:
    it = limiter(clock, quotas)
    assert it.heed("/things", {"retry-after": "30"}, limited=False) is None
    it.wait("/things")
    assert clock.slept == 0


def test_what_would_take_too_long_is_not_waited_for(clock: FakeClock, quotas: MemoryQuotas) -> None:
    it = limiter(clock, quotas)
    it.heed("/things", {"retry-after": "3600"}, limited=True)
    with pytest.raises(RateLimited, match="goes on by itself in 60 minutes") as limited:
        it.wait("/things")
    assert limited.value.retry_after == 3600
    assert clock.slept == 0


def test_closing_wakes_whoever_waits() -> None:
    asleep = threading.Event()

    class Clock(SystemClock):
        def sleep(self, seconds: float) -> None:
            asleep.set()
            super().sleep(seconds)

    clock = Clock()
    it = RateLimiter("acme-main", LIMITS, MemoryQuotas(clock), clock)
    it.heed("/things", {"retry-after": "300"}, limited=True)
    raised: list[SyncPlatformError] = []

    def waiting() -> None:
        try:
            it.wait("/things")
        except SyncPlatformError as error:
            raised.append(error)

    thread = threading.Thread(target=waiting)
    thread.start()
    assert asleep.wait(10)
    it.close()
    thread.join(5)
    assert not thread.is_alive()
    assert "given up, because its sync ended" in str(raised[0])


def test_each_base_has_a_limit_of_its_own(clock: FakeClock, quotas: MemoryQuotas) -> None:
    per_base = spec.RateLimit(name="base", calls=5, seconds=1, path="/v0/{}/*")
    it = limiter(clock, quotas, limits=[per_base])
    it.wait("/v0/appONE/contacts")
    it.wait("/v0/appTWO/contacts")
    it.wait("/meta")
    assert clock.slept == 0
    assert quotas.taken == [("base:appONE",), ("base:appTWO",)]
    it.wait("/v0/appONE/deals")
    assert clock.slept > 0


def org(headers: Mapping[str, str]) -> spec.CallsLeft | None:
    used, _, of = headers.get("limit-info", "").partition("/")
    return spec.CallsLeft(left=float(of) - float(used), of=float(of)) if of else None


def test_what_the_vendor_says_is_left_counts_more_than_what_was_counted(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    daily = spec.RateLimit(name="daily", calls=1000, seconds=86_400, told=org)
    it = limiter(clock, quotas, limits=[daily])
    it.heed(
        "/things", {"limit-info": "1998/2000"}, limited=False
    )  # the customer's own programs call, too
    it.wait("/things")
    it.wait("/things")
    assert clock.slept == 0
    it.wait("/things")
    assert clock.slept == pytest.approx(86_400 / 2000)


def test_a_share_of_what_the_vendor_says_is_kept_for_urgent_calls(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    daily = spec.RateLimit(name="daily", calls=1000, seconds=86_400, told=org)
    it = limiter(clock, quotas, limits=[daily], reserve=0.1)
    it.heed("/things", {"limit-info": "1900/2000"}, limited=False)
    with pytest.raises(RateLimited):
        it.wait("/things")
    it.wait("/things", urgent=True)
    assert clock.slept == 0


def test_a_process_that_has_not_heard_how_many_calls_there_are_goes_by_what_another_heard(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    """A tenth of the declared limit would be more than all that the vendor sold."""
    daily = spec.RateLimit(name="daily", calls=100_000, seconds=86_400, told=org)
    before = limiter(clock, quotas, limits=[daily], reserve=0.1)
    before.heed("/things", {"limit-info": "100/5000"}, limited=False)
    limiter(clock, quotas, limits=[daily], reserve=0.1).wait("/things")
    assert clock.slept == 0
    before.heed("/things", {"limit-info": "4600/5000"}, limited=False)
    with pytest.raises(RateLimited):
        limiter(clock, quotas, limits=[daily], reserve=0.1).wait("/things")


def test_a_penalty_is_waited_for_where_a_429_does_not_say_how_long(
    clock: FakeClock, quotas: MemoryQuotas
) -> None:
    strict = spec.RateLimit(name="base", calls=5, seconds=1, penalty=30)
    it = limiter(clock, quotas, limits=[strict])
    assert it.heed("/things", {}, limited=True) == 30
    it.wait("/things")
    assert clock.slept == 30
