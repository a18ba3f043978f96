"""Computed fields: they change without moving their record's cursor, and are read again alone."""

from datetime import timedelta

import pytest

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ways import as_computed
from sync_platform.errors import Refused
from sync_platform.spec import Field, Filter, iso
from sync_platform_tests.engine.stage import DELETES, FIELDS, Stage, at, interrupt

RATING = Field("rating", "integer", read_only=True, computed=True)


@pytest.fixture
def stage() -> Stage:
    """Two contacts, synced; their rating is computed."""
    stage = Stage(fields=(*FIELDS, RATING))
    for id in (1, 2):
        stage.vendor.put(id, -id)
        stage.vendor.records[id]["rating"] = 0
    stage.incremental()
    return stage


def refresh(stage: Stage) -> None:
    whole, stage.obj = stage.obj, as_computed(stage.obj)
    stage.sync(SyncMode.COMPUTED)
    stage.obj = whole


def rows(stage: Stage) -> list[tuple[object, ...]]:
    return sorted((it["id"], it["name"], it["rating"]) for it in stage.table.live.values())


def test_only_key_and_computed_fields_are_asked_for_and_written(stage: Stage) -> None:
    stage.vendor.records[1] |= {"rating": 5, "name": "renamed, but not by a computed field"}
    refresh(stage)
    assert stage.vendor.reads[-1][1].fields == ("id", "rating")
    assert rows(stage) == [(1, "contact 1", 5), (2, "contact 2", 0)]
    assert (stage.last.mode, stage.last.counts.updated) == (SyncMode.COMPUTED, 1)


def test_a_record_that_is_not_there_yet_is_left_to_the_next_sync(stage: Stage) -> None:
    stage.vendor.put(3, 0)
    stage.vendor.records[3]["rating"] = 9
    refresh(stage)
    assert stage.ids == [1, 2]


def test_nothing_is_deleted_and_no_cursor_moves(stage: Stage) -> None:
    before = stage.cursor
    del stage.vendor.records[1]
    refresh(stage)
    assert (stage.ids, stage.cursor) == ([1, 2], before)


def test_no_cursor_moves_where_the_vendor_remembers_deletions_for_a_time_only(
    stage: Stage,
) -> None:
    stage.asking(deletes=DELETES, deletes_remembered=timedelta(days=13))
    stage.clock.sleep(timedelta(hours=6).total_seconds())
    stage.vendor.put(3, 60)
    refresh(stage)
    stage.incremental()
    assert stage.ids == [1, 2, 3]


def test_an_interrupted_full_sync_goes_on_after_a_refresh(stage: Stage) -> None:
    for id in range(3, 9):
        stage.vendor.put(id, -id)
    interrupt(stage)
    left = stage.table.progress
    refresh(stage)
    assert stage.table.progress == left
    assert stage.full().resumed


def test_an_object_without_computed_fields_is_told_so(stage: Stage) -> None:
    stage.fields = FIELDS
    with pytest.raises(Refused, match="no computed fields"):
        refresh(stage)


def test_its_window_is_everything(stage: Stage) -> None:
    refresh(stage)
    assert stage.last.window == SyncWindow()
    assert stage.last.started_at == at(0) + timedelta(0)


def test_it_is_asked_with_the_same_filters_as_any_read_and_looks_into_no_row(stage: Stage) -> None:
    stage.asking(
        filters=[
            Filter(name="within", label="Days", kind="days", keeps=lambda row, since: False),
            Filter(name="stage", label="Stage"),
        ]
    )
    stage.filters = {"within": "90", "stage": "lead"}
    stage.vendor.records[1]["rating"] = 5
    refresh(stage)
    days = iso(stage.clock.now() - timedelta(days=90))
    assert stage.vendor.reads[-1][1].filters == {"within": days, "stage": "lead"}
    assert rows(stage)[0] == (1, "contact 1", 5)
