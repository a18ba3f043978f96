"""The cursor of a full sync, which follows what it marks: the vendor tells what has gone only to
who asks from before that."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sync_platform.engine.fields import Found
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.errors import TooManyDeletes
from sync_platform.spec import Api, Field, Filter, Json, Page, Read, Request
from sync_platform_tests.engine.stage import (
    CONTACTS,
    DELETES,
    FIELDS,
    Stage,
    at,
    contacts,
    interrupt,
)
from sync_platform_tests.fakes import NOON


@pytest.fixture
def stage() -> Stage:
    """Six contacts, read in full an hour ago. What has gone is told to who asks since when."""
    stage = Stage()
    stage.asking(deletes=DELETES)
    honest = stage.vendor.answer

    def answer(request: Request, read: Any) -> Json:
        if request.path == "/gone" and read.since is None:
            return {"results": []}
        return honest(request, read)

    stage.answer = answer
    for id in range(1, 7):
        stage.vendor.put(id, -200 + id)
    stage.clock.set(at(-60))
    stage.full()
    stage.clock.set(NOON)
    return stage


def test_a_full_sync_saves_its_cursor_once_what_has_gone_is_marked(stage: Stage) -> None:
    stage.vendor.put(7, -10)
    del stage.vendor.records[1]
    marked: list[bool] = []
    stage.cursors.before_save = lambda cursor: marked.append(1 not in stage.ids)
    stage.full()
    assert marked == [True]
    assert stage.cursor == at(-10)


def test_what_a_refused_full_sync_did_not_mark_is_still_told_to_the_next_one(stage: Stage) -> None:
    stage.vendor.delete(1, -50)
    missing = {id: stage.vendor.records.pop(id) for id in (2, 3, 4)}
    stage.vendor.put(9, -1)
    before = stage.cursor
    with pytest.raises(TooManyDeletes):
        stage.full()
    assert stage.cursor == before
    stage.vendor.records |= missing
    stage.clock.set(at(30))
    stage.incremental()
    assert stage.ids == [2, 3, 4, 5, 6, 9]


def test_where_the_vendor_remembers_no_more_a_refused_full_sync_saves_its_cursor_all_the_same(
    stage: Stage,
) -> None:
    stage.asking(deletes=DELETES, deletes_remembered=timedelta(days=1))
    stage.clock.set(at(48 * 60))
    stage.vendor.put(9, 47 * 60)
    stage.vendor.records = {9: stage.vendor.records[9]}
    with pytest.raises(TooManyDeletes):
        stage.incremental()
    assert stage.cursor is not None
    assert stage.cursor >= at(46 * 60)


def test_so_does_one_that_was_owed_because_deletions_are_forgotten(stage: Stage) -> None:
    """Asked from the old cursor, the vendor would say again that it forgot them."""

    def forgotten(api: Api, read: Read) -> Iterator[Page]:
        yield Page(forgotten=read.since is not None)

    stage.asking(deletes=forgotten)
    stage.vendor.put(7, -30)
    stage.incremental()
    before = stage.cursor
    stage.vendor.records = {7: stage.vendor.records[7]}
    stage.vendor.put(9, 20)
    stage.clock.set(at(60))
    with pytest.raises(TooManyDeletes):
        stage.incremental()
    assert before is not None
    assert stage.cursor is not None
    assert stage.cursor > before


def test_what_has_gone_is_told_to_who_does_not_go_on_with_a_full_sync_killed_at_its_end(
    stage: Stage,
) -> None:
    stage.vendor.delete(1, -50)
    stage.vendor.put(9, -1)

    def killed() -> None:
        raise SystemExit

    stage.destination.before_reconcile = killed
    with pytest.raises(SystemExit):
        stage.full()
    stage.destination.before_reconcile = lambda: None
    stage.options["settings"] = {"rate_limit.calls": "7"}
    stage.clock.set(at(10))
    assert not stage.incremental().resumed
    assert stage.ids == [2, 3, 4, 5, 6, 9]


def test_an_object_without_a_cursor_is_read_once_more_after_an_interrupted_sync_is_ended() -> None:
    stage = Stage()
    stage.obj = contacts(cursor=None)
    for id in range(1, 7):
        stage.vendor.put(id, -100)
    stage.clock.set(at(-60))
    stage.full()
    stage.clock.set(NOON)
    interrupt(stage)
    stage.vendor.put(1, 5, "edited")
    stage.vendor.put(0, 5, "new")
    del stage.vendor.records[2]
    stage.clock.set(at(60))
    assert stage.full().resumed
    assert stage.ids == [0, 1, 3, 4, 5, 6]
    assert stage.table.live[("1",)]["name"] == "edited"


def test_so_is_one_whose_records_tell_no_moment() -> None:
    stage = Stage()
    for id in range(1, 7):
        stage.vendor.put(id, -100)
    honest = stage.vendor.answer

    def without_moments(request: Request, read: Any) -> Json:
        body = honest(request, read)
        return {"results": [each | {"updated": None} for each in body["results"]]}

    stage.answer = without_moments
    interrupt(stage, SyncMode.INCREMENTAL)
    stage.vendor.put(1, 5, "edited")
    stage.clock.set(at(60))
    stage.incremental()
    assert stage.table.live[("1",)]["name"] == "edited"


def test_deletes_that_were_accepted_hold_for_the_part_that_is_read_once_more() -> None:
    stage = Stage()
    stage.obj = contacts(cursor=None)
    for id in range(1, 7):
        stage.vendor.put(id, -100)
    stage.full()
    interrupt(stage)
    stage.vendor.records = {6: stage.vendor.records[6]}
    stage.clock.set(at(60))
    stage.full(accept_deletes=True)
    assert stage.ids == [6]


def test_another_field_of_the_same_name_is_read_from_the_beginning() -> None:
    stage = Stage()
    stage.asking(by_id=True)
    stage.fields = (*FIELDS, Field("hat", id="f1"))
    for id in range(1, 7):
        stage.vendor.put(id, -100)
        stage.vendor.records[id]["f1"] = "old"
    interrupt(stage)
    for record in stage.vendor.records.values():
        record["f2"] = "new"
        del record["f1"]
    stage.fields = (*FIELDS, Field("hat", id="f2"))
    assert not stage.full().resumed
    assert {row["hat"] for row in stage.table.live.values()} == {"new"}


def test_history_tells_what_a_second_attempt_reads(stage: Stage) -> None:
    """The first one went on with a full sync, the second, with other fields, does not."""
    hat = Field("hat")
    known, now = [[*FIELDS, hat]], [[*FIELDS, hat]]

    def find(api: object, anew: bool) -> Found:
        if anew:
            known[0] = now[0]
        return Found(known[0], anew=anew)

    for record in stage.vendor.records.values():
        record["hat"] = "top"
    stage.options["find_fields"] = find
    stage.full()
    interrupt(stage)
    now[0] = list(FIELDS)
    for record in stage.vendor.records.values():
        del record["hat"]
    stage.clock.set(at(10))
    result = stage.incremental()
    assert "other fields of contacts by now" in " ".join(stage.told)
    assert (result.mode, result.resumed) == (SyncMode.INCREMENTAL, False)
    assert result.window.since is not None


def test_a_starting_point_is_not_set_by_who_reads_the_same_span_with_other_filters() -> None:
    stage = Stage()
    stage.asking(filters=[Filter(name="status", label="Status")], step=timedelta(minutes=30))
    for id in range(1, 7):
        stage.vendor.put(id, -100 + 12 * id)
    window = SyncWindow(at(-90), None)
    interrupt(stage, SyncMode.FROM_DATE, window, at_call=5)
    assert stage.cursor is not None
    stage.cursors.forget(CONTACTS)
    stage.filters = {"status": "open"}
    stage.sync(SyncMode.FROM_DATE, window)
    assert stage.cursor is None
