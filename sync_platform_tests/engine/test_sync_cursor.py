"""The three laws of the cursor, one by one, and what a sync asks its vendor for."""

from datetime import datetime, timedelta

import pytest

from sync_platform.engine.modes import SKEW, SyncMode, SyncWindow
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import Refused, StoreUnavailable, VendorUnavailable
from sync_platform.waist.planning import refuse_impossible
from sync_platform_tests.engine.stage import CONTACTS, DELETES, Stage, at, contacts, interrupt
from sync_platform_tests.fakes import NOON


@pytest.fixture
def stage() -> Stage:
    """A vendor with three contacts, on two pages, changed 10, 30 and 20 minutes before noon."""
    stage = Stage()
    for id, minutes in ((1, -10), (2, -30), (3, -20)):
        stage.vendor.put(id, minutes)
    return stage


def fail(*_: object) -> None:
    raise VendorUnavailable


# -- first law: after the rows, and only when the window was read to its end -------------------


def test_the_cursor_is_the_highest_value_whatever_the_order_of_pages(stage: Stage) -> None:
    stage.incremental()
    assert stage.cursor == at(-10)


def test_a_cursor_is_saved_after_the_rows_that_carried_it_are_committed(stage: Stage) -> None:
    seen = []
    stage.cursors.before_save = lambda cursor: seen.append((cursor, stage.ids))
    stage.options["commit_bytes"] = 1_000_000
    stage.incremental()
    assert seen == [(at(-10), [1, 2, 3])]


def test_a_cursor_that_stays_is_not_saved_again(stage: Stage) -> None:
    stage.incremental()
    stage.incremental()
    assert stage.cursors.saved == [at(-10)]
    stage.vendor.put(4, -5)
    stage.incremental()
    assert stage.cursors.saved == [at(-10), at(-5)]


def test_no_cursor_is_saved_when_the_read_fails_before_its_end(stage: Stage) -> None:
    stage.vendor.before = lambda call: fail() if call == 2 else None
    with pytest.raises(VendorUnavailable):
        stage.incremental()
    assert stage.ids == [1, 2]
    assert stage.cursors.saved == []


def test_no_cursor_is_saved_when_the_rows_cannot_be_committed(stage: Stage) -> None:
    stage.destination.before_commit = fail
    with pytest.raises(VendorUnavailable):
        stage.incremental()
    assert stage.cursors.saved == []


def test_no_cursor_is_saved_before_the_gone_keys_of_its_window_are_read(stage: Stage) -> None:
    stage.asking(deletes=DELETES)
    stage.incremental()
    stage.vendor.delete(2, 5)
    stage.vendor.put(3, 60)
    stage.clock.set(at(90))
    calls = len(stage.vendor.reads)
    stage.vendor.before = lambda call: fail() if call == calls + 3 else None  # its first "/gone"
    with pytest.raises(VendorUnavailable):
        stage.incremental()
    assert stage.cursor == at(-10)
    stage.vendor.before = lambda call: None
    stage.clock.set(at(60 * 48))  # too late to go on: a new sync must ask for the gone keys again
    stage.incremental()
    assert stage.ids == [1, 3]


def test_a_long_window_saves_its_cursor_after_each_step(stage: Stage) -> None:
    stage.was_read_up_to(at(-30))
    stage.cursors.saved.clear()
    stage.asking(step=timedelta(minutes=15))
    stage.incremental()
    assert stage.vendor.windows == [SyncWindow(at(-30), at(-15)), SyncWindow(at(-15), NOON)]
    assert stage.cursors.saved == [at(-20), at(-10)]


def test_a_step_that_fails_keeps_the_cursor_of_the_steps_before_it(stage: Stage) -> None:
    stage.was_read_up_to(at(-30))
    stage.asking(step=timedelta(minutes=15))
    stage.vendor.before = lambda call: fail() if call == 3 else None
    with pytest.raises(VendorUnavailable):
        stage.incremental()
    assert stage.cursor == at(-20)


