"""Counted pages of a list that lives on: nothing that was there all the while is missed."""

from collections.abc import Callable
from itertools import count as count_from
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.engine import extract
from sync_platform.errors import IncompleteRead
from sync_platform.spec import ConnectorObject, Read
from sync_platform_tests.engine.moving_list import MovingList
from sync_platform_tests.engine.stage import Stage, at
from sync_platform_tests.memory import MemoryApi


def read(vendor: MovingList, obj: ConnectorObject | None = None) -> list[int]:
    """The ids, as they come."""
    pages = extract.rows(obj or vendor.described(), MemoryApi(vendor.answer), Read())
    return [row["id"] for page in pages for row in page.rows]


def once_at(start: int, happens: Callable[[], Any]) -> Callable[[int], None]:
    """Let something happen right before the first call for this place."""
    left = [happens]

    def before(place: int) -> None:
        if place == start and left:
            left.pop()()

    return before


def test_every_offset_begins_with_the_last_record_of_the_page_before() -> None:
    vendor = MovingList(7, limit=3)
    assert read(vendor) == [0, 1, 2, 3, 4, 5, 6]
    assert vendor.asked == [0, 2, 4, 6]


def test_a_last_page_that_is_full_is_known_by_the_total() -> None:
    vendor = MovingList(7, limit=3)
    vendor.tells_total = True
    assert read(vendor) == [0, 1, 2, 3, 4, 5, 6]
    assert vendor.asked == [0, 2, 4]


@pytest.mark.parametrize(
    ("count", "asked"), [(0, [0]), (1, [0]), (4, [0]), (5, [0, 4]), (8, [0, 4])]
)
def test_no_page_past_the_total_is_asked_for(count: int, asked: list[int]) -> None:
    vendor = MovingList(count, limit=4, by="page")
    vendor.tells_total = True
    assert read(vendor) == list(range(count))
    assert vendor.asked == asked


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (3, 1), (4, 2), (9, 3)])
def test_without_a_total_a_page_that_is_not_full_is_the_last(count: int, calls: int) -> None:
    vendor = MovingList(count, limit=4, by="page")
    assert read(vendor) == list(range(count))
    assert len(vendor.asked) == calls


def test_a_record_that_goes_while_offsets_are_read_hides_no_other() -> None:
    vendor = MovingList(10, limit=4)
    vendor.before = once_at(3, lambda: vendor.ids.remove(1))
    assert read(vendor) == list(range(10))
    assert vendor.asked == [0, 3, 0, 6]


def test_records_that_come_meanwhile_are_no_reason_to_read_again() -> None:
    vendor = MovingList(10, limit=4)
    vendor.before = once_at(3, lambda: vendor.ids.insert(0, -1))
    assert read(vendor) == list(range(10))
    assert vendor.asked == [0, 3, 6, 9]


def test_where_whole_pages_have_gone_as_many_are_read_again() -> None:
    vendor = MovingList(40, limit=4)
    vendor.before = once_at(15, lambda: vendor.ids.__delitem__(slice(1, 10)))
    assert read(vendor) == list(range(40))


def test_a_list_that_ends_before_the_place_asked_for_is_read_to_its_new_end() -> None:
    vendor = MovingList(10, limit=4)
    vendor.before = once_at(9, lambda: vendor.ids.__delitem__(slice(0, 5)))
    assert read(vendor) == list(range(10))


def test_a_total_that_has_fallen_means_to_read_the_page_before_again() -> None:
    vendor = MovingList(10, limit=4, by="page")
    vendor.tells_total = True
    vendor.before = once_at(4, lambda: vendor.ids.remove(1))
    assert sorted(set(read(vendor))) == list(range(10))
    assert vendor.asked == [0, 4, 0, 8]


def test_a_total_that_fell_by_pages_means_to_read_as_many_again() -> None:
    vendor = MovingList(40, limit=4, by="page")
    vendor.tells_total = True
    vendor.before = once_at(20, lambda: vendor.ids.__delitem__(slice(1, 10)))
    assert sorted(set(read(vendor))) == list(range(40))


def test_a_vendor_that_tells_less_than_its_total_is_an_incomplete_read() -> None:
    """Many end a listing after 10,000 records, whatever there is."""
    vendor = MovingList(40, limit=4, by="page")
    vendor.tells_total = True

    def capped(request: Any, asked: object) -> Any:
        answer = vendor.answer(request, asked)
        return answer if vendor.asked[-1] < 20 else answer | {"results": []}

    pages = extract.rows(vendor.described(), MemoryApi(capped), Read())
    with pytest.raises(IncompleteRead, match=r"there are 40, but ended its list after 20\. .* may"):
        list(pages)


