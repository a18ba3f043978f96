"""Vendors that do not heed the page: such a read ends, and nothing is marked as deleted."""

import random
from collections.abc import Callable, Iterable
from itertools import count as count_from
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.engine import extract
from sync_platform.engine.counted import MOST_REMEMBERED
from sync_platform.errors import IncompleteRead
from sync_platform.spec import (
    ConnectorObject,
    CountedPages,
    Field,
    Json,
    Read,
    get,
    numbered_pages,
    offset_pages,
)
from sync_platform_tests.engine.moving_list import MovingList
from sync_platform_tests.engine.stage import Stage, at
from sync_platform_tests.memory import MemoryApi

Ids = Iterable[int | None]


class Paged:
    """A vendor that gives `ids_of` a page, counted from 0; it refuses to be asked for ever."""

    def __init__(
        self,
        pages: CountedPages,
        ids_of: Callable[[int], Ids],
        *,
        total: int | None = None,
        side_by_side: int = 1,
    ) -> None:
        self.pages, self.ids_of, self.total = pages, ids_of, total
        self.most = 1000
        self.asked: list[int] = []
        self.obj = ConnectorObject(
            name="contacts",
            fields=[Field("id", "integer")],
            read=get("/contacts", records="results", pages=pages),
            side_by_side=side_by_side,
        )

    def answer(self, request: Any, asked: object) -> Json:
        number = int(request.params.get(self.pages.param, self.pages.first))
        self.asked.append((number - self.pages.first) // self.pages.stride)
        assert len(self.asked) <= self.most, "it would be asked for ever"
        found: Json = {"results": [{"id": id} for id in self.ids_of(self.asked[-1])]}
        return found if self.total is None else found | {"total": self.total}

    def read(self) -> list[int]:
        """The ids, as they come."""
        pages = extract.rows(self.obj, MemoryApi(self.answer), Read())
        return [row["id"] for page in pages for row in page.rows]

    def is_refused(self) -> None:
        """And nothing is marked by a full sync of what was there before."""
        stage = Stage()
        stage.clock.set(at(-60))
        stage.obj = ConnectorObject(
            name="contacts", fields=self.obj.fields, read=get("/contacts", records="results")
        )
        there = [{"id": id} for id in range(self.total or 10)]
        stage.answer = lambda *call: {"results": there}
        stage.full()
        stage.clock.set(at(0))
        stage.obj, stage.answer = self.obj, self.answer
        with pytest.raises(IncompleteRead, match="Nothing was marked as deleted"):
            stage.full()
        assert set(range(self.total or 10)) <= set(stage.ids)


by_number, by_limit = numbered_pages(), numbered_pages(limit=100)


@pytest.mark.parametrize("side_by_side", [1, 3])
@pytest.mark.parametrize(
    "pages", [by_number, numbered_pages(limit=1), offset_pages("skip", limit=1)]
)
@pytest.mark.parametrize("around", [1, 2, 3, 7])
def test_pages_of_one_record_that_come_again_are_an_incomplete_read(
    around: int, pages: CountedPages, side_by_side: int
) -> None:
    vendor = Paged(pages, lambda page: [page % around], side_by_side=side_by_side)
    vendor.most = 30
    vendor.is_refused()


@pytest.mark.parametrize("count", [201, 202])
def test_a_last_page_that_is_given_again_past_the_end_is_an_incomplete_read(count: int) -> None:
    vendor = Paged(by_number, lambda page: range(count)[min(page, 2) * 100 :][:100])
    vendor.most = 10
    vendor.is_refused()


@pytest.mark.parametrize("total", [2, 3, 5])
@pytest.mark.parametrize("by", [numbered_pages, lambda **of: offset_pages("skip", **of)])
def test_one_record_again_up_to_the_total_is_an_incomplete_read(
    by: Callable[..., CountedPages], total: int
) -> None:
    Paged(by(limit=1, total="total"), lambda page: [0], total=total).is_refused()


def test_a_record_that_is_listed_on_two_pages_of_one_is_read() -> None:
    vendor = Paged(by_number, lambda page: [[5], [5], [6], [6], [7], []][page])
    assert vendor.read() == [5, 5, 6, 6, 7]
    assert vendor.asked == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("side_by_side", [1, 4])
@pytest.mark.parametrize("total", [190, 200, 350, None])
@pytest.mark.parametrize("overlap", [None, 0, 1])
@pytest.mark.parametrize("edits", ["within the page", "anywhere"])
def test_the_first_page_again_with_the_last_edited_first_is_an_incomplete_read(
    edits: str, overlap: int | None, total: int | None, side_by_side: int
) -> None:
    told = None if total is None else "total"
    pages = numbered_pages(limit=100, total=told)
    if overlap is not None:
        pages = offset_pages("skip", limit=100, overlap=overlap, total=told)
    ids, rng = list(range(total or 190)), random.Random(1)

    def heedless(page: int) -> Ids:
        edited = rng.randrange(100 if edits == "within the page" else len(ids))
        ids.insert(0, ids.pop(edited))
        return ids[:100]

    Paged(pages, heedless, total=total, side_by_side=side_by_side).is_refused()


@pytest.mark.parametrize("seed", range(20))
def test_a_page_that_was_asked_for_long_before_it_is_compared_is_an_incomplete_read(
    seed: int,
) -> None:
    """Side by side, calls may lie between, with edits of a fifth of the page before each."""
    ids, rng = list(range(47)), random.Random(seed)

    def heedless(page: int) -> Ids:
        for _ in range(2):
            ids.insert(0, ids.pop(rng.randrange(47)))
        return ids[:10]

    Paged(numbered_pages(limit=10, total="total"), heedless, total=47, side_by_side=4).is_refused()


def test_a_circle_of_pages_whose_records_move_a_little_is_an_incomplete_read() -> None:
    ids, rng = list(range(400)), random.Random(1)

    def heedless(page: int) -> Ids:
        ids.insert(0, ids.pop(rng.randrange(400)))
        return ids[page % 3 * 100 :][:100]

    Paged(numbered_pages(limit=100, total="total"), heedless, total=400).is_refused()


@pytest.mark.parametrize("limit", [3, None])
@pytest.mark.parametrize("total", [6, None])
def test_the_same_records_in_another_order_are_an_incomplete_read(
    total: int | None, limit: int | None
) -> None:
    rng = random.Random(1)
    pages = numbered_pages(limit=limit, total="total" if total and limit else None)
    Paged(pages, lambda page: rng.sample(range(3), 3), total=total).is_refused()


@pytest.mark.parametrize(
    ("count", "limit"), [(3, 1), (100, 1), (50, 5), (1000, 100), (2 * MOST_REMEMBERED, 2_000)]
)
def test_a_vendor_that_gives_any_records_is_not_asked_for_ever(count: int, limit: int) -> None:
    """Also where they are more than are remembered."""
    rng = random.Random(1)
    vendor = Paged(numbered_pages(limit=limit), lambda page: rng.sample(range(count), limit))
    vendor.most = 4000
    with pytest.raises(IncompleteRead):
        vendor.read()


def test_a_vendor_that_gives_two_pages_by_turns_is_not_asked_for_ever() -> None:
    """Whatever it is asked for, so that a page is another when it is asked for again."""
    turns = count_from()
    vendor = Paged(by_number, lambda page: [next(turns) % 2])
    vendor.most = 100
    vendor.is_refused()


@pytest.mark.parametrize("around", [1, 3, 20])
@pytest.mark.parametrize("start", [90, 100, 400])
def test_a_circle_after_more_records_than_are_remembered_is_an_incomplete_read(
    start: int, around: int
) -> None:
    """Also of records that are not in the sample: it is begun anew."""
    many = MOST_REMEMBERED // 60

    def ids_of(page: int) -> range:
        number = page if page < start else start + page % around
        return range(number * many, (number + 1) * many)

    vendor = Paged(by_number, ids_of)
    vendor.most = 6 * start
    vendor.is_refused()


def test_a_long_list_is_read_whole_where_a_sample_is_remembered() -> None:
    all_of_them = range(8 * MOST_REMEMBERED)
    vendor = Paged(numbered_pages(limit=112), lambda page: all_of_them[page * 112 :][:112])
    assert vendor.read() == list(all_of_them)
    assert vendor.asked == list(range(len(all_of_them) // 112 + 1))


def test_pages_of_records_without_keys_are_not_asked_for_for_ever() -> None:
    Paged(by_limit, lambda page: [None] * 100).is_refused()


def test_records_without_keys_on_many_pages_hide_no_other_where_the_end_is_told() -> None:
    pages = numbered_pages(limit=1, total="total")
    vendor = Paged(pages, lambda page: [None] if page < 40 else [page], total=50)
    assert vendor.read() == [None] * 40 + list(range(40, 50))


@pytest.mark.parametrize("gives", [6, 8, 40])
def test_a_vendor_that_gives_larger_pages_than_declared_is_read(gives: int) -> None:
    """It heeds the place, so what it gives twice is no circle."""
    vendor = Paged(offset_pages("skip", limit=4), lambda page: range(50)[page * 3 :][:gives])
    assert sorted(set(vendor.read())) == list(range(50))


@pytest.mark.parametrize("overlap", [0, 1])
def test_records_that_are_edited_while_they_are_read_are_no_circle(overlap: int) -> None:
    """In a list by the last edit, whole pages at its end were read before."""
    vendor = MovingList(1000, limit=10)
    edited = list(range(300))

    def edit(start: int) -> None:
        again = [edited.pop(0) for _ in range(3) if start and edited]
        vendor.ids = [id for id in vendor.ids if id not in again] + again

    vendor.before = edit
    obj = vendor.described(overlap=overlap)
    pages = extract.rows(obj, MemoryApi(vendor.answer), Read())
    read = [row["id"] for page in pages for row in page.rows]
    assert len(read) > len(set(read))
    assert not overlap or set(range(1000)) <= set(read)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_records_that_come_before_the_place_are_no_circle(limit: int) -> None:
    vendor = MovingList(40, limit=limit, by="page")
    new = count_from(100)
    left = list(range(30))

    def come(start: int) -> None:
        if start and left:
            left.pop()
            vendor.ids[:0] = [next(new) for _ in range(limit if len(left) % 3 else 0)]

    vendor.before = come
    pages = extract.rows(vendor.described(), MemoryApi(vendor.answer), Read())
    read = {row["id"] for page in pages for row in page.rows}
    assert set(range(40)) <= read


@pytest.mark.parametrize("side_by_side", [1, 4])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    count=st.integers(0, 40),
    limit=st.integers(1, 4),
    tells_total=st.booleans(),
    coming=st.lists(st.lists(st.integers(0, 99), max_size=4), max_size=20),
)
def test_with_page_numbers_nothing_is_hidden_or_refused_when_records_come(
    side_by_side: int, count: int, limit: int, tells_total: bool, coming: list[list[int]]
) -> None:
    vendor = MovingList(count, limit=limit, by="page")
    vendor.tells_total = tells_total
    left, new = list(coming), count_from(1000)

    def come(start: int) -> None:
        with vendor.changed:
            for where in left.pop(0) if left else []:
                vendor.ids.insert(where % (len(vendor.ids) + 1), next(new))

    vendor.before = come
    obj = vendor.described(side_by_side=side_by_side)
    pages = extract.rows(obj, MemoryApi(vendor.answer), Read())
    assert set(range(count)) <= {row["id"] for page in pages for row in page.rows}
