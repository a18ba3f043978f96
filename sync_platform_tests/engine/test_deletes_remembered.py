"""Vendors that remember deletions for some days: a longer pause makes the next sync a full one,
a quiet time does not, and the cursor does not pass what they have not told yet."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Target
from sync_platform.spec import Api, ConnectorObject, Field, Page, Read, faults, get
from sync_platform.spec.connector import Connector
from sync_platform_tests.engine.stage import CONTACTS, Stage, at, contacts
from sync_platform_tests.memory import MemoryCursors

DAYS_13 = timedelta(days=13)


@dataclass
class Log:
    """The vendor's log of deletions, which may be behind."""

    deleted: list[tuple[datetime, int]] = field(default_factory=list)
    covered: datetime | None = None
    forgets: int = 0  # of so many reads to come, some deletions
    reads: list[Read] = field(default_factory=list)
    begun: int = 0

    def begin(self, api: Api) -> None:
        assert api is not None
        self.begun += 1

    def pages(self, api: Api, read: Read) -> Iterator[Page]:
        self.reads.append(read)
        since = read.since or at(-1e6)
        until = min(read.until or at(1e6), self.covered or at(1e6))
        keys = [(id,) for when, id in self.deleted if since <= when < until]
        self.forgets -= 1
        yield Page(gone=keys, reached=self.covered, forgotten=self.forgets >= 0)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def stage(log: Log) -> Stage:
    """Contacts 1 and 2, synced."""
    stage = Stage(obj=contacts(deletes=log.pages, deletes_remembered=DAYS_13))
    stage.vendor.put(1, -10)
    stage.vendor.put(2, -5)
    stage.incremental()
    return stage


def later(stage: Stage, **span: float) -> None:
    stage.clock.sleep(timedelta(**span).total_seconds())


def test_a_long_pause_makes_the_next_sync_a_full_one(stage: Stage) -> None:
    del stage.vendor.records[1]
    later(stage, days=14)
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.ids == [2]
    assert any("remembers deletions for 13 days only" in sentence for sentence in stage.told)


def test_a_cursor_in_the_year_1_is_a_long_pause(stage: Stage) -> None:
    stage.cursors.forget(CONTACTS)
    stage.cursors.save(CONTACTS, datetime(1, 1, 1, tzinfo=UTC))
    stage.asking(lookback=timedelta(hours=1))
    assert stage.incremental().mode is SyncMode.FULL


def test_a_quiet_time_is_no_pause(stage: Stage) -> None:
    for _ in range(30):
        later(stage, days=1)
        assert stage.incremental().mode is SyncMode.INCREMENTAL


def test_without_such_a_word_a_pause_means_nothing(stage: Stage, log: Log) -> None:
    stage.asking(deletes_remembered=None)
    later(stage, days=100)
    assert stage.incremental().mode is SyncMode.INCREMENTAL


def test_the_first_sync_is_an_incremental_one_as_ever(stage: Stage) -> None:
    assert stage.last.mode is SyncMode.INCREMENTAL


def test_the_cursor_does_not_pass_what_is_not_told_yet(stage: Stage, log: Log) -> None:
    later(stage, hours=5)
    now = stage.clock.now()
    log.covered = now - timedelta(hours=2)
    stage.vendor.put(3, 299)
    stage.incremental()
    assert stage.cursor == log.covered
    log.deleted.append((now - timedelta(hours=1), 1))  # told after the fact
    log.covered = None
    later(stage, minutes=5)
    stage.incremental()
    assert stage.ids == [2, 3]


def test_a_from_date_sync_leaves_no_gap_of_forgotten_deletions(stage: Stage) -> None:
    before = stage.cursor
    assert before is not None
    later(stage, days=20)
    stage.vendor.put(2, 20 * 1440 - 1)
    stage.from_date(before - timedelta(hours=1), None)
    assert stage.cursor == before
    assert stage.incremental().mode is SyncMode.FULL


def test_a_from_date_sync_within_what_is_remembered_moves_the_cursor(stage: Stage) -> None:
    before = stage.cursor
    assert before is not None
    later(stage, days=2)
    stage.vendor.put(2, 2 * 1440 - 10)
    stage.from_date(before - timedelta(hours=1), None)
    assert stage.cursor == at(2 * 1440 - 10)


def test_deletions_that_are_forgotten_make_the_next_sync_a_full_one(stage: Stage, log: Log) -> None:
    del stage.vendor.records[1]
    log.forgets = 2
    assert stage.incremental().mode is SyncMode.INCREMENTAL
    assert any("which contacts were deleted since the last sync" in it for it in stage.told)
    later(stage, hours=1)
    assert stage.incremental().mode is SyncMode.FULL  # which needs nobody to tell it
    assert stage.ids == [2]
    assert stage.incremental().mode is SyncMode.INCREMENTAL


def test_that_they_are_is_known_after_a_kill_where_nothing_else_was_told(
    stage: Stage, log: Log
) -> None:
    class Killed(MemoryCursors):
        def save(self, target: Target, cursor: datetime) -> None:
            super().save(target, cursor)
            raise SystemExit

    later(stage, hours=5)
    stage.incremental()
    later(stage, hours=5)
    alive, stage.cursors = stage.cursors, Killed()
    stage.cursors.kept = alive.kept
    del stage.vendor.records[1]
    log.forgets = 1
    before = stage.cursor
    with pytest.raises(SystemExit):
        stage.incremental()
    assert stage.cursor != before, "the vendor is not asked for that span again"
    stage.cursors = alive
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.ids == [2]


def test_what_a_from_date_sync_finds_forgotten_the_next_sync_reads(stage: Stage, log: Log) -> None:
    log.forgets = 1
    stage.from_date(at(-20), None)
    assert stage.incremental().mode is SyncMode.FULL


def test_a_step_of_a_window_that_is_forgotten_counts_for_the_whole(stage: Stage, log: Log) -> None:
    stage.asking(step=timedelta(hours=1))
    later(stage, hours=5)
    log.forgets = 1
    before = len(log.reads)
    stage.incremental()
    assert len(log.reads) > before + 1
    assert stage.incremental().mode is SyncMode.FULL


def test_deletions_are_begun_to_be_told_before_everything_is_read(stage: Stage, log: Log) -> None:
    stage.asking(deletes_begin=log.begin)
    stage.incremental()
    stage.from_date(at(-20), None)
    assert log.begun == 0
    stage.full()
    assert log.begun == 1
    stage.cursors.forget(CONTACTS)
    stage.incremental()
    assert log.begun == 2


def test_reads_know_when_their_sync_began(stage: Stage, log: Log) -> None:
    assert log.reads[0].started_at == at(0)


@pytest.mark.parametrize(
    "word", [{"deletes_remembered": DAYS_13}, {"deletes_begin": lambda api: None}]
)
def test_it_means_nothing_without_deletes(word: dict[str, Any]) -> None:
    alone = ConnectorObject(name="a", fields=[Field("id")], read=get("/a"), **word)
    it = Connector(
        name="a", label="A", base_url="https://a.test", auth=[], objects=[alone], check=get("/")
    )
    assert any(next(iter(word)) in fault for fault in faults(it))