@pytest.mark.parametrize("side_by_side", [1, 4])
@pytest.mark.parametrize("overlap", [0, 1])
@pytest.mark.parametrize("shown", [200, 201, 249])
def test_a_list_that_ends_within_its_last_page_by_the_total_is_an_incomplete_read(
    shown: int, overlap: int, side_by_side: int
) -> None:
    vendor = MovingList(shown, limit=100)
    vendor.tells_total = True
    obj = vendor.described(side_by_side=side_by_side, overlap=overlap)
    api = MemoryApi(lambda *call: vendor.answer(*call) | {"total": 250})
    says = f"says there are 250, but ended its list after {shown}"
    with pytest.raises(IncompleteRead, match=says):
        list(extract.rows(obj, api, Read()))


@pytest.mark.parametrize("by", ["offset", "page"])
def test_a_single_page_with_less_than_its_total_is_an_incomplete_read(
    by: Literal["offset", "page"],
) -> None:
    vendor = MovingList(0, limit=100, by=by)
    vendor.tells_total = True
    api = MemoryApi(lambda *call: vendor.answer(*call) | {"total": 1})
    with pytest.raises(IncompleteRead, match="there are 1, but ended its list after 0"):
        list(extract.rows(vendor.described(), api, Read()))


@pytest.mark.parametrize("side_by_side", [1, 4])
@pytest.mark.parametrize(("by", "overlap"), [("page", 0), ("offset", 0), ("offset", 1)])
def test_a_vendor_that_caps_its_pages_below_the_limit_is_an_incomplete_read(
    by: Literal["offset", "page"], overlap: int, side_by_side: int
) -> None:
    """Asked for pages of 100 it gives pages of 80, and the third would look like the last."""
    vendor = MovingList(250, limit=100, by=by)
    vendor.tells_total = True
    obj = vendor.described(side_by_side=side_by_side, overlap=overlap)
    vendor.limit = 80
    with pytest.raises(IncompleteRead, match=r"gave 80 on page 1, .* `limit` .* declared \(100\)"):
        read(vendor, obj)


@pytest.mark.parametrize("by", ["offset", "page"])
def test_a_page_that_was_listed_before_its_total_was_counted_is_asked_for_again(
    by: Literal["offset", "page"],
) -> None:
    vendor = MovingList(6, limit=4, by=by)
    vendor.tells_total = True
    late = [1, 0]

    def counted_later(*call: Any) -> Any:
        answer = vendor.answer(*call)
        return answer | {"total": answer["total"] + (late.pop(0) if late else 0)}

    late.insert(0, 0)  # of the first page
    pages = extract.rows(vendor.described(), MemoryApi(counted_later), Read())
    assert [row["id"] for page in pages for row in page.rows] == list(range(6))
    assert len(vendor.asked) == 3


def test_a_full_sync_marks_nothing_where_the_total_tells_of_more_than_was_read() -> None:
    stage, vendor = Stage(), MovingList(250, limit=100)
    vendor.tells_total = True
    stage.obj, stage.answer = vendor.described(), vendor.answer
    stage.clock.set(at(-60))
    stage.full()
    stage.clock.set(at(0))
    stage.answer = lambda *call: vendor.answer(*call) | {"total": 250}
    del vendor.ids[200:]
    with pytest.raises(IncompleteRead):
        stage.full()
    assert stage.ids == list(range(250))


def test_records_in_no_order_are_an_incomplete_read() -> None:
    vendor = MovingList(1000, limit=4)

    def shuffle(start: int) -> None:
        half = len(vendor.ids) // 2
        vendor.ids = vendor.ids[half:] + vendor.ids[:half]

    vendor.before = shuffle
    with pytest.raises(IncompleteRead, match="no steady order"):
        read(vendor)


def test_pages_that_hold_less_than_declared_are_an_incomplete_read_where_a_total_tells() -> None:
    vendor = MovingList(40, limit=4)
    vendor.tells_total = True
    obj = vendor.described()
    vendor.limit = 2
    with pytest.raises(IncompleteRead, match="fewer than the `limit` that is declared"):
        read(vendor, obj)


def test_records_without_a_key_join_too() -> None:
    """They are put aside when they are loaded, which is no reason not to read the others."""
    answers = [[{"id": 1}, {"id": None}], [{"id": None}, {"id": [2]}], [{"id": [2]}]]
    api = MemoryApi(lambda request, asked: {"results": answers.pop(0)})
    pages = extract.rows(MovingList(3, limit=2).described(), api, Read())
    assert [len(page.rows) for page in pages] == [2, 2, 1]


def test_a_full_sync_does_not_mark_what_a_shift_would_have_hidden() -> None:
    stage, vendor = Stage(), MovingList(10, limit=4)
    stage.obj, stage.answer = vendor.described(), vendor.answer
    stage.clock.set(at(-60))
    stage.full()
    stage.clock.set(at(0))
    vendor.before = once_at(3, lambda: vendor.ids.remove(1))
    stage.full()
    assert stage.ids == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # 1 was told before it went
    stage.clock.set(at(60))
    stage.full()
    assert stage.ids == vendor.ids


