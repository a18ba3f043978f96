"""What every connector is held to: the vendor's limits."""

from contextlib import suppress
from datetime import timedelta

from sync_platform.errors import RateLimited
from sync_platform_tests.contract.conformance.behaviours import behaviour
from sync_platform_tests.contract.conformance.stage import HOUR, Stage


@behaviour("Limits")
def told_to_wait(on: Stage) -> None:
    """A rate limit, in the vendor's own form, is waited for."""
    on.synced()
    on.change(creates=1)
    on.vendor.fail(kind="status", status=429, retry_after=0, times=2, path=on.it.reads)
    on.full()
    assert on.differences == []


@behaviour("Limits", needs="limited", timed=True)
def within_the_limits(on: Stage) -> None:
    """With the declared rate limits the vendor never has to refuse a call."""
    on.connect()
    # So many that on each page some record has each field: else a sync asks for the fields while it
    # reads on, and on this clock the waits of both add up, so that calls come later than allowed.
    on.change(creates=on.it.page + 30)
    on.full()
    on.clock.sleep(2 * HOUR.total_seconds())  # what is read anew from here on is little
    on.change(creates=30)
    for _ in range(5):
        on.incremental()
    limits = on.platform.connector(on.it.connector).limits
    on.check(times=10 + max((it.calls for it in limits if it.seconds <= 60), default=0))
    assert on.refusals == 0
    assert on.differences == []


@behaviour("Limits", needs="others_call", timed=True)
def told_what_is_left(on: Stage) -> None:
    """Told that few calls are left, because others call, too, it waits or stops before the vendor
    has to refuse one."""
    on.connect()
    on.change(creates=3)
    assert on.it.others_call is not None
    on.it.others_call(on.vendor)
    for _ in range(5):
        with suppress(RateLimited):
            on.full()
    assert on.refusals == 0
    on.clock.sleep(timedelta(days=1).total_seconds())
    on.full()
    assert on.differences == []
