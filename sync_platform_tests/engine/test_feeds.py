"""Objects whose records do not tell when they changed, but whose vendor has a feed that does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.errors import VendorUnavailable
from sync_platform.spec import Api, Bulk, Changes, Json, Page, Read
from sync_platform_tests.engine.stage import Stage, at, contacts

MONTH = timedelta(days=30)


@dataclass
class Feed:
    """A vendor's feed: each event is a moment and a record, or the key of one that is gone."""

    events: list[tuple[datetime, Json]] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    fails: bool = False

    def changed(self, minutes: float, id: int, name: str) -> None:
        self.events.append((at(minutes), {"id": id, "name": name}))

    def went(self, minutes: float, id: int) -> None:
        self.events.append((at(minutes), id))

    def pages(self, api: Api, read: Read) -> Iterator[Page]:
        self.reads.append(read)
        assert read.since is not None
        for when, what in self.events:
            if when < read.since or (read.until and when >= read.until):
                continue
            if isinstance(what, int):
                yield Page(gone=[(what,)], reached=when)
            else:
                yield Page(rows=[what], reached=when)
            if self.fails:
                raise VendorUnavailable


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def stage(feed: Feed) -> Stage:
    """Contacts 1 and 2, which have no cursor; the feed is empty."""
    stage = Stage(obj=contacts(cursor=None, changes=Changes(read=feed.pages, remembers=MONTH)))
    stage.vendor.put(1, -10)
    stage.vendor.put(2, -5)
    return stage


def names(stage: Stage) -> list[str]:
    return sorted(str(values["name"]) for values in stage.table.live.values())


def test_the_first_sync_reads_everything(stage: Stage, feed: Feed) -> None:
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.ids == [1, 2]
    assert feed.reads == []


def test_from_then_on_the_feed_is_read(stage: Stage, feed: Feed) -> None:
    stage.incremental()
    calls = len(stage.vendor.reads)
    stage.clock.sleep(600)
    feed.changed(1, 2, "Ada")
    feed.changed(2, 3, "Bob")
    feed.went(3, 1)
    result = stage.incremental()
    assert (result.mode, names(stage)) == (SyncMode.INCREMENTAL, ["Ada", "Bob"])
    assert (result.counts.created, result.counts.updated, result.counts.deleted) == (1, 1, 1)
    assert len(stage.vendor.reads) == calls


def test_the_feed_is_read_from_before_the_sync_that_read_everything(
    stage: Stage, feed: Feed
) -> None:
    """What changed while it read, or on a vendor's clock that is behind ours, is in the feed."""
    stage.incremental()
    stage.incremental()
    assert feed.reads[0].since == at(-60)


def test_a_quiet_feed_moves_the_cursor_too(stage: Stage, feed: Feed) -> None:
    """Else a month without an event would look like a month without a sync."""
    for _ in range(40):
        stage.incremental()
        stage.clock.sleep(86_400)
    assert stage.last.mode is SyncMode.INCREMENTAL
    assert len(feed.reads) == 39


def test_a_pause_longer_than_the_feed_remembers_makes_a_full_sync(stage: Stage, feed: Feed) -> None:
    stage.incremental()
    stage.clock.sleep(30 * 86_400)
    del stage.vendor.records[1]
    assert stage.incremental().mode is SyncMode.FULL
    assert stage.ids == [2]
    assert any("remembers changes for 30 days only" in sentence for sentence in stage.told)


def test_a_feed_that_breaks_off_moves_no_cursor(stage: Stage, feed: Feed) -> None:
    stage.incremental()
    before = stage.cursor
    stage.clock.sleep(7200)
    feed.changed(90, 3, "Bob")
    feed.changed(91, 4, "Cyd")
    feed.fails = True
    with pytest.raises(VendorUnavailable):
        stage.incremental()
    assert stage.cursor == before
    feed.fails = False
    stage.incremental()
    assert stage.ids == [1, 2, 3, 4]


def test_a_from_date_sync_reads_records_and_leaves_the_cursor(stage: Stage, feed: Feed) -> None:
    stage.incremental()
    before = stage.cursor
    stage.clock.sleep(7200)
    stage.from_date(at(-7), None)
    assert stage.cursor == before
    assert feed.reads == []


def test_nor_does_a_first_one_that_finds_nothing_set_a_starting_point(stage: Stage) -> None:
    """The feed tells of other moments than those by which records are asked for."""
    stage.from_date(at(-3), None)
    assert (stage.ids, stage.cursor) == ([], None)
    stage.incremental()
    assert stage.ids == [1, 2]


def test_many_records_are_read_in_bulk_and_few_page_by_page(stage: Stage) -> None:
    def rows(api: Api, read: Read) -> Iterator[Page]:
        yield Page(rows=[{"id": id, "name": "bulk", "updated": None} for id in (1, 2)])

    for above, found in ((2, ["contact 1", "contact 2"]), (1, ["bulk", "bulk"])):
        stage.asking(changes=None, bulk=Bulk(count=lambda api, read: 2, read=rows, above=above))
        stage.full()
        assert names(stage) == found
    assert "2 contacts to read: in bulk, as from 1 on." in stage.told


def test_a_bulk_read_that_broke_off_goes_on_as_one(stage: Stage) -> None:
    reads: list[Read] = []

    def rows(api: Api, read: Read) -> Iterator[Page]:
        reads.append(read)
        if read.resume is None:
            yield Page(rows=[{"id": 1, "name": "bulk", "updated": None}], resume={"locator": "b"})
            raise VendorUnavailable
        yield Page(rows=[{"id": 2, "name": "bulk", "updated": None}])

    counts = iter([2])  # asked once: the number may be another one meanwhile
    stage.asking(changes=None, bulk=Bulk(count=lambda api, read: next(counts), read=rows, above=1))
    with pytest.raises(VendorUnavailable):
        stage.full()
    stage.full()
    assert names(stage) == ["bulk", "bulk"]
    assert [read.resume for read in reads] == [None, {"locator": "b"}]


def test_an_incremental_sync_with_a_cursor_counts_nothing(stage: Stage) -> None:
    bulk = Bulk(count=lambda api, read: pytest.fail("counted"), read=stage_reader, above=1)
    stage.asking(changes=None, cursor="updated")
    stage.incremental()
    stage.asking(bulk=bulk)
    stage.vendor.put(3, 1)
    stage.clock.sleep(600)
    stage.incremental()
    assert stage.ids == [1, 2, 3]


def stage_reader(api: Api, read: Read) -> Iterator[Page]:
    raise AssertionError("read in bulk")
