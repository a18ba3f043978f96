"""How one object is read: page after page, rows and gone keys."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest

from sync_platform.engine import extract
from sync_platform.errors import IncompleteRead, UnexpectedResponse
from sync_platform.spec import (
    Answer,
    Api,
    Bulk,
    Changes,
    Json,
    NextPage,
    Page,
    Read,
    Request,
    Unreadable,
    cursor_pages,
    get,
    header_pages,
    keyset_pages,
    linked_pages,
    moment,
    offset_pages,
    post,
)
from sync_platform_tests.engine.stage import DELETES, SmallVendor, contacts
from sync_platform_tests.memory import MemoryApi


def vendor_of(count: int) -> SmallVendor:
    vendor = SmallVendor()
    for id in range(1, count + 1):
        vendor.put(id, -id)
    return vendor


def scripted(*answers: Json) -> MemoryApi:
    """An api that gives these answers, one after the other."""
    left = list(answers)
    return MemoryApi(lambda request, asked: left.pop(0))


def ids(pages: Iterator[Page]) -> list[list[Any]]:
    return [[row["id"] for row in page.rows] for page in pages]


def test_records_come_page_by_page_until_the_vendor_has_no_more() -> None:
    api = MemoryApi(vendor_of(5).answer)
    assert ids(extract.rows(contacts(), api, Read())) == [[1, 2], [3, 4], [5], []]


def test_a_page_is_read_only_when_it_is_wanted() -> None:
    api = MemoryApi(vendor_of(5).answer)
    pages = extract.rows(contacts(), api, Read())
    next(pages)
    assert len(api.requests) == 1


def test_a_read_goes_on_where_the_page_before_said() -> None:
    api = MemoryApi(vendor_of(5).answer)
    first = next(extract.rows(contacts(), api, Read()))
    assert ids(extract.rows(contacts(), api, Read(resume=first.resume))) == [[3, 4], [5], []]


def test_the_last_page_says_that_nothing_follows() -> None:
    pages = list(extract.rows(contacts(), MemoryApi(vendor_of(3).answer), Read()))
    assert [page.resume is None for page in pages] == [False, False, True]


def test_records_become_rows_as_the_object_says() -> None:
    obj = contacts(row=lambda record: {"id": record["id"], "name": record["name"].upper()})
    [page, _] = extract.rows(obj, MemoryApi(vendor_of(1).answer), Read())
    assert page.rows == [{"id": 1, "name": "CONTACT 1"}]


def test_a_coded_read_gives_its_own_pages() -> None:
    def coded(api: Api, read: Read) -> Iterator[Page]:
        yield Page(rows=api.get("/all")["results"], gone=[(9,)], resume="further")

    api = scripted({"results": [{"id": 1}]})
    [page] = extract.rows(contacts(read=coded), api, Read())
    assert page == Page(rows=[{"id": 1}], gone=[(9,)], resume="further")


def test_an_object_that_cannot_see_deletes_makes_no_call_for_gone_keys() -> None:
    api = MemoryApi(vendor_of(1).answer)
    assert list(extract.gone(contacts(), api, Read())) == []
    assert api.requests == []


def test_gone_keys_are_made_of_the_rows_key_fields() -> None:
    obj = contacts(key=("name", "id"), deletes=DELETES)
    api = scripted({"results": [{"id": 1, "name": "a", "more": 0}, {"id": 2}]}, {"results": []})
    pages = list(extract.gone(obj, api, Read()))
    assert pages[0].gone == [("a", 1), (None, 2)]
    assert pages[0].rows == ()


def test_coded_deletes_give_their_own_pages() -> None:
    def coded(api: Api, read: Read) -> Iterator[Page]:
        yield Page(gone=[(7,)])

    obj = contacts(deletes=coded)
    assert list(extract.gone(obj, scripted(), Read())) == [Page(gone=[(7,)])]


@pytest.mark.parametrize("answer", [{}, {"results": None}, {"results": {}}, [], None, "error"])
def test_an_answer_without_a_list_is_not_taken_for_an_empty_one(answer: Json) -> None:
    with pytest.raises(UnexpectedResponse, match="GET /contacts holds no list at 'results'"):
        list(extract.rows(contacts(), scripted(answer), Read()))


def test_the_whole_answer_may_be_the_list() -> None:
    obj = contacts(read=get("/contacts"))
    assert ids(extract.rows(obj, scripted([{"id": 1}]), Read())) == [[1]]
    with pytest.raises(UnexpectedResponse, match="as the whole answer"):
        list(extract.rows(obj, scripted({"id": 1}), Read()))


def test_a_paginator_that_repeats_itself_is_an_incomplete_read() -> None:
    read = get("/contacts", records="results", pages=cursor_pages("page", found_at="next"))
    answer = {"results": [{"id": 1}], "next": "same"}
    pages = extract.rows(contacts(read=read), scripted(answer, answer), Read())
    assert next(pages).rows == [{"id": 1}]
    with pytest.raises(IncompleteRead, match="same next page twice"):
        next(pages)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_vendor_that_leads_in_a_circle_is_an_incomplete_read(resumed: bool) -> None:
    read = get("/contacts", records="results", pages=cursor_pages("page", found_at="next"))
    leads = {None: "a", "a": "b", "b": "c", "c": "d", "d": "b"}

    def circling(request: Request, asked: object) -> Json:
        assert isinstance(request.params, dict)
        return {"results": [{"id": 1}], "next": leads[request.params.get("page")]}

    api = MemoryApi(circling)
    pages = extract.rows(contacts(read=read), api, Read())
    if resumed:
        for page in (next(pages), next(pages)):
            resume = page.resume
        pages = extract.rows(contacts(read=read), api, Read(resume=resume))
    with pytest.raises(IncompleteRead, match="GET /contacts gave the same next page twice"):
        list(islice(pages, 20))


def test_keyset_paging_tells_the_request_the_last_key() -> None:
    def params(read: Read) -> dict[str, Any]:
        return {"above": read.after}

    read = get("/contacts", params=params, records="results", pages=keyset_pages("id"))
    api = MemoryApi(vendor_of(3).answer)
    list(extract.rows(contacts(read=read), api, Read()))
    assert [request.params for request in api.requests] == [
        {"above": None},
        {"above": "2"},
        {"above": "3"},
    ]


def test_offset_paging_gives_no_resume_point_because_offsets_move_when_records_go() -> None:
    read = get("/contacts", records="results", pages=offset_pages("skip", limit=2))
    answers = [[1, 2], [2, 3], [3]]
    api = scripted(*({"results": [{"id": id} for id in ids]} for ids in answers))
    pages = list(extract.rows(contacts(read=read), api, Read()))
    assert [page.resume for page in pages] == [None, None, None]
    assert [request.params for request in api.requests] == [{}, {"skip": 1}, {"skip": 2}]


def test_counted_pages_of_gone_keys_are_read_as_those_of_rows() -> None:
    deletes = get("/gone", records="results", pages=offset_pages("skip", limit=2))
    answers = [[1, 2], [2, 3], [3]]
    api = scripted(*({"results": [{"id": id} for id in ids]} for ids in answers))
    pages = list(extract.gone(contacts(deletes=deletes), api, Read()))
    assert [page.gone for page in pages] == [[(1,), (2,)], [(3,)], []]


def following(request: Request, asked: NextPage | None, read: Read = Read()) -> Request:  # noqa: B008
    return extract.following(request, read, asked)


def test_csv_must_have_the_columns_of_the_key() -> None:
    def columns(**slots: Any) -> Any:
        api = scripted([])
        read = get("/contacts", answers="csv", columns=slots.pop("columns", ()))
        list(extract.rows(contacts(read=read, key=("id", "part"), **slots), api, Read()))
        return api.requests[0].columns

    assert columns() == ("id", "part")
    assert columns(row=lambda record: {"id": record["Id"]}) == ()
    assert columns(row=lambda record: {"id": record["Id"]}, columns=["Id"]) == ["Id"]


def test_late_values_of_a_request_are_filled_in() -> None:
    request = post("/search", params=lambda read: {"f": read.fields}, json=lambda read: read.after)
    made = following(request, None, Read(fields=("a",), after="7"))
    assert (made.params, made.json) == ({"f": ("a",)}, "7")


def test_a_next_page_changes_only_what_it_says() -> None:
    request = post("/search", params={"limit": 2, "page": 1}, json={"sort": "id", "after": None})
    made = following(request, NextPage(params={"page": 2}, json={"after": "x"}))
    assert made.params == {"limit": 2, "page": 2}
    assert made.json == {"sort": "id", "after": "x"}


def test_a_whole_address_takes_the_place_of_path_and_parameters() -> None:
    link = "https://api.example.com/contacts?page=2"
    made = following(get("/contacts", params={"limit": 2}), NextPage(url=link))
    assert (made.path, made.params) == (link, {})


def test_linked_pages_are_followed_to_the_end() -> None:
    read = get("/contacts", records="results", pages=linked_pages("next"))
    api = scripted({"results": [{"id": 1}], "next": "/b"}, {"results": [{"id": 2}]})
    assert ids(extract.rows(contacts(read=read), api, Read())) == [[1], [2]]
    assert [request.path for request in api.requests] == ["/contacts", "/b"]


def test_headers_lead_from_page_to_page() -> None:
    left = [Answer([{"id": 1}], {"x-next": "b"}), Answer([{"id": 2}], {})]
    api = MemoryApi(lambda request, asked: left.pop(0))
    read = get("/contacts", pages=header_pages("X-Next", param="page"))
    assert ids(extract.rows(contacts(read=read), api, Read())) == [[1], [2]]
    assert api.requests[1].params == {"page": "b"}


STRANGE = [None, 7, "x", [["id", 9]], []]


def test_what_is_no_record_goes_on_as_such() -> None:
    obj = contacts(read=get("/contacts"))
    (page,) = extract.rows(obj, scripted([{"id": 1}, *STRANGE]), Read())
    first, *others = page.rows
    assert first == {"id": 1}
    assert [it.record for it in others if isinstance(it, Unreadable)] == STRANGE


def test_what_a_function_gives_as_rows_is_looked_at_too() -> None:
    given = [Page(rows=[{"id": 1}, *STRANGE])]  # type: ignore[list-item]
    feed = Changes(read=lambda api, read: iter(given), remembers=timedelta(days=1))
    bulk = Bulk(read=lambda api, read: iter(given), count=lambda api, read: 1, above=0)
    obj = contacts(read=lambda api, read: iter(given), changes=feed, bulk=bulk)
    for reader in (extract.rows, extract.changes, extract.bulk):
        (page,) = reader(obj, scripted(), Read())
        assert [it.record for it in page.rows if isinstance(it, Unreadable)] == STRANGE


def test_an_error_of_ours_still_ends_the_read() -> None:
    def row(record: Json) -> Json:
        raise IncompleteRead

    with pytest.raises(IncompleteRead):
        next(extract.rows(contacts(row=row, read=get("/contacts")), scripted([{}]), Read()))


@pytest.mark.parametrize(
    ("told", "alive", "gone"),
    [
        ([(1, "gone"), (1, "back")], ["back"], []),
        ([(1, "here"), (1, "gone")], ["here"], [1]),
        ([(1, "gone"), (1, "back"), (1, "gone")], ["back"], [1]),
        ([(1, "here"), (1, "gone"), (1, "back")], ["here", "back"], []),
        ([(1, "gone"), (2, "here"), (3, "gone")], ["here"], [1, 3]),
        ([([1], "gone"), ([1], "here")], ["here"], [[1]]),  # no keys: they are rejected later on
    ],
)
def test_of_rows_of_one_key_the_last_says_whether_it_is_gone(
    told: list[tuple[Any, str]], alive: list[str], gone: list[Any]
) -> None:
    records = [{"id": id, "status": status} for id, status in told]
    obj = contacts(read=get("/contacts"), gone_when=lambda row: row["status"] == "gone")
    (page,) = extract.rows(obj, scripted(records), Read())
    assert [row["status"] for row in page.rows] == alive
    assert page.gone == [(key,) for key in gone]


def test_a_record_that_cannot_be_read_is_there_also_where_it_was_gone_before() -> None:
    records = [{"id": 1, "status": "gone", "name": "a"}, {"id": 1, "status": "back"}]
    obj = contacts(
        read=get("/contacts"),
        row=lambda record: {**record, "name": record["name"]},
        gone_when=lambda row: row["status"] == "gone",
    )
    (page,) = extract.rows(obj, scripted(records), Read())
    assert (len(page.rows), page.gone) == (1, [])


def test_rows_that_say_that_they_are_gone_become_keys_and_move_the_cursor() -> None:
    records = [
        {"id": 1, "updated": "2026-01-01T00:00:00Z", "status": "OPEN"},
        {"id": 2, "updated": "2026-01-02T00:00:00Z", "status": "DELETED"},
    ]
    obj = contacts(
        read=get("/contacts", records=""), gone_when=lambda row: row["status"] == "DELETED"
    )
    (page,) = extract.rows(obj, scripted(records), Read())
    assert ([row["id"] for row in page.rows], page.gone) == ([1], [(2,)])
    assert page.reached == moment("2026-01-02T00:00:00Z")