def test_each_step_reads_its_rows_and_then_the_keys_gone_in_it(stage: Stage) -> None:
    stage.was_read_up_to(at(-30))
    stage.asking(step=timedelta(minutes=15), deletes=DELETES)
    stage.incremental()
    asked = [(path, read.since, read.until) for path, read in stage.vendor.reads]
    assert list(dict.fromkeys(asked)) == [
        ("/contacts", at(-30), at(-15)),
        ("/gone", at(-30), at(-15)),
        ("/contacts", at(-15), NOON),
        ("/gone", at(-15), NOON),
    ]


def test_a_cursor_that_could_not_be_saved_is_saved_by_the_sync_that_goes_on(stage: Stage) -> None:
    def away(cursor: object) -> None:
        raise StoreUnavailable

    stage.cursors.before_save = away
    with pytest.raises(StoreUnavailable):
        stage.incremental()
    calls = len(stage.vendor.reads)
    stage.cursors.before_save = lambda cursor: None
    assert stage.incremental().resumed
    assert stage.cursor == at(-10)
    assert len(stage.vendor.reads) == calls


# -- second law: never past the moment the sync began ------------------------------------------


def test_an_incremental_window_is_closed_at_the_start_of_its_sync(stage: Stage) -> None:
    stage.vendor.put(4, 1)
    stage.incremental()
    assert stage.vendor.windows == [SyncWindow(None, NOON)]
    assert stage.cursor == at(-10)
    assert stage.ids == [1, 2, 3]


def test_the_cursor_is_capped_at_where_the_vendors_clock_may_have_been_when_it_began(
    stage: Stage,
) -> None:
    stage.vendor.put(4, 1)
    stage.full()
    assert stage.cursor == NOON - SKEW
    assert stage.ids == [1, 2, 3, 4]


def test_what_the_next_sync_goes_back_by_anyway_caps_it_no_more(stage: Stage) -> None:
    stage.asking(lookback=SKEW)
    stage.vendor.put(4, 1)
    stage.full()
    assert stage.cursor == NOON


@pytest.mark.parametrize("mode", [SyncMode.FULL, SyncMode.INCREMENTAL])
def test_what_changes_behind_the_reader_is_read_although_the_vendors_clock_is_behind(
    stage: Stage, mode: SyncMode
) -> None:
    def behind(call: int) -> None:
        if call == 2:  # 20 seconds after the sync began, the vendor's clock is at ten before noon
            stage.clock.set(at(1 / 3))
            stage.vendor.put(3, -1 / 6, "edited behind the reader")
            stage.vendor.put(1, -1 / 6, "edited before it was read")

    stage.vendor.before = behind
    stage.sync(mode)
    stage.vendor.before = lambda call: None
    stage.clock.set(at(10))
    stage.incremental()
    names = {row["name"] for row in stage.table.live.values()}
    assert names >= {"edited behind the reader", "edited before it was read"}


def test_what_changes_behind_the_reader_is_in_the_next_window(stage: Stage) -> None:
    def behind(call: int) -> None:
        if call == 2:
            stage.clock.set(at(5))
            stage.vendor.put(1, 1, "edited behind the reader")
            stage.vendor.put(3, 2, "edited before it was read")

    stage.vendor.before = behind
    stage.incremental()
    stage.clock.set(at(10))
    stage.incremental()
    names = {values["id"]: values["name"] for values in stage.table.live.values()}
    assert names[1] == "edited behind the reader"
    assert names[3] == "edited before it was read"


def test_a_resumed_sync_reads_what_changed_since_its_first_start(stage: Stage) -> None:
    stage.vendor.before = lambda call: fail() if call == 2 else None
    with pytest.raises(VendorUnavailable):
        stage.full()
    stage.vendor.before = lambda call: None
    stage.clock.set(at(60))
    stage.vendor.put(1, 30, "edited behind the resume point")
    stage.vendor.put(3, 40)
    assert stage.full().resumed
    assert stage.cursors.saved[0] == NOON - SKEW
    assert stage.table.live[("1",)]["name"] == "edited behind the resume point"
    assert stage.cursor == at(40)


