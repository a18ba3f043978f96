"""The three laws of the cursor, held against everything a vendor may do between two pages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from hypothesis import event, given, settings
from hypothesis import strategies as st

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.errors import StoreUnavailable, VendorUnavailable
from sync_platform_tests.engine.changing_vendor import FIELDS, Change, ChangingVendor
from sync_platform_tests.engine.stage import Stage

MOST_LAG = 60  # seconds until the vendor's index has a change

changes = st.builds(
    Change,
    kind=st.sampled_from(["nothing", "create", "create", "edit", "edit", "delete"]),
    which=st.integers(0, 9),
    after=st.sampled_from([0, 0, 1, 20, 90, 600]),
    lag=st.sampled_from([0, 0, 5, MOST_LAG]),
)
between_calls = st.lists(st.lists(changes, max_size=2), max_size=8)
failures = st.none() | st.integers(0, 7)


@dataclass(frozen=True)
class Attempt:
    """A sync that somebody asks for, and what happens meanwhile."""

    mode: SyncMode
    before: Sequence[Change]
    between: Sequence[Sequence[Change]]
    fails_at_call: int | None
    cursor_is_lost: bool  # the store is away when the cursor is to be saved
    ago: tuple[int, int]  # of a from-date sync: its window, in minutes before now


attempts = st.builds(
    Attempt,
    mode=st.sampled_from([SyncMode.INCREMENTAL, SyncMode.FULL, SyncMode.FROM_DATE]),
    before=st.lists(changes, max_size=4),
    between=between_calls,
    fails_at_call=failures,
    cursor_is_lost=st.sampled_from([False, False, False, True]),
    ago=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How the vendor is, and how it is read."""

    granule: int
    skew: int
    closes_windows: bool
    tells_deletes: bool
    limit: int
    step: int | None
    commit_bytes: int
    side_by_side: int = 1


manners = st.builds(
    Manner,
    granule=st.sampled_from([1, 60, 86_400]),
    skew=st.sampled_from([-60, -1, 0, 1, 60]),
    closes_windows=st.booleans(),
    tells_deletes=st.booleans(),
    limit=st.integers(1, 3),
    step=st.sampled_from([None, None, 120, 600]),
    commit_bytes=st.sampled_from([0, 150, 1_000_000]),
)


def staged(manner: Manner, paging: Literal["keyset", "offset"]) -> tuple[Stage, ChangingVendor]:
    stage = Stage(fields=FIELDS, options={"commit_bytes": manner.commit_bytes})
    vendor = ChangingVendor(
        clock=stage.clock,
        granule=manner.granule,
        skew=manner.skew,
        closes_windows=manner.closes_windows,
        tells_deletes=manner.tells_deletes,
        limit=manner.limit,
        paging=paging,
    )
    lookback = timedelta(seconds=manner.granule + MOST_LAG)
    step = timedelta(seconds=manner.step * vendor.pace) if manner.step else None
    stage.obj = vendor.described(lookback=lookback, step=step, side_by_side=manner.side_by_side)
    stage.answer = vendor.answer
    return stage, vendor


def attempt(stage: Stage, vendor: ChangingVendor, asked: Attempt) -> None:
    """Sync, whatever comes of it; the second and third law are held against every saved cursor."""
    vendor.happen(asked.before)
    window = SyncWindow()
    if asked.mode is SyncMode.FROM_DATE:
        now = stage.clock.now()
        if stage.cursor is None:  # up to the present it would say that nobody wants what is older
            now -= timedelta(minutes=1)
        since, until = (now - timedelta(minutes=it) for it in sorted(asked.ago, reverse=True))
        window = SyncWindow(since, until)
    vendor.coming = [list(it) for it in asked.between]
    if asked.fails_at_call is not None:
        vendor.coming += [[]] * (asked.fails_at_call + 1 - len(vendor.coming))
        vendor.coming[asked.fails_at_call] = [Change("fail")]
    started_at, cursor_before = stage.clock.now(), stage.cursor

    def before_save(cursor: datetime) -> None:
        assert cursor <= started_at
        if asked.cursor_is_lost:
            raise StoreUnavailable

    stage.cursors.before_save = before_save
    try:
        stage.sync(asked.mode, window, accept_deletes=True)
    except (VendorUnavailable, StoreUnavailable):
        event("interrupted")
    stage.cursors.before_save = lambda cursor: None
    vendor.coming = []
    assert cursor_before is None or (stage.cursor is not None and stage.cursor >= cursor_before)


