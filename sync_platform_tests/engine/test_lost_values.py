"""A table that lost values is read in full by the next tick, whatever came between."""

import pytest

from sync_platform.engine.destination import Progress
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.errors import Unexpected
from sync_platform.spec import Field
from sync_platform_tests.engine.stage import FIELDS, Stage, at, interrupt
from sync_platform_tests.fakes import NOON


def lose_values(stage: Stage) -> None:
    """What the destination leaves where somebody dropped a column, or a table."""
    stage.table.progress = Progress(
        sync="", mode=SyncMode.FULL, window=SyncWindow(), started_at=NOON, shape="", position=None
    )


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """One whose table has everything, and then lost values."""
    stage.incremental()
    stage.vendor.reads.clear()
    lose_values(stage)
    return stage


def test_the_next_tick_reads_everything_and_the_one_after_it_does_not(stage: Stage) -> None:
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.table.progress is None
    assert stage.incremental().mode is SyncMode.INCREMENTAL


@pytest.mark.parametrize("first", [SyncMode.FULL, SyncMode.INCREMENTAL])
def test_values_lost_while_the_first_read_was_interrupted_are_owed_after_a_from_date_sync(
    first: SyncMode,
) -> None:
    stage = Stage()
    for id in range(1, 7):
        stage.vendor.put(id, id - 100)
    interrupt(stage, first, at_call=2)
    lose_values(stage)
    stage.from_date(at(-50), None)
    assert stage.cursor is None
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.ids == [1, 2, 3, 4, 5, 6]


def test_values_lost_after_the_cursor_was_forgotten_are_owed_too(stage: Stage) -> None:
    stage.cursors.kept.clear()
    stage.from_date(at(-50), None)
    assert stage.cursor is None
    assert stage.incremental().mode is SyncMode.FULL


def test_a_full_sync_makes_good_for_it(stage: Stage) -> None:
    stage.full()
    assert stage.incremental().mode is SyncMode.INCREMENTAL


def test_a_from_date_sync_leaves_it_to_the_next_tick(stage: Stage) -> None:
    assert stage.from_date(at(-200), at(60)).mode is SyncMode.FROM_DATE
    assert stage.from_date(at(-200), at(60)).mode is SyncMode.FROM_DATE
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.incremental().mode is SyncMode.INCREMENTAL


def test_an_interrupted_from_date_sync_leaves_it_too(stage: Stage) -> None:
    asked = SyncWindow(at(-200), at(60))
    interrupt(stage, SyncMode.FROM_DATE, asked)
    assert stage.incremental().mode is SyncMode.FULL


def test_a_from_date_sync_that_went_on_leaves_it_too(stage: Stage) -> None:
    asked = SyncWindow(at(-200), at(60))
    interrupt(stage, SyncMode.FROM_DATE, asked)
    assert stage.sync(SyncMode.FROM_DATE, asked).resumed
    assert stage.incremental().mode is SyncMode.FULL


def test_a_from_date_sync_that_takes_the_place_of_an_interrupted_full_one_leaves_it_too(
    stage: Stage,
) -> None:
    interrupt(stage, SyncMode.INCREMENTAL)
    stage.from_date(at(-200), at(60))
    assert stage.incremental().mode is SyncMode.FULL


def test_keys_that_are_lost_with_the_server_do_not_make_it_forgotten(stage: Stage) -> None:
    interrupt(stage, SyncMode.INCREMENTAL)
    stage.table.lose_seen()
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.incremental().mode is SyncMode.INCREMENTAL


def test_other_fields_do_not_make_it_forgotten(stage: Stage) -> None:
    interrupt(stage, SyncMode.INCREMENTAL)
    stage.fields = (*FIELDS, Field("email"))
    result = stage.incremental()
    assert result.mode is SyncMode.FULL
    assert stage.ids == [1, 2, 3, 4, 5, 6]


def test_a_read_that_breaks_off_wrongly_does_not_make_it_forgotten(stage: Stage) -> None:
    def fail(call: int) -> None:
        raise Unexpected("The answer makes no sense.")

    for _ in range(2):
        stage.vendor.before = fail
        with pytest.raises(Unexpected):
            stage.incremental()
        with pytest.raises(Unexpected):
            stage.from_date(at(-200), at(60))
    stage.vendor.before = lambda call: None
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.incremental().mode is SyncMode.INCREMENTAL
