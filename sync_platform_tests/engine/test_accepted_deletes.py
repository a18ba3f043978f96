"""What a person let one full sync delete holds for whoever goes on with it, and for nobody else."""

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.turn import HELD, RESUME_WITHIN, WITHDRAWN
from sync_platform.errors import TooManyDeletes, VendorUnavailable
from sync_platform.spec import Field, Filter
from sync_platform_tests.engine.stage import DELETES, FIELDS, Stage, at
from sync_platform_tests.fakes import NOON


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """Four of six contacts are gone without a word, two pages are left: too many to be marked."""
    for id in (1, 2, 3, 4):
        del stage.vendor.records[id]
    stage.vendor.put(7, -1)
    return stage


def interrupted(
    stage: Stage,
    mode: SyncMode = SyncMode.FULL,
    *,
    at_call: int = 2,
    error: type[BaseException] = VendorUnavailable,
    accept_deletes: bool = False,
) -> None:
    """Begin a sync, and end it at that call."""
    first = len(stage.vendor.reads)

    def fail(call: int) -> None:
        if call - first == at_call:
            raise error

    stage.vendor.before = fail
    with pytest.raises(error):
        stage.sync(mode, accept_deletes=accept_deletes)
    stage.vendor.before = lambda call: None


def refused(stage: Stage, mode: SyncMode = SyncMode.INCREMENTAL) -> bool:
    """Whether the next sync waits for a person, having marked nothing."""
    try:
        stage.sync(mode)
    except TooManyDeletes:
        assert stage.ids == [1, 2, 3, 4, 5, 6, 7]
        return True
    return False


@pytest.mark.parametrize("mode", [SyncMode.INCREMENTAL, SyncMode.FULL])
def test_who_goes_on_with_it_marks_what_was_accepted(stage: Stage, mode: SyncMode) -> None:
    interrupted(stage, accept_deletes=True)
    assert stage.sync(mode).resumed
    assert stage.ids == [5, 6, 7]
    assert HELD in stage.told


def test_however_often_it_is_interrupted(stage: Stage) -> None:
    interrupted(stage, accept_deletes=True)
    for _ in range(2):
        interrupted(stage, SyncMode.INCREMENTAL, at_call=1)
    stage.incremental()
    assert stage.ids == [5, 6, 7]


def test_after_its_rows_were_read_too(stage: Stage) -> None:
    stage.asking(deletes=DELETES)
    interrupted(stage, at_call=3, accept_deletes=True)  # the first that is for gone keys
    assert stage.incremental().resumed
    assert stage.ids == [5, 6, 7]


def test_who_goes_on_may_accept_what_was_not_and_that_holds_too(stage: Stage) -> None:
    interrupted(stage)
    interrupted(stage, at_call=1, accept_deletes=True)
    stage.incremental()
    assert stage.ids == [5, 6, 7]


def test_what_nobody_accepted_is_refused_as_ever(stage: Stage) -> None:
    interrupted(stage)
    assert refused(stage)
    assert HELD not in stage.told


@pytest.mark.parametrize("other", [VendorUnavailable, None])
def test_a_later_full_sync_is_none_of_it(stage: Stage, other: type[BaseException] | None) -> None:
    interrupted(stage, accept_deletes=True)
    stage.incremental()
    stage.clock.set(at(120))
    for id in (5, 6):
        del stage.vendor.records[id]
    if other is not None:
        interrupted(stage, error=other, at_call=1)
    with pytest.raises(TooManyDeletes):
        stage.full()
    assert stage.ids == [5, 6, 7]


def test_one_that_begins_anew_is_none_of_it(stage: Stage) -> None:
    stage.asking(filters=[Filter(name="status", label="Status")])

    def other_filters() -> None:
        stage.filters = {"status": "open"}

    def other_account() -> None:
        stage.options["account"] = "another"

    def other_fields() -> None:
        stage.fields = (*FIELDS, Field("email"))

    def too_late() -> None:
        stage.clock.set(NOON + 2 * RESUME_WITHIN)

    for change in (other_filters, other_account, other_fields, stage.table.lose_seen, too_late):
        interrupted(stage, accept_deletes=True)
        change()
        assert refused(stage, SyncMode.FULL), change


def test_a_person_who_cancels_it_takes_it_back(stage: Stage) -> None:
    interrupted(stage, error=KeyboardInterrupt, accept_deletes=True)
    assert refused(stage)
    assert WITHDRAWN in stage.told


def test_a_person_who_cancels_what_goes_on_with_it_takes_it_back(stage: Stage) -> None:
    interrupted(stage, accept_deletes=True)
    interrupted(stage, SyncMode.INCREMENTAL, error=KeyboardInterrupt, at_call=1)
    interrupted(stage, SyncMode.INCREMENTAL, at_call=1)
    assert refused(stage)


def test_what_history_does_not_tell_any_more_is_asked_for_again(stage: Stage) -> None:
    interrupted(stage, accept_deletes=True)
    stage.history.records.clear()
    assert refused(stage)
