"""Commits run while more is read: one at a time, and none is under way when it matters."""

import threading

import pytest

from sync_platform.engine.results import Counts, SyncStatus
from sync_platform.errors import LeaseLost, StoreUnavailable, VendorUnavailable
from sync_platform_tests.engine.stage import Stage
from sync_platform_tests.engine.test_ahead import PATIENCE


@pytest.fixture
def stage() -> Stage:
    """Nine contacts on five pages; each page is a commit."""
    stage = Stage()
    for id in range(1, 10):
        stage.vendor.put(id, -id)
    return stage


class FirstCommit:
    """Stands until it is told to go on; the commits after it pass."""

    def __init__(self, stage: Stage) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()
        self.fails: Exception | None = None
        stage.destination.before_commit = self

    def __call__(self) -> None:
        if self.began.is_set():
            return
        self.began.set()
        assert self.may_end.wait(PATIENCE)
        if self.fails is not None:
            raise self.fails


def committers() -> list[threading.Thread]:
    return [it for it in threading.enumerate() if it.name == "committer"]


def when_told(stage: Stage, beginning: str, then: threading.Event) -> None:
    def told(sentence: str, counts: Counts) -> None:
        stage.told.append(sentence)
        if sentence.startswith(beginning):
            then.set()

    stage.options["on_progress"] = told


def test_a_page_is_taken_in_while_the_one_before_is_committed(stage: Stage) -> None:
    commit = FirstCommit(stage)
    when_told(stage, "Page 2", commit.may_end)  # or it would wait in vain
    result = stage.full()
    assert result.counts == Counts(fetched=9, created=9)
    assert [it.fetched for it in stage.table.commits if it.fetched] == [2, 2, 2, 2, 1]
    first = [line.split(":")[0] for line in stage.told[1:4]]
    assert first == ["Page 1", "Page 2", "Committed"]
    assert committers() == []


def test_commits_are_one_at_a_time(stage: Stage) -> None:
    seen: list[int] = []
    stage.destination.before_commit = lambda: seen.append(len(committers()))
    stage.full()
    assert len(seen) >= 5
    assert set(seen) == {1}


def test_no_commit_is_under_way_when_the_cursor_is_saved_or_the_rows_are_reconciled(
    stage: Stage,
) -> None:
    left: list[int] = []
    stage.cursors.before_save = lambda cursor: left.append(9 - len(stage.ids) + len(committers()))
    stage.full()
    assert left == [0]


def test_a_commit_that_fails_ends_the_sync_before_the_next_one(stage: Stage) -> None:
    commit = FirstCommit(stage)
    commit.fails = LeaseLost("Another sync has taken over.")
    when_told(stage, "Page 2", commit.may_end)
    with pytest.raises(LeaseLost, match="Another sync"):
        stage.full()
    assert stage.table.commits == []
    assert stage.last.counts == Counts()
    assert committers() == []


def test_what_is_being_committed_when_the_vendor_fails_is_committed_and_counted(
    stage: Stage,
) -> None:
    commit = FirstCommit(stage)

    def fail(call: int) -> None:
        if call == 2:
            assert commit.began.wait(PATIENCE)
            commit.may_end.set()
            raise VendorUnavailable

    stage.vendor.before = fail
    with pytest.raises(VendorUnavailable):
        stage.full()
    assert stage.ids == [1, 2]
    assert stage.last.counts.created == 2
    assert committers() == []


def test_where_the_vendor_and_the_commit_fail_both_are_told(stage: Stage) -> None:
    commit = FirstCommit(stage)
    commit.fails = StoreUnavailable("Postgres is away.")
    error = VendorUnavailable("The vendor is away.")

    def fail(sentence: str, counts: Counts) -> None:
        if sentence.startswith("Page 2"):
            commit.may_end.set()
            raise error

    stage.options["on_progress"] = fail
    with pytest.raises(VendorUnavailable):
        stage.full()
    assert error.__notes__ == ["The commit under way failed, too: Postgres is away."]


def test_whoever_stops_a_sync_stops_its_commit(stage: Stage) -> None:
    commit = FirstCommit(stage)
    commit.fails = StoreUnavailable("Postgres gave up, as it was asked to.")
    stage.destination.cancel = commit.may_end.set

    def stop(sentence: str, counts: Counts) -> None:
        if sentence.startswith("Page 2"):
            raise KeyboardInterrupt

    stage.options["on_progress"] = stop
    with pytest.raises(KeyboardInterrupt):
        stage.full()
    assert stage.ids == []
    assert stage.last.status is SyncStatus.CANCELED
    assert committers() == []


def test_the_heart_beats_while_a_commit_is_waited_for(stage: Stage) -> None:
    commit = FirstCommit(stage)
    stage.options["commit_bytes"] = 1_000_000  # one commit, when all is read

    def beating() -> None:
        assert commit.began.wait(PATIENCE)
        before = stage.history.records[0].beats
        while stage.history.records[0].beats == before:
            threading.Event().wait(0.01)
        commit.may_end.set()

    watch = threading.Thread(target=beating)
    watch.start()
    assert stage.full().counts.created == 9
    watch.join()
