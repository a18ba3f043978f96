"""Fields that go at the vendor while a sync reads: what we have of them is the only copy."""

import pytest

from sync_platform.engine.fields import Found
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.errors import VendorUnavailable
from sync_platform.spec import Field
from sync_platform_tests.engine.stage import FIELDS, Stage, at, interrupt
from sync_platform_tests.fakes import NOON

HAT, CAP, MAIL = Field("hat"), Field("cap"), Field("mail")
BOTH = pytest.mark.parametrize("mode", [SyncMode.INCREMENTAL, SyncMode.FULL])


class Wardrobe:
    """Six contacts with hats and caps and without mail, synced, and then edited. The fields in
    `going` go one after the other: each when an attempt has its first page, and has read few more.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage, self.going = stage, list[Field]()
        self.has = self.known = [*FIELDS, HAT, CAP, MAIL]
        stage.options["find_fields"] = self.find
        stage.options["on_progress"] = self.told_of
        stage.vendor.limit = 1  # pages of one record
        stage.clock.set(at(-60))
        for id in range(1, 7):
            stage.vendor.put(id, -100)
            stage.vendor.records[id] |= {"hat": "top", "cap": "flat"}
        stage.full()
        for record in stage.vendor.records.values():
            record |= {"name": "edited", "updated": "2026-11-21T11:30:00Z"}
        stage.clock.set(NOON)

    def find(self, api: object, anew: bool) -> Found:
        self.known = self.has if anew else self.known
        return Found(self.known, anew=anew)

    def told_of(self, sentence: str, counts: Counts) -> None:
        self.stage.told.append(sentence)
        if self.going and sentence.startswith("Page 1:"):
            self.goes(self.going.pop(0))

    def goes(self, field: Field) -> None:
        self.has = [it for it in self.has if it is not field]
        for record in self.stage.vendor.records.values():
            record.pop(field.name, None)

    def worn(self, name: str) -> list[str | None]:
        return [row.get(name) for row in self.stage.table.live.values()]

    @property
    def names(self) -> set[str]:
        return {row["name"] for row in self.stage.table.live.values()}


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def wardrobe(stage: Stage) -> Wardrobe:
    return Wardrobe(stage)


@BOTH
def test_a_field_that_goes_while_a_sync_reads_keeps_its_values(
    stage: Stage, wardrobe: Wardrobe, mode: SyncMode
) -> None:
    wardrobe.going = [HAT]
    result = stage.sync(mode)
    assert wardrobe.worn("hat") == ["top"] * 6
    assert wardrobe.names == {"edited"}
    assert result.counts.deleted == 0
    assert "The vendor has other fields of contacts by now: reading with those." in stage.told


@BOTH
def test_it_does_in_a_batch_with_pages_from_before_it_went(
    stage: Stage, wardrobe: Wardrobe, mode: SyncMode
) -> None:
    stage.options["commit_bytes"] = 1_000_000
    wardrobe.going = [HAT]
    stage.sync(mode)
    assert wardrobe.worn("hat") == ["top"] * 6


def test_it_does_in_a_full_sync_that_goes_on_with_an_interrupted_one(
    stage: Stage, wardrobe: Wardrobe
) -> None:
    interrupt(stage, at_call=4)
    wardrobe.going = [HAT]
    stage.incremental()
    assert any(it.startswith("Going on where") for it in stage.told)
    assert wardrobe.worn("hat") == ["top"] * 6


@BOTH
def test_the_second_attempt_is_on_its_guard_too(
    stage: Stage, wardrobe: Wardrobe, mode: SyncMode
) -> None:
    wardrobe.going = [HAT, CAP]
    with pytest.raises(VendorUnavailable, match="fields of contacts keep changing"):
        stage.sync(mode)
    assert len(stage.history.recent()) == 2
    assert (wardrobe.worn("hat"), wardrobe.worn("cap")) == (["top"] * 6, ["flat"] * 6)
    stage.incremental()
    assert (wardrobe.worn("hat"), wardrobe.worn("cap")) == (["top"] * 6, ["flat"] * 6)
    assert wardrobe.names == {"edited"}


def test_what_was_not_proved_is_not_committed(stage: Stage, wardrobe: Wardrobe) -> None:
    stage.options["commit_bytes"] = 1_000_000
    wardrobe.going = [HAT, CAP]
    commits = len(stage.table.commits)
    with pytest.raises(VendorUnavailable):
        stage.full()
    assert sum(stage.table.commits[commits:], Counts()).fetched == 0
