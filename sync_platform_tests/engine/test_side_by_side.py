"""Pages read side by side: as many calls as declared, their pages in order, and no thread left."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sync_platform.engine import extract
from sync_platform.engine.modes import SyncMode
from sync_platform.errors import NeedsReauth, RateLimited, StoreUnavailable, VendorUnavailable
from sync_platform.spec import Page, Read
from sync_platform_tests.engine.moving_list import PATIENCE, MovingList
from sync_platform_tests.engine.stage import Stage, at
from sync_platform_tests.memory import MemoryApi


def readers() -> list[threading.Thread]:
    return [it for it in threading.enumerate() if it.name.startswith("reader")]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert readers() == []


def ids(pages: Iterator[Page]) -> list[int]:
    return [row["id"] for page in pages for row in page.rows]


def paged(count: int, *, limit: int = 10, total: bool = True) -> MovingList:
    vendor = MovingList(count, limit=limit, by="page")
    vendor.tells_total = total
    return vendor


def read(vendor: MovingList, side_by_side: int) -> Iterator[Page]:
    obj = vendor.described(side_by_side=side_by_side)
    return extract.rows(obj, MemoryApi(vendor.answer), Read())


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("side_by_side", [2, 5])
def test_pages_come_in_order_whichever_is_answered_first(total: bool, side_by_side: int) -> None:
    vendor = paged(197, total=total)

    def the_later_the_sooner(start: int) -> None:
        """The answer to every other page waits until the page behind it was asked for."""
        if start % 20 == 10 and start < 180:
            vendor.wait_for(start // 10 + 2)

    vendor.before = the_later_the_sooner
    assert ids(read(vendor, side_by_side)) == list(range(197))
    assert vendor.most_under_way <= side_by_side


def test_as_many_calls_as_declared_are_under_way_and_no_more() -> None:
    vendor = paged(300)
    vendor.before = lambda start: vendor.wait_for(9) if start == 10 else None
    assert ids(read(vendor, 8)) == list(range(300))
    assert vendor.most_under_way <= 8
    assert len(vendor.asked) == 30


def test_nothing_is_read_further_ahead_than_that() -> None:
    vendor = paged(300)
    pages = read(vendor, 4)
    assert len(ids(iter([next(pages), next(pages)]))) == 20
    vendor.wait_for(1 + 4)
    assert len(vendor.asked) == 1 + 4  # one is taken of four
    assert len(ids(pages)) == 280


def test_a_single_page_takes_a_single_call_and_no_thread() -> None:
    vendor = paged(7, total=False)
    pages = read(vendor, 8)
    next(pages)
    assert readers() == []
    assert list(pages) == []
    assert vendor.asked == [0]


@pytest.mark.parametrize("count", [10, 35, 199])
def test_without_a_total_calls_in_vain_are_fewer_than_those_under_way(count: int) -> None:
    vendor = paged(count, total=False)
    assert ids(read(vendor, 4)) == list(range(count))
    assert len(vendor.asked) - (count // 10 + 1) <= min(3, count // 10 + 1)


def test_pages_that_come_while_others_are_read_are_read_too() -> None:
    vendor = paged(20)
    vendor.before = lambda start: vendor.ids.extend(range(20, 35)) if start == 10 else None
    assert ids(read(vendor, 4)) == list(range(35))


def test_an_error_ends_the_read_after_the_pages_before_it() -> None:
    vendor = paged(200)
    api = MemoryApi(vendor.answer)

    def fail(start: int) -> None:
        if start == 70:
            raise NeedsReauth
        if start > 70:
            assert api.closed.wait(PATIENCE)  # as calls that wait for a rate limit do

    vendor.before = fail
    arrived: list[int] = []

    def load() -> None:
        for page in extract.rows(vendor.described(side_by_side=5), api, Read()):
            arrived.extend(row["id"] for row in page.rows)

    with pytest.raises(NeedsReauth):
        load()
    assert arrived == list(range(70))
    assert max(vendor.asked) <= 70 + 5 * 10
    assert readers() == []


def test_a_reader_that_is_left_ends_its_calls_first() -> None:
    vendor = paged(200)
    pages = read(vendor, 4)
    next(pages)
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert readers() == []
    assert vendor.under_way == 0


def test_calls_under_way_are_woken_when_the_loader_raises() -> None:
    vendor = paged(200)
    api = MemoryApi(vendor.answer)

    def wait(start: int) -> None:
        if start > 0:
            assert api.closed.wait(PATIENCE)

    vendor.before = wait

    def load() -> None:
        obj = vendor.described(side_by_side=4)
        with extract.ahead(
            lambda: extract.rows(obj, api, Read()), beat=lambda: None, stop=api.close
        ) as pages:
            next(pages)
            vendor.wait_for(1 + 4)
            raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        load()
    assert readers() == []


@pytest.mark.parametrize("error", [RateLimited, VendorUnavailable])
def test_an_interrupted_read_starts_over(error: Any) -> None:
    stage, vendor = Stage(), paged(200)
    stage.obj, stage.answer = vendor.described(side_by_side=4), vendor.answer

    def fail(start: int) -> None:
        if start == 120:
            raise error

    vendor.before = fail
    with pytest.raises(error):
        stage.full()
    assert stage.ids == list(range(120))
    vendor.before = lambda start: None
    vendor.asked.clear()
    stage.full()
    assert sorted(vendor.asked) == list(range(0, 200, 10))
    assert stage.ids == list(range(200))
    assert not stage.last.resumed


def test_a_read_that_starts_over_marks_what_went_since_it_was_interrupted() -> None:
    stage, vendor = Stage(), paged(200)
    stage.obj, stage.answer = vendor.described(side_by_side=4), vendor.answer

    def fail(start: int) -> None:
        if start == 120:
            raise VendorUnavailable

    vendor.before = fail
    with pytest.raises(VendorUnavailable):
        stage.full()
    vendor.before = lambda start: None
    stage.clock.set(at(60))
    vendor.ids.remove(5)
    assert stage.full().counts.deleted == 1
    assert 5 not in stage.ids


def test_a_sync_counts_what_was_called_side_by_side() -> None:
    stage, vendor = Stage(), MovingList(200, limit=11)
    vendor.tells_total = True
    stage.obj, stage.answer = vendor.described(side_by_side=4), vendor.answer
    result = stage.sync(SyncMode.FULL)
    assert result.counts.fetched == result.counts.created == 200
    assert result.usage.calls == len(vendor.asked) == 20
