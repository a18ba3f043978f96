"""What a sync marks as deleted, and on what proof."""

from datetime import datetime, timedelta

import pytest

from sync_platform.engine.destination import Progress
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.errors import (
    IncompleteRead,
    LeaseLost,
    TooManyDeletes,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.spec import Filter, Page, cursor_pages, get, iso
from sync_platform_tests.engine.stage import DELETES, FIELDS, TABLE, Stage, at
from sync_platform_tests.fakes import NOON

PUSHED = Progress(  # a loader that never began a sync does not keep it
    sync="push", mode=SyncMode.INCREMENTAL, window=SyncWindow(), started_at=NOON, shape=""
)


@pytest.fixture
def stage() -> Stage:
    """Five contacts on three pages, synced once, an hour ago."""
    stage = Stage()
    for id in range(1, 6):
        stage.vendor.put(id, -100 - id)
    stage.clock.set(at(-60))
    stage.full()
    stage.clock.set(NOON)
    stage.vendor.reads.clear()
    return stage


def deleted_by(stage: Stage, id: int) -> str | None:
    return stage.table.rows[(str(id),)].deleted_by


def test_a_full_sync_marks_what_it_did_not_see(stage: Stage) -> None:
    del stage.vendor.records[2]
    result = stage.full()
    assert stage.ids == [1, 3, 4, 5]
    assert deleted_by(stage, 2) == "reconcile"
    assert result.counts.deleted == 1


def test_a_record_that_returns_is_not_deleted_any_more(stage: Stage) -> None:
    record = stage.vendor.records.pop(2)
    stage.full()
    stage.vendor.records[2] = record
    stage.full()
    assert stage.ids == [1, 2, 3, 4, 5]


def test_an_incremental_sync_marks_nothing_by_itself(stage: Stage) -> None:
    del stage.vendor.records[2]
    stage.incremental()
    assert stage.ids == [1, 2, 3, 4, 5]


def test_an_incremental_sync_whose_cursor_was_forgotten_is_a_full_one(stage: Stage) -> None:
    stage.cursors.kept.clear()
    del stage.vendor.records[2]
    result = stage.incremental()
    assert stage.ids == [1, 3, 4, 5]
    assert (result.mode, result.window, result.resumed) == (SyncMode.FULL, SyncWindow(), False)
    assert "Nothing tells since when contacts is to be read" in " ".join(stage.told)
    assert stage.incremental().mode is SyncMode.INCREMENTAL


@pytest.mark.parametrize("since", [at(-102), None])
def test_a_from_date_sync_marks_nothing(stage: Stage, since: datetime | None) -> None:
    stage.vendor.records.clear()
    stage.from_date(since, None)
    assert stage.ids == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("error", [VendorUnavailable, UnexpectedResponse, KeyboardInterrupt])
@pytest.mark.parametrize("at_call", [1, 2, 3])
def test_a_read_that_failed_marks_nothing(
    stage: Stage, error: type[BaseException], at_call: int
) -> None:
    def fail(call: int) -> None:
        if call == at_call:
            raise error

    del stage.vendor.records[2]
    stage.vendor.before = fail
    with pytest.raises(error):
        stage.full()
    assert stage.ids == [1, 2, 3, 4, 5]


def test_a_read_whose_pages_repeat_marks_nothing(stage: Stage) -> None:
    pages = cursor_pages("page", found_at="next")
    stage.asking(read=get("/contacts", records="results", pages=pages))
    stage.answer = lambda request, asked: {"results": [stage.vendor.records[1]], "next": "same"}
    with pytest.raises(IncompleteRead):
        stage.full()
    assert stage.ids == [1, 2, 3, 4, 5]
    assert stage.last.error_code == "incomplete_read"


def test_a_record_that_is_edited_while_it_is_read_is_not_taken_for_deleted(stage: Stage) -> None:
    def edit(call: int) -> None:
        if call == 2:
            stage.clock.set(at(5))
            stage.vendor.put(4, 5, "edited")

    stage.vendor.before = edit
    stage.full()
    assert stage.ids == [1, 2, 3, 4, 5]


def test_what_was_written_within_the_lookback_is_not_taken_for_deleted(stage: Stage) -> None:
    stage.asking(lookback=timedelta(minutes=10))
    stage.clock.set(at(-9))
    with stage.destination.open(TABLE, FIELDS, sync="push") as loader:  # not in the index yet
        loader.write(Page(rows=[{"id": 6, "name": "pushed", "updated": iso(at(-9))}]))
        loader.commit(PUSHED)
    stage.clock.set(NOON)
    stage.full()
    assert stage.ids == [1, 2, 3, 4, 5, 6]
    stage.clock.set(at(2))
    stage.full()
    assert stage.ids == [1, 2, 3, 4, 5]


def test_a_share_of_deletes_that_is_unusual_is_refused(stage: Stage) -> None:
    for id in (1, 2, 3):
        del stage.vendor.records[id]
    with pytest.raises(TooManyDeletes):
        stage.full()
    assert stage.ids == [1, 2, 3, 4, 5]
    assert stage.last.error_code == "too_many_deletes"


def test_a_refusal_names_the_filter_that_may_leave_out_what_would_be_deleted(stage: Stage) -> None:
    stage.asking(filters=[Filter(name="created_within", label="Days", kind="days")])
    stage.filters = {"created_within": "1"}
    stage.vendor.records.clear()
    with pytest.raises(TooManyDeletes, match="filtered by created_within=1"):
        stage.full()
    assert "created_within=1" in (stage.last.error or "")


def test_an_unusual_share_can_be_accepted(stage: Stage) -> None:
    stage.vendor.records.clear()
    with pytest.raises(TooManyDeletes):
        stage.full()
    assert stage.full(accept_deletes=True).counts.deleted == 5
    assert stage.ids == []


def test_the_share_may_be_set(stage: Stage) -> None:
    stage.options["delete_share"] = 0.1
    del stage.vendor.records[2]
    with pytest.raises(TooManyDeletes):
        stage.full()


def test_a_full_sync_of_nothing_into_nothing_is_well() -> None:
    assert Stage().full().counts.deleted == 0


# -- gone keys: the vendor's own word -----------------------------------------------------------


@pytest.mark.parametrize("mode", [SyncMode.INCREMENTAL, SyncMode.FULL])
def test_gone_keys_follow_the_rows_of_their_window(stage: Stage, mode: SyncMode) -> None:
    stage.asking(deletes=DELETES)
    stage.vendor.delete(2, -5)
    stage.sync(mode)
    paths = [path for path, _ in stage.vendor.reads]
    assert paths == sorted(paths)  # "/contacts" before "/gone"
    assert deleted_by(stage, 2) == "vendor"


def test_a_record_that_goes_while_its_window_is_read_is_marked(stage: Stage) -> None:
    def delete(call: int) -> None:
        if call == 3 and 1 in stage.vendor.records:
            stage.vendor.delete(1, -1)

    stage.asking(deletes=DELETES)
    stage.vendor.put(1, -10, "edited, then gone")
    stage.vendor.put(2, -10, "edited")
    stage.vendor.before = delete
    stage.incremental()
    assert stage.ids == [2, 3, 4, 5]


def test_gone_keys_are_asked_for_the_same_window_as_rows(stage: Stage) -> None:
    stage.asking(deletes=DELETES)
    stage.incremental()
    assert {(read.since, read.until) for _, read in stage.vendor.reads} == {(at(-101), NOON)}


def test_a_gone_key_that_was_never_in_the_table_is_passed_over(stage: Stage) -> None:
    stage.asking(deletes=DELETES)
    stage.vendor.gone[77] = at(-5)
    assert stage.incremental().counts.deleted == 0


def test_nothing_is_reconciled_when_the_gone_keys_cannot_be_read(stage: Stage) -> None:
    def fail(call: int) -> None:
        if call == 4:
            raise VendorUnavailable

    stage.asking(deletes=DELETES)
    del stage.vendor.records[2]
    stage.vendor.before = fail
    with pytest.raises(VendorUnavailable):
        stage.full()
    assert stage.ids == [1, 2, 3, 4, 5]


def test_a_row_without_its_key_is_rejected_and_counted(stage: Stage) -> None:
    stage.vendor.records[3] = {"id": 3, "name": "no key", "updated": iso(at(-1))}
    stage.asking(row=lambda record: {**record, "id": None} if record["id"] == 3 else record)
    result = stage.incremental()
    assert result.counts.rejected == 1
    assert stage.table.rejected[0]["name"] == "no key"


# -- two syncs of one table ---------------------------------------------------------------------


def test_a_sync_whose_table_was_taken_over_stops_and_the_other_ends_its_work(stage: Stage) -> None:
    def take_over(call: int) -> None:
        if call == 3:
            other = Stage(vendor=stage.vendor, clock=stage.clock)
            other.destination, other.history = stage.destination, stage.history
            stage.vendor.before = lambda call: None
            other.plan(SyncMode.INCREMENTAL).run(stage.destination)

    del stage.vendor.records[2]
    stage.vendor.before = take_over
    with pytest.raises(LeaseLost):
        stage.full()
    assert stage.ids == [1, 3, 4, 5]
    assert stage.table.progress is None
