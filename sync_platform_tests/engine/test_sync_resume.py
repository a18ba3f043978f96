"""An interrupted sync goes on at its last committed page, where that is right."""

from datetime import timedelta

import pytest

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.turn import RESUME_WITHIN
from sync_platform.errors import (
    TooManyDeletes,
    UnexpectedResponse,
)
from sync_platform.spec import Field, Filter
from sync_platform_tests.engine.stage import (
    CONTACTS,
    DELETES,
    FIELDS,
    SmallVendor,
    Stage,
    at,
    interrupt,
)
from sync_platform_tests.fakes import NOON


def asked_after(vendor: SmallVendor) -> list[str | None]:
    return [read.after for _, read in vendor.reads]


def test_a_full_sync_goes_on_at_its_last_committed_page(stage: Stage) -> None:
    interrupt(stage)
    assert stage.full().resumed
    assert asked_after(stage.vendor) == ["4", "6"]
    assert stage.last.resumed


def test_rows_seen_before_the_interruption_are_not_deleted(stage: Stage) -> None:
    interrupt(stage)
    result = stage.full()
    assert stage.ids == [1, 2, 3, 4, 5, 6]
    assert result.counts.deleted == 0


def test_what_neither_part_of_an_interrupted_full_sync_saw_is_deleted(stage: Stage) -> None:
    del stage.vendor.records[2], stage.vendor.records[5]
    interrupt(stage)
    result = stage.full()
    assert result.resumed
    assert stage.ids == [1, 3, 4, 6]
    assert result.counts.deleted == 2


def test_a_sync_may_be_interrupted_again_and_again(stage: Stage) -> None:
    del stage.vendor.records[4]
    for _ in range(3):
        interrupt(stage, at_call=2)
    assert stage.full().resumed
    assert stage.ids == [1, 2, 3, 5, 6]


def test_pages_that_were_read_and_not_committed_are_read_again(stage: Stage) -> None:
    stage.options["commit_bytes"] = 1_000_000
    interrupt(stage)
    stage.full()
    assert asked_after(stage.vendor) == [None, "2", "4", "6"]
    assert stage.ids == [1, 2, 3, 4, 5, 6]


def test_what_another_account_left_is_not_gone_on_with(stage: Stage) -> None:
    interrupt(stage)
    stage.options["account"] = "another"
    assert not stage.full().resumed
    assert asked_after(stage.vendor)[0] is None


def test_a_resumed_sync_says_so(stage: Stage) -> None:
    interrupt(stage)
    stage.told.clear()
    stage.full()
    assert stage.told[0] == "Going on where an interrupted sync of 2026-11-21 12:00:00 stopped."


def test_a_sync_with_other_fields_starts_over(stage: Stage) -> None:
    interrupt(stage)
    stage.fields = (*FIELDS, Field("email"))
    assert not stage.full().resumed
    assert asked_after(stage.vendor) == [None, "2", "4", "6"]


def test_a_sync_with_other_filters_starts_over(stage: Stage) -> None:
    stage.asking(filters=[Filter(name="status", label="Status")])
    interrupt(stage)
    stage.filters = {"status": "open"}
    assert not stage.full().resumed


def test_a_sync_with_other_settings_starts_over(stage: Stage) -> None:
    interrupt(stage)
    stage.options["settings"] = {"company": "2"}
    assert not stage.full().resumed


def test_a_sync_whose_connector_has_other_steps_by_now_starts_over(stage: Stage) -> None:
    window = SyncWindow(at(-107), at(-100))
    stage.asking(step=timedelta(minutes=2))
    interrupt(stage, SyncMode.FROM_DATE, at_call=3, window=window)
    stage.asking(step=timedelta(minutes=4))
    stage.sync(SyncMode.FROM_DATE, window)
    assert stage.vendor.windows[0].since == window.since


def test_the_same_fields_in_another_order_are_the_same(stage: Stage) -> None:
    interrupt(stage)
    stage.fields = FIELDS[::-1]
    assert stage.full().resumed


