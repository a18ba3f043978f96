from dataclasses import asdict
from typing import Any

import orjson
import pytest

from sync_platform import spec


def test_a_single_page_has_no_next() -> None:
    assert spec.single_page({"next": "x"}, [1], None) is None


def test_a_cursor_is_sent_back_as_a_param_until_it_is_gone() -> None:
    pages = spec.cursor_pages("after", found_at="paging.next.after")
    body = {"paging": {"next": {"after": "7"}}}
    assert pages(body, [1], None) == spec.NextPage(params={"after": "7"})
    lasts: list[Any] = [{}, {"paging": None}, {"paging": {"next": {"after": ""}}}, []]
    for last in lasts:
        assert pages(last, [1], None) is None


def test_a_cursor_may_go_into_the_body() -> None:
    pages = spec.cursor_pages("start_cursor", found_at="next_cursor", in_json=True)
    assert pages({"next_cursor": "x"}, [1], None) == spec.NextPage(json={"start_cursor": "x"})


def test_a_keyset_goes_on_after_the_last_key() -> None:
    pages = spec.keyset_pages("id", limit=2)
    assert pages({}, [{"id": 1}, {"id": 2}], None) == spec.NextPage(after="2")
    assert pages({}, [{"id": 3}], None) is None
    assert pages({}, [], None) is None


def test_a_keyset_without_a_limit_ends_with_an_empty_page() -> None:
    pages = spec.keyset_pages("ids.main")
    assert pages({}, [{"ids": {"main": 3}}], None) == spec.NextPage(after="3")
    assert pages({}, [], None) is None


def test_offsets_count_what_was_read() -> None:
    pages = spec.offset_pages("skip", limit=2)
    second = pages({}, [1, 2], None)
    assert second == spec.NextPage(params={"skip": 2}, resumable=False)
    third = pages({}, [3, 4], second)
    assert third == spec.NextPage(params={"skip": 4}, resumable=False)
    assert pages({}, [5], third) is None


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