def test_a_vendor_that_cannot_close_a_window_does_not_move_the_cursor_past_it(
    stage: Stage,
) -> None:
    stage.vendor.put(4, -5)
    stage.vendor.knows_until = False
    stage.was_read_up_to(at(-30))
    stage.asking(step=timedelta(minutes=15))
    stage.cursors.saved.clear()
    stage.incremental()
    assert stage.cursors.saved == [at(-15), at(-5)]


# -- third law: never backwards, and never over a gap -------------------------------------------


def test_a_backfill_of_an_old_month_leaves_the_cursor_where_it_was(stage: Stage) -> None:
    stage.incremental()
    stage.vendor.put(5, -50_000)
    stage.from_date(at(-60_000), at(-40_000))
    assert stage.ids == [1, 2, 3, 5]
    assert stage.cursor == at(-10)


def test_a_first_from_date_sync_sets_the_starting_point(stage: Stage) -> None:
    stage.from_date(at(-25), None)
    assert stage.ids == [1, 3]
    assert stage.cursor == at(-10)


def test_a_first_span_of_the_past_sets_none(stage: Stage) -> None:
    """Or what is older, and what came between, would wait for the next full sync."""
    stage.from_date(at(-25), at(-5))
    assert stage.cursor is None
    stage.incremental()
    assert stage.ids == [1, 2, 3]


def test_a_first_from_date_sync_that_was_interrupted_sets_it_too(stage: Stage) -> None:
    window = SyncWindow(at(-25), None)
    interrupt(stage, SyncMode.FROM_DATE, window, at_call=2)
    stage.sync(SyncMode.FROM_DATE, window)
    assert (stage.ids, stage.cursor) == ([1, 3], at(-10))


def test_a_first_from_date_sync_in_steps_sets_it_at_its_end(stage: Stage) -> None:
    stage.asking(step=timedelta(minutes=8), lookback=timedelta(minutes=1))
    stage.from_date(at(-40), None)
    assert stage.cursor == at(-10)


@pytest.mark.parametrize("step", [None, timedelta(minutes=2)])
@pytest.mark.parametrize("until", [None, NOON])
def test_a_first_from_date_sync_that_finds_nothing_sets_it_too(
    stage: Stage, step: timedelta | None, until: datetime | None
) -> None:
    stage.asking(step=step)
    stage.from_date(at(-9), until)
    assert stage.ids == []
    assert stage.cursor == at(-9)
    stage.clock.set(at(60))
    stage.vendor.put(4, -4)  # a stamp of its clock, which is behind
    stage.incremental()
    assert stage.ids == [4]


def test_nor_is_that_starting_point_past_the_vendors_present(stage: Stage) -> None:
    stage.from_date(at(-1), None)
    assert stage.cursor == NOON - SKEW


def test_one_that_finds_nothing_and_was_interrupted_sets_none_before_its_end(
    stage: Stage,
) -> None:
    interrupt(stage, SyncMode.FROM_DATE, SyncWindow(at(-9), None), at_call=1)
    assert stage.cursor is None


def test_one_that_finds_nothing_sets_none_where_a_cursor_was_forgotten(stage: Stage) -> None:
    stage.incremental()
    stage.cursors.kept.clear()
    stage.from_date(at(-9), None)
    assert stage.cursor is None


def test_a_first_span_of_the_past_that_finds_nothing_sets_none(stage: Stage) -> None:
    stage.from_date(at(-9), at(-6))
    assert stage.cursor is None