@pytest.mark.parametrize(("late", "resumed"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_progress_is_gone_on_from_within_a_day(
    stage: Stage, late: timedelta, resumed: bool
) -> None:
    interrupt(stage)
    stage.clock.set(NOON + RESUME_WITHIN + late)
    assert stage.full().resumed is resumed


def test_a_day_is_counted_from_the_last_commit(stage: Stage) -> None:
    interrupt(stage)
    stage.clock.set(NOON + timedelta(hours=20))
    interrupt(stage, at_call=2)
    stage.clock.set(NOON + timedelta(hours=30))
    interrupt(stage, at_call=1)  # nothing was committed
    stage.clock.set(NOON + timedelta(hours=43))
    assert stage.full().resumed


def test_what_was_begun_again_and_again_without_a_commit_gets_too_old(stage: Stage) -> None:
    interrupt(stage)
    stage.clock.set(NOON + timedelta(hours=20))
    interrupt(stage, at_call=1)
    stage.clock.set(NOON + timedelta(hours=25))
    assert not stage.full().resumed


def test_an_incremental_sync_goes_on_with_an_interrupted_full_one(stage: Stage) -> None:
    interrupt(stage)
    result = stage.incremental()
    assert (result.resumed, result.mode) == (True, SyncMode.FULL)
    assert not stage.full().resumed


def test_a_full_sync_does_not_go_on_with_an_interrupted_incremental_one(stage: Stage) -> None:
    interrupt(stage, SyncMode.INCREMENTAL, at_call=2)
    assert not stage.full().resumed


def test_an_interrupted_read_that_the_vendor_broke_off_wrongly_starts_over(stage: Stage) -> None:
    def broken(call: int) -> None:
        if call == 3:
            raise UnexpectedResponse("no list")

    stage.vendor.before = broken
    with pytest.raises(UnexpectedResponse):
        stage.full()
    stage.vendor.before = lambda call: None
    assert not stage.incremental().resumed


def test_a_full_sync_starts_over_when_the_keys_it_saw_were_lost(stage: Stage) -> None:
    interrupt(stage)
    stage.table.lose_seen()
    assert not stage.full().resumed
    assert stage.ids == [1, 2, 3, 4, 5, 6]


def test_a_sync_that_ended_well_is_not_gone_on_from(stage: Stage) -> None:
    assert not stage.full().resumed
    assert not stage.full().resumed


def test_an_incremental_sync_goes_on_over_the_window_it_had_and_up_to_the_present(
    stage: Stage,
) -> None:
    for id in (1, 3, 5):
        stage.vendor.put(id, -10, "edited")
    interrupt(stage, SyncMode.INCREMENTAL, at_call=2)
    stage.clock.set(at(30))
    result = stage.incremental()
    assert result.resumed
    assert result.window == SyncWindow(at(-101), at(30))
    assert asked_after(stage.vendor) == ["3", "5", None, "3", "5"]  # lookback
    assert stage.cursor == at(-10)


def test_an_incremental_sync_from_another_cursor_starts_over(stage: Stage) -> None:
    interrupt(stage, SyncMode.INCREMENTAL, at_call=2)
    stage.cursors.save(CONTACTS, at(-5))
    assert not stage.incremental().resumed


def test_a_from_date_sync_goes_on_only_over_the_same_window(stage: Stage) -> None:
    month, week = SyncWindow(at(-120), at(-50)), SyncWindow(at(-110), at(-50))
    interrupt(stage, SyncMode.FROM_DATE, at_call=2, window=month)
    assert stage.sync(SyncMode.FROM_DATE, month).resumed
    interrupt(stage, SyncMode.FROM_DATE, at_call=2, window=month)
    assert not stage.sync(SyncMode.FROM_DATE, week).resumed


def test_a_from_date_sync_goes_on_in_the_step_where_it_was(stage: Stage) -> None:
    window = SyncWindow(at(-107), at(-100))
    stage.asking(step=timedelta(minutes=4))
    interrupt(stage, SyncMode.FROM_DATE, at_call=5, window=window)  # steps of four and two records
    stage.sync(SyncMode.FROM_DATE, window)
    assert {read.since for _, read in stage.vendor.reads} == {at(-103)}


def test_a_sync_that_was_interrupted_at_the_gone_keys_reads_no_rows_again(stage: Stage) -> None:
    stage.asking(deletes=DELETES)
    for id in (2, 3, 6):
        stage.vendor.delete(id, -5)
    # Three calls are for rows; the second for gone keys fails.
    interrupt(stage, at_call=5)
    assert stage.full().resumed
    assert [(path, read.after) for path, read in stage.vendor.reads] == [
        ("/gone", "3"),
        ("/gone", "6"),
    ]
    assert stage.ids == [1, 4, 5]


def test_a_full_sync_that_would_delete_too_much_is_read_anew_the_next_time(stage: Stage) -> None:
    hidden = {id: stage.vendor.records.pop(id) for id in (1, 2, 3, 4)}
    with pytest.raises(TooManyDeletes):
        stage.full()
    stage.vendor.records |= hidden
    assert not stage.full().resumed
    assert stage.ids == [1, 2, 3, 4, 5, 6]
