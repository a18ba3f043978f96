import math
from dataclasses import asdict
from typing import Any

import orjson
import pytest

from sync_platform import spec
from sync_platform.errors import IncompleteRead
from sync_platform.transport.answers import decoded


def test_a_single_page_has_no_next() -> None:
    assert spec.single_page({"next": "x"}, [1], None) is None


def test_a_cursor_is_sent_back_as_a_param_until_it_is_gone() -> None:
    pages = spec.cursor_pages("after", found_at="paging.next.after")
    body = {"paging": {"next": {"after": "7"}}}
    assert pages(body, [1], None) == spec.NextPage(params={"after": "7"})
    lasts: list[Any] = [{}, {"paging": None}, {"paging": {"next": {"after": ""}}}, []]
    for last in lasts:
        assert pages(last, [1], None) is None


def test_an_answer_that_says_that_there_is_more_and_not_where_is_an_incomplete_read() -> None:
    pages = spec.cursor_pages("cursor", found_at="next", more="has_more")
    assert pages({"has_more": True, "next": "x"}, [1], None) == spec.NextPage(
        params={"cursor": "x"}
    )
    assert pages({"has_more": False, "next": "x"}, [1], None) is None
    assert pages({"next": "x"}, [1], None) == spec.NextPage(params={"cursor": "x"})
    assert pages({}, [1], None) is None
    with pytest.raises(IncompleteRead, match="says that there is more, and not where"):
        pages({"has_more": True, "next": None}, [1], None)


def test_a_cursor_may_go_into_the_body() -> None:
    pages = spec.cursor_pages("start_cursor", found_at="next_cursor", in_json=True)
    assert pages({"next_cursor": "x"}, [1], None) == spec.NextPage(json={"start_cursor": "x"})


def test_a_keyset_goes_on_after_the_last_key() -> None:
    pages = spec.keyset_pages("id", limit=2)
    assert pages({}, [{"id": 1}, {"id": 2}], None) == spec.NextPage(after="2")
    assert pages({}, [{"id": 3}], None) is None
    assert pages({}, [], None) is None


@pytest.mark.parametrize("key", ["1.5", "-0.25", "1234567890123456789.5", "9" * 400, '"a"'])
def test_a_keyset_goes_on_after_a_key_of_any_number_or_text(key: str) -> None:
    records = decoded(b'[{"id": %s}]' % key.encode())
    assert spec.keyset_pages("id")({}, records, None) == spec.NextPage(after=key.strip('"'))


@pytest.mark.parametrize(
    "strange",
    [None, {}, {"id": None}, {"id": [2]}, [2], {"id": True}, {"id": ""}, {"id": math.nan}],
)
def test_a_keyset_goes_on_after_the_last_key_that_is_one(strange: object) -> None:
    pages = spec.keyset_pages("id")
    assert pages({}, [{"id": 1}, {"id": 2}, strange], None) == spec.NextPage(after="2")


def test_a_page_without_any_usable_key_does_not_end_a_keyset_as_if_all_were_read() -> None:
    pages = spec.keyset_pages("id")
    with pytest.raises(IncompleteRead, match="nobody knows where the next page begins"):
        pages({}, [{"id": None}, {}], spec.NextPage(after="2"))


def test_a_keyset_without_a_limit_ends_with_an_empty_page() -> None:
    pages = spec.keyset_pages("ids.main")
    assert pages({}, [{"ids": {"main": 3}}], None) == spec.NextPage(after="3")
    assert pages({}, [], None) is None


TELLING = spec.keyset_pages("id", limit=2, more="paging.next", total="total")
THERE_IS_MORE = {"paging": {"next": {"after": "2"}}}


@pytest.mark.parametrize("body", [THERE_IS_MORE, {"total": 5}, {"total": 2, **THERE_IS_MORE}])
def test_a_keyset_goes_on_after_a_short_page_where_the_answer_says_that_there_is_more(
    body: Any,
) -> None:
    assert TELLING(body, [{"id": 3}], None) == spec.NextPage(after="3")


