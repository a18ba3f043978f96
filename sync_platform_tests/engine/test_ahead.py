"""Reading ahead: a thread that is never left behind and never keeps an error to itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sync_platform.engine.extract import PAGES_AHEAD, ahead
from sync_platform.errors import NeedsReauth, StoreUnavailable, VendorUnavailable
from sync_platform.spec import Page

PATIENCE = 10.0  # seconds that a test waits for what must come


def page(id: int) -> Page:
    return Page(rows=[{"id": id}])


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "reader"]


def nothing() -> None:
    """No heartbeat; nothing to wake."""


def test_pages_arrive_in_their_order() -> None:
    def pages() -> Iterator[Page]:
        yield from (page(id) for id in range(20))

    with ahead(pages, beat=nothing, stop=nothing) as arriving:
        assert [it.rows[0]["id"] for it in arriving] == list(range(20))
    assert readers() == []


def test_a_few_pages_are_read_ahead_and_no_more() -> None:
    begun: list[int] = []
    enough, too_many = threading.Event(), threading.Event()

    def pages() -> Iterator[Page]:
        for id in range(20):
            begun.append(id)
            if len(begun) == PAGES_AHEAD + 2:
                enough.set()
            if len(begun) > PAGES_AHEAD + 2:
                too_many.set()
            yield page(id)

    with ahead(pages, beat=nothing, stop=nothing) as arriving:
        next(arriving)
        assert enough.wait(PATIENCE)  # one is taken, some wait, one stands before the full queue
        assert not too_many.wait(0.05)
        for _ in arriving:
            pass
    assert len(begun) == 20


def test_a_page_is_given_once_the_call_for_the_next_one_is_sent() -> None:
    calls: list[Callable[[], None]] = []
    said: list[str] = []

    @contextmanager
    def telling(sent: Callable[[], None]) -> Iterator[None]:
        calls.append(sent)
        yield
        calls.remove(sent)

    def pages() -> Iterator[Page]:
        for id in range(3):
            said.append(f"asks for {id}")
            calls[0]()
            yield page(id)

    with ahead(pages, beat=nothing, stop=nothing, telling=telling) as arriving:
        next(arriving)
        assert said[:2] == ["asks for 0", "asks for 1"]
        assert [it.rows[0]["id"] for it in arriving] == [1, 2]
    assert calls == []


def test_what_the_reader_raises_reaches_the_caller_after_the_pages_before_it() -> None:
    def pages() -> Iterator[Page]:
        yield page(1)
        raise NeedsReauth

    arrived: list[int] = []

    def load() -> None:
        with ahead(pages, beat=nothing, stop=nothing) as arriving:
            arrived.extend(it.rows[0]["id"] for it in arriving)

    with pytest.raises(NeedsReauth):
        load()
    assert arrived == [1]
    assert readers() == []


def test_a_bug_in_the_reader_reaches_the_caller_too() -> None:
    def pages() -> Iterator[Page]:
        yield page(1 // 0)

    with pytest.raises(ZeroDivisionError), ahead(pages, beat=nothing, stop=nothing) as arriving:
        next(arriving)
    assert readers() == []


def test_the_reader_ends_when_the_loader_raises_while_the_queue_is_full() -> None:
    full = threading.Event()

    def pages() -> Iterator[Page]:
        for id in range(1_000_000):
            if id == PAGES_AHEAD + 1:
                full.set()
            yield page(id)

    def load() -> None:
        with ahead(pages, beat=nothing, stop=nothing) as arriving:
            next(arriving)
            assert full.wait(PATIENCE)
            raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        load()
    assert readers() == []


def test_the_reader_is_woken_from_a_call_when_the_loader_raises() -> None:
    waiting, closed = threading.Event(), threading.Event()
    woken: list[bool] = []

    def pages() -> Iterator[Page]:
        yield page(1)
        waiting.set()
        woken.append(closed.wait(PATIENCE))
        raise VendorUnavailable  # what a closed client does; nobody hears of it

    def load() -> None:
        with ahead(pages, beat=nothing, stop=closed.set) as arriving:
            next(arriving)
            assert waiting.wait(PATIENCE)
            raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        load()
    assert woken == [True]
    assert readers() == []


def test_nothing_is_stopped_that_ends_by_itself() -> None:
    stopped = threading.Event()
    with ahead(lambda: iter([page(1)]), beat=nothing, stop=stopped.set) as arriving:
        assert len(list(arriving)) == 1
    assert not stopped.is_set()


def test_a_silent_reader_gives_the_caller_time_for_a_heartbeat() -> None:
    beaten = threading.Event()

    def pages() -> Iterator[Page]:
        assert beaten.wait(PATIENCE)
        yield page(1)

    with ahead(pages, beat=beaten.set, stop=nothing, beat_seconds=0.01) as arriving:
        assert len(list(arriving)) == 1
