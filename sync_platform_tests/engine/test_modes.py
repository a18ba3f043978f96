"""Windows, steps and cursors: the arithmetic alone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.engine.modes import (
    SyncMode,
    SyncWindow,
    cursor_after,
    earlier,
    joins,
    mode_for_days,
    window_for,
)
from sync_platform_tests.engine.stage import WHOLE, at
from sync_platform_tests.fakes import NOON

HOUR = timedelta(hours=1)
minutes = st.integers(-100_000, 100_000).map(at)


def window(
    mode: SyncMode,
    *,
    cursor: datetime | None = None,
    lookback: timedelta = timedelta(0),
    asked: SyncWindow = WHOLE,
) -> SyncWindow:
    return window_for(mode, cursor=cursor, lookback=lookback, asked=asked, started_at=NOON)


def test_an_incremental_window_goes_from_the_cursor_to_the_start_of_the_sync() -> None:
    assert window(SyncMode.INCREMENTAL, cursor=at(-30)) == SyncWindow(at(-30), NOON)


def test_an_incremental_window_looks_back_for_what_settled_late() -> None:
    found = window(SyncMode.INCREMENTAL, cursor=at(-30), lookback=HOUR)
    assert found == SyncWindow(at(-90), NOON)


def test_a_first_incremental_window_begins_with_the_beginning() -> None:
    assert window(SyncMode.INCREMENTAL, lookback=HOUR) == SyncWindow(None, NOON)


def test_a_full_window_is_open_at_both_ends() -> None:
    assert window(SyncMode.FULL, cursor=at(-30), lookback=HOUR) == SyncWindow()


def test_a_from_date_window_is_what_was_asked() -> None:
    asked = SyncWindow(at(-600), at(-300))
    assert window(SyncMode.FROM_DATE, cursor=at(-30), lookback=HOUR, asked=asked) == asked


def test_a_cursor_ahead_of_our_clock_gives_an_empty_window() -> None:
    assert window(SyncMode.INCREMENTAL, cursor=at(5)) == SyncWindow(at(5), at(5))


def test_a_cursor_that_cannot_be_looked_back_from_gives_an_unbounded_window() -> None:
    year_1 = datetime(1, 1, 1, tzinfo=UTC)
    assert earlier(year_1, HOUR) is None
    assert window(SyncMode.INCREMENTAL, cursor=year_1, lookback=HOUR) == SyncWindow(None, NOON)


def test_a_bound_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        SyncWindow(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends"):
        SyncWindow(at(1), at(0))


def test_a_window_reads_as_a_sentence() -> None:
    assert str(SyncWindow(NOON)) == "2026-11-21T12:00:00+00:00 to now"
    assert str(SyncWindow(None, NOON)) == "the beginning to 2026-11-21T12:00:00+00:00"


@given(start=minutes, length=st.integers(0, 500), step=st.integers(1, 100))
def test_steps_are_half_open_and_tile_their_window(start: datetime, length: int, step: int) -> None:
    whole = SyncWindow(start, start + timedelta(minutes=length))
    steps = list(whole.steps(timedelta(minutes=step), NOON))
    assert steps[0].since == whole.since
    assert steps[-1].until == whole.until
    for before, after in pairwise(steps):
        assert before.until == after.since
    for each in steps:
        assert each.since is not None
        assert each.until is not None
        assert each.until - each.since <= timedelta(minutes=step)


def test_a_window_without_a_start_is_read_whole() -> None:
    assert list(SyncWindow(None, NOON).steps(HOUR, NOON)) == [SyncWindow(None, NOON)]


def test_a_window_without_a_step_is_read_whole() -> None:
    assert list(SyncWindow(at(-600), NOON).steps(None, NOON)) == [SyncWindow(at(-600), NOON)]


def test_the_last_step_of_an_open_window_is_open_and_holds_the_present() -> None:
    steps = list(SyncWindow(at(-90)).steps(HOUR, NOON))
    assert steps == [SyncWindow(at(-90), at(-30)), SyncWindow(at(-30))]


def test_a_cursor_is_the_highest_value_that_was_seen() -> None:
    assert cursor_after(at(-7), SyncWindow(at(-60), NOON), NOON) == at(-7)


@given(highest=minutes, until=st.none() | minutes)
def test_a_cursor_passes_neither_its_window_nor_the_start_of_its_sync(
    highest: datetime, until: datetime | None
) -> None:
    reached = cursor_after(highest, SyncWindow(None, until), NOON)
    assert reached is not None
    assert reached <= min(highest, NOON, until or NOON)


def test_a_window_without_records_earns_no_cursor() -> None:
    assert cursor_after(None, SyncWindow(None, NOON), NOON) is None


@pytest.mark.parametrize(
    ("since", "cursor", "joined"),
    [
        (None, at(-600), True),
        (at(-60), None, True),
        (at(-660), at(-600), True),
        (at(-659), at(-600), False),  # what settled late before it would be skipped
        (at(-60), at(-600), False),
        (at(-60), datetime(1, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_window_joins_what_was_read_if_it_begins_before_the_cursor_less_the_lookback(
    since: datetime | None, cursor: datetime | None, joined: bool
) -> None:
    assert joins(SyncWindow(since), cursor, HOUR, NOON, first=True) is joined


@pytest.mark.parametrize(
    ("window", "joined"),
    [
        (SyncWindow(at(-60)), True),
        (SyncWindow(at(-60), NOON), True),
        (SyncWindow(at(-60), at(-1)), False),
        (SyncWindow(None, at(-1)), True),
    ],
)
def test_of_the_first_sync_only_what_reaches_the_present_or_the_beginning_joins(
    window: SyncWindow, joined: bool
) -> None:
    assert joins(window, None, HOUR, NOON, first=True) is joined


def test_where_a_cursor_was_forgotten_only_a_read_from_the_beginning_joins() -> None:
    assert not joins(SyncWindow(at(-60)), None, HOUR, NOON, first=False)
    assert joins(SyncWindow(), None, HOUR, NOON, first=False)


@pytest.mark.parametrize(
    ("only_today", "incremental", "mode"),
    [
        (True, True, SyncMode.INCREMENTAL),
        (False, True, SyncMode.FROM_DATE),
        (True, False, SyncMode.INCREMENTAL),
        (False, False, SyncMode.INCREMENTAL),  # it cannot be asked for days
    ],
)
def test_days_other_than_today_are_read_from_their_dates_where_that_can_be_asked(
    only_today: bool, incremental: bool, mode: SyncMode
) -> None:
    assert mode_for_days(only_today=only_today, incremental=incremental) is mode