@pytest.mark.parametrize("body", [THERE_IS_MORE, {"total": 5}, {"total": "5"}])
def test_an_empty_page_of_a_keyset_that_says_that_there_is_more_is_an_incomplete_read(
    body: Any,
) -> None:
    with pytest.raises(IncompleteRead, match="holds no records and says that there are more"):
        TELLING(body, [], None)


@pytest.mark.parametrize("body", [{"total": 2}, {"total": 2, "paging": None}, {"total": 0}])
def test_a_keyset_ends_with_a_full_page_where_the_answer_says_so(body: Any) -> None:
    assert TELLING(body, [{"id": 3}, {"id": 4}], None) is None
    pages = spec.keyset_pages("id", more="more")
    assert pages({"more": True}, [{"id": 3}], None) == spec.NextPage(after="3")
    assert pages({"more": False}, [{"id": 3}], None) is None


@pytest.mark.parametrize("body", [{}, {"total": None}, {"total": True}, {"total": 0.5}, [], None])
def test_a_keyset_whose_answer_says_nothing_goes_by_how_full_the_page_is(body: Any) -> None:
    assert TELLING(body, [{"id": 3}, {"id": 4}], None) == spec.NextPage(after="4")
    assert TELLING(body, [{"id": 3}], None) is None
    assert TELLING(body, [], None) is None


def test_offsets_count_what_was_read() -> None:
    pages = spec.offset_pages("skip", limit=2, overlap=0)
    second = pages({}, [1, 2], None)
    assert second == spec.NextPage(params={"skip": 2}, resumable=False)
    third = pages({}, [3, 4], second)
    assert third == spec.NextPage(params={"skip": 4}, resumable=False)
    assert pages({}, [5], third) is None


def test_a_page_by_offset_begins_with_the_last_record_of_the_page_before() -> None:
    pages = spec.offset_pages("skip", limit=3)
    second = pages({}, [1, 2, 3], None)
    assert second == spec.NextPage(params={"skip": 2}, resumable=False)
    assert pages({}, [3, 4, 5], second) == spec.NextPage(params={"skip": 4}, resumable=False)


def test_pages_of_one_record_have_none_in_common() -> None:
    pages = spec.offset_pages("skip", limit=1)
    assert pages.page_at(7) == spec.NextPage(params={"skip": 7}, resumable=False)


def test_counted_pages_can_be_asked_for_in_any_order() -> None:
    offsets, numbers = spec.offset_pages("skip", limit=100), spec.numbered_pages(limit=100)
    assert offsets.page_at(0) is None
    assert offsets.page_at(3) == spec.NextPage(params={"skip": 297}, resumable=False)
    assert numbers.page_at(3) == spec.NextPage(params={"page": 4}, resumable=False)


def test_a_count_may_go_into_the_body() -> None:
    pages = spec.offset_pages("from", limit=3, in_json=True)
    second = pages({}, [1, 2, 3], None)
    assert second == spec.NextPage(json={"from": 2}, resumable=False)
    assert pages({}, [3, 4, 5], second) == spec.NextPage(json={"from": 4}, resumable=False)


@pytest.mark.parametrize(
    ("total", "offsets", "numbers"),
    [(0, 1, 1), (1, 1, 1), (4, 1, 1), (5, 2, 2), (7, 2, 2), (8, 3, 2), (9, 3, 3), ("9", 3, 3)],
)
def test_a_total_tells_how_many_pages_there_are(total: Any, offsets: int, numbers: int) -> None:
    body = {"meta": {"total": total}}
    assert spec.offset_pages("skip", limit=4, total="meta.total").pages(body) == offsets
    assert spec.numbered_pages(limit=4, total="meta.total").pages(body) == numbers


@pytest.mark.parametrize("total", [None, "many", True, 1.5, {}])
def test_what_is_no_number_is_no_total(total: Any) -> None:
    assert spec.numbered_pages(limit=4, total="total").pages({"total": total}) is None


