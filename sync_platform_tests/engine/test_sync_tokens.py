"""Vendors that refuse, forget or never gave the resume point of an interrupted sync."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.errors import IncompleteRead, UnexpectedResponse
from sync_platform.spec import Api, Page, Read, cursor_pages, get
from sync_platform_tests.engine.stage import Stage, interrupt


def tokens(stage: Stage) -> dict[str, int]:
    """Page by tokens that the vendor may forget; gives the tokens it knows."""
    known: dict[str, int] = {}
    asked: list[object] = []

    def answer(request: object, read: object) -> object:
        params = request.params  # type: ignore[attr-defined]
        asked.append(params.get("page"))
        stage.vendor.before(len(asked))
        if "page" in params and params["page"] not in known:
            raise UnexpectedResponse("HubSpot answered 400 to contacts.")
        start = known[params["page"]] if "page" in params else 0
        records = [stage.vendor.records[id] for id in sorted(stage.vendor.records)]
        known[f"from {start + stage.vendor.limit}"] = start + stage.vendor.limit
        token = (
            f"from {start + stage.vendor.limit}"
            if start + stage.vendor.limit < len(records)
            else None
        )
        return {"results": records[start : start + stage.vendor.limit], "next": token}

    stage.answer = answer
    pages = cursor_pages("page", found_at="next")
    stage.asking(read=get("/contacts", records="results", pages=pages))
    return known


def test_a_vendor_that_refuses_the_resume_token_is_read_from_the_start(stage: Stage) -> None:
    known = tokens(stage)
    del stage.vendor.records[3]
    interrupt(stage)
    known.clear()
    result = stage.full()
    assert stage.ids == [1, 2, 4, 5, 6]
    assert result.counts.fetched == 5
    assert "The vendor no longer knows the resume point; reading again." in stage.told


def test_a_vendor_that_refuses_the_first_call_too_fails_the_sync(stage: Stage) -> None:
    tokens(stage)
    interrupt(stage)

    def broken(request: object, read: object) -> object:
        raise UnexpectedResponse("HubSpot answered 400 to contacts.")

    stage.answer = broken
    with pytest.raises(UnexpectedResponse):
        stage.full()
    assert stage.ids == [1, 2, 3, 4, 5, 6]


def test_a_refusal_in_the_middle_of_a_read_is_not_taken_for_a_forgotten_token(
    stage: Stage,
) -> None:
    known = tokens(stage)
    interrupt(stage, at_call=2)
    stage.vendor.before = lambda call: known.clear() if call == 4 else None
    with pytest.raises(UnexpectedResponse):
        stage.full()
    assert "The vendor no longer knows the resume point; reading again." not in stage.told


def test_a_read_that_repeated_itself_is_not_gone_on_from_at_the_place_where_it_did(
    stage: Stage,
) -> None:
    tokens(stage)
    honest, broken = stage.answer, {"results": [stage.vendor.records[1]], "next": "same"}
    stage.answer = lambda request, read: broken
    with pytest.raises(IncompleteRead):
        stage.full()
    # The snapshot behind that token stays broken; a new one is not.
    stage.answer = lambda request, read: broken if request.params else honest(request, read)
    stage.vendor.limit = 99
    stage.full()
    assert stage.ids == [1, 2, 3, 4, 5, 6]


def test_a_coded_read_is_given_its_own_resume_point_back(stage: Stage) -> None:
    given = []

    def coded(api: Api, read: Read) -> Iterator[Page]:
        given.append(read.resume)
        records = [stage.vendor.records[id] for id in sorted(stage.vendor.records)]
        for start in range(read.resume or 0, len(records), 2):
            stage.vendor.before(start)
            yield Page(
                rows=records[start : start + stage.vendor.limit], resume=start + stage.vendor.limit
            )

    stage.asking(read=coded)
    interrupt(stage, at_call=4)
    stage.full()
    assert given == [None, 4]
    assert stage.ids == [1, 2, 3, 4, 5, 6]


def test_a_full_read_without_resume_points_does_not_take_the_place_of_incremental_ones(
    stage: Stage,
) -> None:
    def coded(api: Api, read: Read) -> Iterator[Page]:
        for id in sorted(stage.vendor.records):
            stage.vendor.before(id)
            yield Page(rows=[stage.vendor.records[id]])

    stage.obj = replace(stage.obj, read=coded)
    stage.incremental()
    interrupt(stage, at_call=4)
    assert stage.incremental().mode is SyncMode.INCREMENTAL


def test_a_coded_read_without_resume_points_is_read_from_the_start(stage: Stage) -> None:
    def coded(api: Api, read: Read) -> Iterator[Page]:
        for id in sorted(stage.vendor.records):
            stage.vendor.before(id)
            yield Page(rows=[stage.vendor.records[id]])

    stage.obj = replace(stage.obj, read=coded)
    interrupt(stage, at_call=4)
    result = stage.full()
    assert result.counts.fetched == 6
    assert stage.ids == [1, 2, 3, 4, 5, 6]