def test_a_from_date_sync_sets_no_starting_point_where_a_cursor_was_forgotten(
    stage: Stage,
) -> None:
    """What is asked for has changed: all of it is to be read from the beginning."""
    stage.from_date(at(-25), None)
    stage.cursors.kept.clear()
    stage.from_date(at(-15), None)
    assert stage.cursor is None
    stage.incremental()
    assert stage.ids == [1, 2, 3]


@pytest.mark.parametrize("first", [SyncMode.FULL, SyncMode.INCREMENTAL])
@pytest.mark.parametrize("until", [None, at(-5)])
def test_a_from_date_sync_in_the_place_of_an_interrupted_first_read_leaves_that_due(
    stage: Stage, first: SyncMode, until: datetime | None
) -> None:
    interrupt(stage, first, at_call=2)
    stage.from_date(at(-15), until)
    assert stage.ids != [1, 2, 3]
    stage.clock.set(at(10))
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.ids == [1, 2, 3]


def test_a_from_date_sync_that_joins_the_cursor_moves_it(stage: Stage) -> None:
    stage.was_read_up_to(at(-25))
    stage.from_date(at(-25), None)
    assert stage.cursor == at(-10)


def test_a_from_date_sync_beyond_the_cursor_leaves_no_gap_unread(stage: Stage) -> None:
    stage.was_read_up_to(at(-60))
    stage.from_date(at(-15), None)
    assert stage.ids == [1]
    assert stage.cursor == at(-60)
    stage.incremental()
    assert stage.ids == [1, 2, 3]


def test_a_lookback_reads_again_what_may_have_settled_late(stage: Stage) -> None:
    stage.asking(lookback=timedelta(minutes=15))
    stage.incremental()
    stage.vendor.put(4, -22)
    stage.incremental()
    assert stage.ids == [1, 2, 3, 4]
    assert stage.cursor == at(-10)


# -- cursor values, and objects without any -----------------------------------------------------


@pytest.mark.parametrize(
    "value", [None, "", "yesterday", [], True, "0001-01-01T00:00:00+09:00", float("nan"), 1e300]
)
def test_cursor_values_that_are_no_moment_are_passed_over(stage: Stage, value: object) -> None:
    broken = {"id": 9, "name": "broken", "updated": value}
    answer = stage.vendor.answer
    stage.answer = lambda request, asked: (
        {"results": [*answer(request, asked)["results"], broken]}
        if not stage.vendor.reads
        else {"results": []}
    )
    stage.incremental()
    assert stage.ids == [1, 2, 9]
    assert stage.cursor == at(-10)


def test_a_sync_that_sees_nothing_saves_no_cursor(stage: Stage) -> None:
    stage.vendor.records.clear()
    stage.incremental()
    assert stage.cursors.saved == []


def test_an_object_without_a_cursor_saves_none(stage: Stage) -> None:
    stage.asking(cursor=None)
    stage.full()
    assert stage.ids == [1, 2, 3]
    assert stage.cursors.saved == []


def test_an_incremental_sync_of_an_object_without_a_cursor_is_a_full_one() -> None:
    asked = SyncRequest(target=CONTACTS, run_id="run", automatic=True)
    given = refuse_impossible(asked, contacts(cursor=None), "HubSpot")
    assert given.mode is SyncMode.FULL
    assert (given.target, given.run_id, given.automatic) == (CONTACTS, "run", True)


def test_a_from_date_sync_of_an_object_without_a_cursor_is_refused() -> None:
    asked = SyncRequest(target=CONTACTS, mode=SyncMode.FROM_DATE, window=SyncWindow(at(-60)))
    with pytest.raises(Refused, match="HubSpot contacts can only be synced in full"):
        refuse_impossible(asked, contacts(cursor=None), "HubSpot")


@pytest.mark.parametrize("mode", list(SyncMode))
def test_an_object_with_a_cursor_can_be_synced_in_every_mode(mode: SyncMode) -> None:
    asked = SyncRequest(target=CONTACTS, mode=mode)
    assert refuse_impossible(asked, contacts(), "HubSpot") is asked
