"""How a sync begins and ends: lease, history, callbacks, the api closed, no thread left."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Terms
from sync_platform.engine.results import Counts, SchemaChange, SyncStatus, Target
from sync_platform.errors import (
    AlreadySyncing,
    CircuitOpen,
    NeedsReauth,
    NotPermitted,
    StoreUnavailable,
    SyncPlatformError,
    Unexpected,
    VendorUnavailable,
)
from sync_platform.spec import Filter
from sync_platform_tests.engine.stage import CONTACTS, Stage, at
from sync_platform_tests.engine.test_ahead import PATIENCE, readers
from sync_platform_tests.fakes import NOON

MENDED = SchemaChange(
    object="contacts",
    field="email",
    kind="mended",
    before="renamed to mail",
    after="has its name back",
)


@pytest.fixture
def stage() -> Stage:
    """Nine contacts on five pages."""
    stage = Stage()
    for id in range(1, 10):
        stage.vendor.put(id, -id)
    return stage


def test_a_sync_that_ends_well_is_in_the_history_with_its_counts(stage: Stage) -> None:
    plan = stage.plan(SyncMode.INCREMENTAL, run_id="run-7", automatic=True)
    plan.count_rows = True
    result = plan.run(stage.destination)
    assert result == stage.last == plan.result
    assert result.status is SyncStatus.SUCCEEDED
    assert result.counts == Counts(fetched=9, created=9)
    assert (result.run_id, result.automatic, result.resumed) == ("run-7", True, False)
    assert result.window == SyncWindow(None, NOON)
    assert result.usage.calls == 6
    assert plan.rows_now == 9


def test_the_second_sync_counts_what_it_changed(stage: Stage) -> None:
    stage.full()
    stage.clock.set(at(1))
    stage.vendor.put(3, -1, "edited")
    del stage.vendor.records[9]
    counts = stage.full().counts
    assert counts == Counts(fetched=8, updated=1, deleted=1)
    assert counts.unchanged == 7


def test_a_failure_is_in_the_history_and_raised_again(stage: Stage) -> None:
    error = VendorUnavailable("HubSpot could not be reached.")

    def fail(call: int) -> None:
        if call == 3:
            raise error

    stage.vendor.before = fail
    with pytest.raises(VendorUnavailable) as raised:
        stage.incremental()
    assert raised.value is error
    assert stage.last.status is SyncStatus.FAILED
    assert stage.last.error == "HubSpot could not be reached."
    assert stage.last.error_code == "vendor_unavailable"
    assert stage.last.counts.fetched == 4
    assert stage.last.finished_at is not None


def test_a_bug_is_in_the_history_and_raised_as_an_error_of_ours(stage: Stage) -> None:
    stage.answer = lambda request, asked: 1 // 0
    with pytest.raises(Unexpected, match=r"ZeroDivisionError.*a bug of its connector") as raised:
        stage.incremental()
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert (stage.last.status, stage.last.error_code) == (SyncStatus.FAILED, "unexpected")


def test_a_sync_that_somebody_stops_is_canceled(stage: Stage) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    stage.destination.before_commit = stop
    with pytest.raises(KeyboardInterrupt):
        stage.incremental()
    assert stage.last.status is SyncStatus.CANCELED


@pytest.mark.parametrize(
    ("options", "status"),
    [({}, SyncStatus.STOPPED), ({"canceled": lambda exit: True}, SyncStatus.CANCELED)],
    ids=["by itself", "by a person"],
)
def test_a_sync_whose_process_is_ended_is_stopped_unless_whoever_planned_it_knows_better(
    stage: Stage, options: dict[str, Any], status: SyncStatus
) -> None:
    def stop() -> None:
        raise SystemExit(143)

    stage.options.update(options)
    stage.destination.before_commit = stop
    with pytest.raises(SystemExit):
        stage.incremental()
    assert stage.last.status is status


def test_whoever_planned_it_hears_of_a_failure_after_history_has_it(stage: Stage) -> None:
    heard: list[tuple[SyncPlatformError, SyncStatus]] = []
    stage.options["on_error"] = lambda error: heard.append((error, stage.last.status))
    stage.options["on_success"] = lambda: pytest.fail("it did not succeed")

    def fail(call: int) -> None:
        raise NeedsReauth

    stage.vendor.before = fail
    with pytest.raises(NeedsReauth) as raised:
        stage.incremental()
    assert heard == [(raised.value, SyncStatus.FAILED)]


def test_whoever_planned_it_hears_of_success_after_history_has_it(stage: Stage) -> None:
    heard: list[SyncStatus] = []
    stage.options["on_error"] = lambda error: pytest.fail("it did not fail")
    stage.options["on_success"] = lambda: heard.append(stage.last.status)
    stage.incremental()
    assert heard == [SyncStatus.SUCCEEDED]


def test_a_sync_that_must_not_start_leaves_no_trace(stage: Stage) -> None:
    def check() -> None:
        assert stage.leases.busy(CONTACTS)  # or another could start in between
        raise CircuitOpen

    stage.options["check"] = check
    with pytest.raises(CircuitOpen):
        stage.incremental()
    assert stage.history.records == []
    assert stage.apis == []
    assert not stage.leases.busy(CONTACTS)


def test_an_object_is_synced_by_one_sync_at_a_time(stage: Stage) -> None:
    plan = stage.plan(SyncMode.INCREMENTAL)
    with stage.leases.hold(CONTACTS, wait=plan.request.wait), pytest.raises(AlreadySyncing):
        plan.run(stage.destination)
    assert stage.history.records == []
    assert plan.run(stage.destination).status is SyncStatus.SUCCEEDED


def test_a_connection_is_synced_by_two_syncs_at_a_time(stage: Stage) -> None:
    wait = stage.plan(SyncMode.FULL).request.wait
    with (
        stage.leases.hold(Target("acme", "deals"), wait=wait),
        stage.leases.hold(Target("acme", "owners"), wait=wait),
        stage.leases.hold(Target("other", "deals"), wait=wait),
        pytest.raises(AlreadySyncing),
    ):
        stage.incremental()


def test_the_cursor_is_read_and_the_clock_looked_at_under_the_lease(stage: Stage) -> None:
    def check() -> None:  # the other sync, for which this one waited, has just ended
        stage.was_read_up_to(at(-4))
        stage.clock.set(at(3))

    stage.options["check"] = check
    assert stage.incremental().window == SyncWindow(at(-4), at(3))


def test_the_lease_is_let_go_when_a_sync_fails(stage: Stage) -> None:
    stage.answer = lambda request, asked: 1 // 0
    with pytest.raises(Unexpected):
        stage.incremental()
    assert not stage.leases.busy(CONTACTS)


# -- the api and the reader ---------------------------------------------------------------------


def test_the_api_is_closed_when_a_sync_ends_well(stage: Stage) -> None:
    stage.incremental()
    assert [api.closed.is_set() for api in stage.apis] == [True]


def test_the_api_is_closed_when_the_vendor_fails(stage: Stage) -> None:
    def fail(call: int) -> None:
        raise VendorUnavailable

    stage.vendor.before = fail
    with pytest.raises(VendorUnavailable):
        stage.incremental()
    assert [api.closed.is_set() for api in stage.apis] == [True]


def test_the_api_is_closed_when_the_fields_cannot_be_found(stage: Stage) -> None:
    def find_fields(api: object, anew: bool) -> None:
        raise NotPermitted

    stage.options["find_fields"] = find_fields
    with pytest.raises(NotPermitted):
        stage.incremental()
    assert [api.closed.is_set() for api in stage.apis] == [True]
    assert stage.last.error_code == "not_permitted"


def test_an_api_that_cannot_be_opened_is_in_the_history_too(stage: Stage) -> None:
    def open_api() -> None:
        raise NeedsReauth

    stage.options["open_api"] = open_api
    with pytest.raises(NeedsReauth):
        stage.incremental()
    assert stage.last.error_code == "needs_reauth"


def test_the_reader_ends_when_the_loader_raises(stage: Stage) -> None:
    def away() -> None:
        raise StoreUnavailable("Postgres is away.")

    stage.destination.before_commit = away
    with pytest.raises(StoreUnavailable, match="Postgres is away"):
        stage.incremental()
    assert readers() == []


def test_the_reader_is_woken_from_a_slow_vendor_when_the_loader_raises(stage: Stage) -> None:
    waits = threading.Event()
    woken: list[bool] = []

    def slow(call: int) -> None:
        if call == 2:
            waits.set()
            woken.append(stage.apis[0].closed.wait(PATIENCE))

    def away() -> None:
        assert waits.wait(PATIENCE)
        raise StoreUnavailable("Postgres is away.")

    stage.vendor.before = slow
    stage.destination.before_commit = away
    with pytest.raises(StoreUnavailable, match="Postgres is away"):
        stage.incremental()
    assert readers() == []
    assert woken == [True]


# -- commits ------------------------------------------------------------------------------------


def commits(stage: Stage) -> list[int]:
    """How many records each commit had, leaving out those that only noted the position."""
    return [counts.fetched for counts in stage.table.commits if counts.fetched]


def test_pages_are_committed_together_up_to_a_size(stage: Stage) -> None:
    stage.options["commit_bytes"] = 200  # three contacts
    stage.incremental()
    assert commits(stage) == [4, 4, 1]


def test_the_first_commit_comes_early_and_each_later_one_is_twice_as_much(stage: Stage) -> None:
    """So that the destination begins while a sync is young, and a long one has few commits."""
    for id in range(1, 41):
        stage.vendor.put(id, -id, name="x" * 100_000)
    stage.options = {"commit_bytes": 1_600_000}
    stage.incremental()
    assert commits(stage) == [6, 10, 16, 8]  # from half a megabyte on; two are on a page


def test_a_small_sync_is_committed_once(stage: Stage) -> None:
    stage.options = {"commit_bytes": 1_000_000}
    stage.incremental()
    assert [counts.fetched for counts in stage.table.commits] == [9]


def test_pages_are_committed_after_a_time(stage: Stage) -> None:
    stage.options |= {"commit_bytes": 1_000_000, "commit_seconds": 0.0}
    stage.incremental()
    assert commits(stage) == [2, 2, 2, 2, 1]


def test_what_was_committed_before_a_failure_stays(stage: Stage) -> None:
    def fail(call: int) -> None:
        if call == 4:
            raise VendorUnavailable

    stage.vendor.before = fail
    stage.options["commit_bytes"] = 200
    with pytest.raises(VendorUnavailable):
        stage.incremental()
    assert stage.ids == [1, 2, 3, 4]
    assert stage.last.counts.created == 4


def test_every_page_is_a_heartbeat(stage: Stage) -> None:
    stage.options["commit_bytes"] = 1_000_000
    stage.incremental()
    assert stage.history.records[0].beats >= 6


def test_what_was_mended_in_the_table_is_told(stage: Stage) -> None:
    stage.destination.told = (MENDED,)
    stage.full()
    assert stage.told[0] == "The column email was renamed to mail, and has its name back."


def test_what_became_of_the_table_is_kept_before_anything_is_read(stage: Stage) -> None:
    kept: list[SchemaChange] = []

    def keep(changes: Sequence[SchemaChange]) -> Sequence[SchemaChange]:
        kept.extend(changes)
        assert not stage.vendor.reads
        return ()

    stage.destination.told = (MENDED,)
    stage.options["keep"] = keep
    stage.full()
    assert kept == [MENDED]
    assert str(MENDED) not in stage.told  # it is no news


def test_a_sync_goes_by_what_is_asked_for_once_it_has_its_lease(stage: Stage) -> None:
    def check() -> Terms:
        assert stage.leases.busy(CONTACTS)
        return Terms(account="another", settings={"region": "eu"}, filters={"stage": "won"})

    stage.asking(filters=[Filter(name="stage", label="Stage")])
    stage.options["check"] = check
    stage.full()
    asked = {(str(read.filters), str(read.settings)) for _, read in stage.vendor.reads}
    assert asked == {("{'stage': 'won'}", "{'region': 'eu'}")}


def test_progress_is_told_in_sentences(stage: Stage) -> None:
    stage.options["commit_bytes"] = 1_000_000
    stage.full()
    first, *pages, committed, last = stage.told
    assert first == "Reading contacts, full, the beginning to now."
    assert pages[0] == "Page 1: 2 records."
    assert len(pages) == 6
    assert committed.startswith("Committed: 9 created, 0 updated, 0 deleted, 0 unchanged; 9 ")
    assert last == "Reconciled: 0 no longer there."


def test_the_pages_of_a_quick_vendor_are_told_together(stage: Stage) -> None:
    stage.options["commit_bytes"] = 1_000_000
    for id in range(100, 200):
        stage.vendor.put(id, -50)
    stage.full()
    alone = [line for line in stage.told if line.startswith("Page ")]
    together = [line for line in stage.told if line.startswith("Pages ")]
    assert len(alone) == 20
    assert together
    assert together[0].startswith("Pages 21 to ")