def test_where_a_total_is_told_it_says_which_page_is_the_last() -> None:
    pages = spec.numbered_pages(limit=2, total="total")
    assert pages({"total": 2}, [1, 2], None) is None
    assert pages({"total": 3}, [1], None) is not None  # not full, and not the last


@pytest.mark.parametrize(
    ("page", "total", "found", "lacks"),
    [
        (0, 250, 100, False),
        (0, 250, 99, True),
        (2, 250, 52, False),
        (2, 250, 51, True),
        (2, "250", 2, True),
        (2, 198, 0, False),
        (2, 150, 0, False),  # the list has shrunk
        (0, 0, 0, False),
        (0, 1, 0, True),
        (0, None, 0, False),
    ],
)
def test_a_page_lacks_what_its_own_total_says_it_holds(
    page: int, total: Any, found: int, lacks: bool
) -> None:
    pages = spec.offset_pages("skip", limit=100, total="total")
    assert pages.lacks(page, {"total": total}, found) is lacks


def test_without_a_total_no_page_lacks_anything() -> None:
    assert not spec.numbered_pages(limit=100).lacks(0, {"total": 9}, 1)


def test_pages_are_numbered_from_the_first() -> None:
    pages = spec.numbered_pages("page", first=0, limit=2)
    second = pages({}, [1, 2], None)
    assert second == spec.NextPage(params={"page": 1}, resumable=False)
    assert pages({}, [3, 4], second) == spec.NextPage(params={"page": 2}, resumable=False)
    assert pages({}, [5], second) is None
    assert spec.numbered_pages()({}, [1], None) == spec.NextPage(
        params={"page": 2}, resumable=False
    )
    assert spec.numbered_pages()({}, [], None) is None


def test_links_are_followed_until_there_is_none() -> None:
    pages = spec.linked_pages("links.next")
    url = "https://acme.test/things?page=2"
    assert pages({"links": {"next": url}}, [1], None) == spec.NextPage(url=url)
    assert pages({"links": {"next": None}}, [1], None) is None


@pytest.mark.parametrize(
    "next_page",
    [
        spec.NextPage(params={"after": "7"}),
        spec.NextPage(json={"cursor": {"a": [1]}}),
        spec.NextPage(after="7"),
        spec.NextPage(url="https://acme.test"),
    ],
)
def test_a_next_page_survives_being_kept_as_json(next_page: spec.NextPage) -> None:
    assert spec.NextPage(**orjson.loads(orjson.dumps(asdict(next_page)))) == next_page


def test_the_params_of_a_link_are_read() -> None:
    assert spec.params_of("/things?after=a%20b&limit=2") == {"after": "a b", "limit": "2"}
    assert spec.params_of("/things") == {}


@pytest.mark.parametrize(
    ("dotted", "found"),
    [("a.b", 1), ("a", {"b": 1}), ("", {"a": {"b": 1}}), ("a.x", None), ("a.b.c", None)],
)
def test_at_looks_along_a_dotted_path(dotted: str, found: Any) -> None:
    assert spec.at({"a": {"b": 1}}, dotted) == found


def test_a_header_may_tell_of_the_next_page() -> None:
    pages = spec.header_pages("Sforce-Locator", param="locator", ends=["null"])
    assert pages.after({"sforce-locator": "MTAw"}) == spec.NextPage(params={"locator": "MTAw"})
    assert pages.after({"sforce-locator": "null"}) is None
    assert pages.after({}) is None


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ('<https://a.test/p?page=2>; rel="next"', "https://a.test/p?page=2"),
        ('<https://a.test/1>; rel="prev", <https://a.test/3>; rel="next"', "https://a.test/3"),
        ('<https://a.test/9>; title="x"; rel="last next"', "https://a.test/9"),
        ('<https://a.test/1>; rel="prev"', None),
        ('<https://a.test/1>; rel="nextish"', None),
        ("", None),
    ],
)
def test_the_link_header_holds_an_address(header: str, url: str | None) -> None:
    coming = spec.link_header_pages().after({"link": header})
    assert (coming.url if coming else None) == url
