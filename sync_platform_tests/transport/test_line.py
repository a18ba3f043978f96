import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.errors import SyncPlatformError, VendorUnavailable
from sync_platform.transport.api import HttpApi
from sync_platform.transport.clock import SystemClock
from sync_platform_tests.transport.conftest import Open
from sync_platform_tests.transport.wire import Wire, drip, hang


def in_a_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[SyncPlatformError]]:
    raised: list[SyncPlatformError] = []

    def run() -> None:
        try:
            call()
        except SyncPlatformError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


@pytest.mark.parametrize("answering", [hang, drip])
def test_closing_ends_a_call_that_waits_for_its_answer(
    api: HttpApi, wire: Wire, answering: Any
) -> None:
    wire.do(answering)
    thread, raised = in_a_thread(lambda: api.get("/things"))
    assert wire.arrived.wait(10)
    api.close()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(raised[0], VendorUnavailable)
    assert len(wire.heard) == 1


def test_a_person_need_not_wait_for_the_vendor(api: HttpApi, wire: Wire) -> None:
    def interrupt() -> None:
        wire.arrived.wait(10)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    wire.do(hang)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    person = threading.Thread(target=interrupt)
    person.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            api.get("/things")
    finally:
        person.join()
        signal.signal(signal.SIGINT, before)
    assert not wire.go_on.is_set()
    assert api.get("/things") == {}


def test_closing_ends_a_wait_between_tries(open_api: Open, wire: Wire) -> None:
    asleep = threading.Event()

    class Clock(SystemClock):
        def sleep(self, seconds: float) -> None:
            asleep.set()
            super().sleep(seconds)

    wire.say({}, 503, {"Retry-After": "300"})
    api = open_api(clock=Clock())
    thread, raised = in_a_thread(lambda: api.get("/things"))
    assert asleep.wait(10)
    api.close()
    thread.join(5)
    assert not thread.is_alive()
    assert "given up, because the sync of acme-main ended" in str(raised[0])


def test_a_closed_api_calls_nobody(api: HttpApi, wire: Wire) -> None:
    api.get("/things")
    api.close()
    api.close()
    with pytest.raises(VendorUnavailable, match="because its sync ended"):
        api.get("/things")
    assert len(wire.heard) == 1


def test_cookies_are_not_kept(api: HttpApi, wire: Wire) -> None:
    wire.say({}, headers={"Set-Cookie": "session=of-another; Path=/"})
    api.get("/things")
    api.get("/things")
    assert "Cookie" not in wire.heard[1].headers


def test_threads_may_share_an_api(api: HttpApi, wire: Wire) -> None:
    calls = [in_a_thread(lambda: api.send(spec.get("/things"), spec.Read())) for _ in range(8)]
    for thread, raised in calls:
        thread.join(10)
        assert raised == []
    assert (api.usage.calls, api.usage.pages) == (8, 8)