moves = st.lists(
    st.tuples(st.sampled_from(["nothing", "insert", "delete"]), st.integers(0, 99)), max_size=4
)


@pytest.mark.parametrize("side_by_side", [1, 4])
@pytest.mark.parametrize("tells_total", [False, True])
@pytest.mark.parametrize(("by", "overlap"), [("page", 0), ("offset", 0), ("offset", 1)])
@pytest.mark.parametrize("around", [1, 2, 3, 5])
def test_a_vendor_that_does_not_heed_the_page_is_an_incomplete_read(
    around: int,
    by: Literal["offset", "page"],
    overlap: int,
    tells_total: bool,
    side_by_side: int,
) -> None:
    """It gives the first page again, or begins the list anew after a few."""
    vendor = MovingList(1000, limit=10, by=by)
    vendor.tells_total = tells_total
    obj = vendor.described(side_by_side=side_by_side, overlap=overlap)
    stride = 10 - (overlap if by == "offset" else 0)

    def heedless(request: Any, asked: object) -> Any:
        params, name, first = request.params, *(("skip", 0) if by == "offset" else ("page", 1))
        page = (int(params.get(name, first)) - first) // (stride if by == "offset" else 1)
        assert len(vendor.asked) < 60, "it would read for ever"
        start = page % around
        again = {name: first + start * (stride if by == "offset" else 1)} if start else {}
        return vendor.answer(request.with_(params=again), asked)

    # Where pages overlap, one that begins anew joins none before it, unless it is the same.
    with pytest.raises(IncompleteRead, match=r"same records on page|do not join"):
        list(extract.rows(obj, MemoryApi(heedless), Read()))


def test_a_list_of_which_as_much_came_as_a_page_holds_is_read_on() -> None:
    vendor = MovingList(40, limit=4, by="page")
    came = range(100, 104)
    vendor.before = once_at(8, lambda: vendor.ids.__setitem__(slice(0, 0), came))
    assert sorted(set(read(vendor)) - set(came)) == list(range(40))
    assert vendor.asked[:5] == [0, 4, 8, 4, 12]


def test_pages_of_records_without_keys_are_not_taken_for_the_same() -> None:
    vendor = MovingList(8, limit=2, by="page")

    def keyless(request: Any, asked: object) -> Any:
        answer = vendor.answer(request, asked)
        return {"results": [{"id": None} for _ in answer["results"]]}

    pages = list(extract.rows(vendor.described(), MemoryApi(keyless), Read()))
    assert sum(len(page.rows) for page in pages) == 8


@pytest.mark.parametrize("side_by_side", [1, 4])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    count=st.integers(0, 40),
    limit=st.integers(2, 6),
    tells_total=st.booleans(),
    moving=st.lists(moves, max_size=20),
)
def test_what_was_there_all_the_while_is_told_whatever_comes_and_goes(
    side_by_side: int,
    count: int,
    limit: int,
    tells_total: bool,
    moving: list[list[tuple[str, int]]],
) -> None:
    vendor = MovingList(count, limit=limit)
    vendor.tells_total = tells_total
    throughout, left, new = set(vendor.ids), list(moving), count_from(1000)

    def move(start: int) -> None:
        with vendor.changed:
            for kind, where in left.pop(0) if left else []:
                if kind == "insert":  # no id comes twice: a list holds a record once
                    vendor.ids.insert(where % (len(vendor.ids) + 1), next(new))
                elif kind == "delete" and vendor.ids:
                    throughout.discard(vendor.ids.pop(where % len(vendor.ids)))

    vendor.before = move
    assert throughout <= set(read(vendor, vendor.described(side_by_side=side_by_side)))
    assert vendor.most_under_way <= side_by_side


@pytest.mark.parametrize("side_by_side", [1, 4])
@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    count=st.integers(0, 40),
    limit=st.integers(1, 6),
    going=st.lists(st.lists(st.integers(0, 99), max_size=4), max_size=20),
)
def test_with_a_total_page_numbers_hide_nothing_when_records_go(
    side_by_side: int, count: int, limit: int, going: list[list[int]]
) -> None:
    vendor = MovingList(count, limit=limit, by="page")
    vendor.tells_total = True
    throughout, left = set(vendor.ids), list(going)

    def go(start: int) -> None:
        with vendor.changed:
            for where in left.pop(0) if left else []:
                if vendor.ids:
                    throughout.discard(vendor.ids.pop(where % len(vendor.ids)))

    vendor.before = go
    assert throughout <= set(read(vendor, vendor.described(side_by_side=side_by_side)))
