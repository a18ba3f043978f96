"""Pages read side by side over real HTTP: refusals slow all, an error ends all."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sync_platform import spec
from sync_platform.engine import extract
from sync_platform.errors import NotPermitted
from sync_platform.transport.clock import SystemClock
from sync_platform.transport.throttle import RateLimiter
from sync_platform_tests.fakes import FakeClock, MemoryQuotas
from sync_platform_tests.transport.conftest import Open, acme
from sync_platform_tests.transport.wire import Handler, Wire, hang

LIMIT, PAGES = 10, 20
THINGS = spec.ConnectorObject(
    name="things",
    fields=[spec.Field("id", "integer")],
    read=spec.get("/things", pages=spec.offset_pages("skip", limit=LIMIT), records="results"),
    side_by_side=4,
)
EVERYTHING = list(range(1 + PAGES * (LIMIT - 1)))


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [it for it in threading.enumerate() if it.name.startswith("reader")] == []


def start_of(handler: Handler) -> int:
    return int(parse_qs(urlsplit(handler.path).query).get("skip", ["0"])[0])


def listing(handler: Handler) -> None:
    """The page that was asked for."""
    start = start_of(handler)
    ids = EVERYTHING[start : start + LIMIT]
    body = ",".join(f'{{"id":{id}}}' for id in ids)
    handler.answer(200, b'{"results":[%s]}' % body.encode(), {})


def ids(pages: Iterator[spec.Page]) -> list[Any]:
    return [row["id"] for page in pages for row in page.rows]


def test_pages_come_in_order_over_as_many_connections_as_declared(
    open_api: Open, wire: Wire
) -> None:
    wire.do(listing, times=100)
    api = open_api()
    assert ids(extract.rows(THINGS, api, spec.Read())) == EVERYTHING
    assert 1 < wire.connections <= 4
    assert api.usage.calls == api.usage.pages == len(wire.heard)


def test_a_429_amid_them_slows_all_and_loses_none(
    open_api: Open, wire: Wire, clock: FakeClock, quotas: MemoryQuotas
) -> None:
    refused = threading.Event()

    def once_refused(handler: Handler) -> None:
        if start_of(handler) == 63 and not refused.is_set():
            refused.set()
            handler.answer(429, b"{}", {"Retry-After": "7"})
        else:
            listing(handler)

    wire.do(once_refused, times=100)
    api = open_api()
    assert ids(extract.rows(THINGS, api, spec.Read())) == EVERYTHING
    assert clock.slept >= 7
    assert api.usage.calls == len(wire.heard) == api.usage.pages + 1
    assert len(quotas.taken) == api.usage.calls  # every one of them was counted


def test_an_error_amid_them_ends_those_that_wait_for_their_answer(
    open_api: Open, wire: Wire
) -> None:
    def forbidden(handler: Handler) -> None:
        start = start_of(handler)
        if start < 63:
            listing(handler)
        elif start == 63:
            handler.answer(403, b"{}", {})
        else:
            hang(handler)

    wire.do(forbidden, times=100)
    arrived: list[int] = []

    def read() -> None:
        for page in extract.rows(THINGS, open_api(), spec.Read()):
            arrived.extend(row["id"] for row in page.rows)

    with pytest.raises(NotPermitted):
        read()
    assert arrived == EVERYTHING[:64]
    assert len(wire.heard) <= 8 + 3


def test_the_pace_is_that_of_one_reader(open_api: Open, wire: Wire) -> None:
    """Ten calls in half a second, one of them at once: twenty-one take a second."""
    wire.do(listing, times=100)
    slow = replace(acme, limits=[spec.RateLimit(name="burst", calls=10, seconds=0.5)])
    clock = SystemClock()
    limiter = RateLimiter("acme-main", slow.limits, MemoryQuotas(clock), clock)
    began = monotonic()
    api = open_api(slow, clock=clock, limiter=limiter)
    assert ids(extract.rows(THINGS, api, spec.Read())) == EVERYTHING
    assert len(wire.heard) >= PAGES
    assert monotonic() - began >= 0.9