def quiet(stage: Stage, vendor: ChangingVendor, mode: SyncMode) -> None:
    """Let the vendor settle, then sync once. Only a full sync that went on with an interrupted one
    may not know yet what is gone of the part that was read before."""
    stage.clock.sleep(stage.obj.lookback.total_seconds() + 1)
    while stage.sync(mode, accept_deletes=True).resumed:
        event("resumed")
        if mode is not SyncMode.FULL:
            break


def go_through(
    stage: Stage, vendor: ChangingVendor, asked: list[Attempt], after: list[Change]
) -> None:
    for each in asked:
        attempt(stage, vendor, each)
    vendor.happen(after)


def rows(stage: Stage) -> dict[str, dict[str, object]]:
    return {key[0]: values for key, values in stage.table.live.items()}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(manner=manners, asked=st.lists(attempts, max_size=5), after=st.lists(changes, max_size=3))
def test_after_any_changes_and_one_quiet_sync_the_table_equals_the_vendor(
    manner: Manner, asked: list[Attempt], after: list[Change]
) -> None:
    stage, vendor = staged(manner, "keyset")
    go_through(stage, vendor, asked, after)
    quiet(stage, vendor, SyncMode.INCREMENTAL if manner.tells_deletes else SyncMode.FULL)
    assert rows(stage) == vendor.truth()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(manner=manners, asked=st.lists(attempts, max_size=5), after=st.lists(changes, max_size=3))
def test_the_laws_hold_for_offsets_whose_pages_have_a_record_in_common(
    manner: Manner, asked: list[Attempt], after: list[Change]
) -> None:
    stage, vendor = staged(replace(manner, limit=manner.limit + 1), "offset")
    go_through(stage, vendor, asked, after)
    quiet(stage, vendor, SyncMode.INCREMENTAL if manner.tells_deletes else SyncMode.FULL)
    assert rows(stage) == vendor.truth()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    manner=manners,
    step=st.sampled_from([20, 60, 120]),
    side_by_side=st.integers(2, 5),
    dawdle=st.lists(st.booleans(), max_size=30),
    asked=st.lists(attempts, max_size=5),
    after=st.lists(changes, max_size=3),
)
def test_the_laws_hold_for_steps_that_are_read_at_the_same_time(
    manner: Manner,
    step: int,
    side_by_side: int,
    dawdle: list[bool],
    asked: list[Attempt],
    after: list[Change],
) -> None:
    stage, vendor = staged(replace(manner, step=step, side_by_side=side_by_side), "keyset")
    vendor.dawdle = dawdle
    go_through(stage, vendor, asked, after)
    quiet(stage, vendor, SyncMode.INCREMENTAL if manner.tells_deletes else SyncMode.FULL)
    assert rows(stage) == vendor.truth()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(manner=manners, asked=st.lists(attempts, max_size=4), after=st.lists(changes, max_size=3))
def test_a_quiet_full_sync_mends_what_paging_by_offset_skipped(
    manner: Manner, asked: list[Attempt], after: list[Change]
) -> None:
    stage, vendor = staged(replace(manner, limit=1), "offset")  # too short to have one in common
    go_through(stage, vendor, asked, after)
    quiet(stage, vendor, SyncMode.FULL)
    assert rows(stage) == vendor.truth()
