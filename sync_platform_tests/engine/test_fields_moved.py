"""A vendor's fields that are others than those of the catalog, noticed by a sync that reads."""

from collections.abc import Sequence
from typing import Any

import pytest

from sync_platform.engine.fields import Doubt, FieldsMoved, Found, lacking
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ways import as_computed
from sync_platform.errors import (
    ConfigurationError,
    NotPermitted,
    QueryRefused,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.spec import Field, Filter
from sync_platform_tests.engine.stage import FIELDS, Stage, at

HAT = Field("hat")


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    for id in (1, 2, 3):
        stage.vendor.put(id, -100)
    stage.was_read_up_to(at(-101))
    return stage


def knowing(stage: Stage, catalog: Sequence[Field], vendor: Sequence[Field]) -> list[bool]:
    """The catalog has these fields, the vendor those; whether they were asked for anew, each time
    that somebody asked."""
    asked = []

    def find(api: object, anew: bool) -> Found:
        asked.append(anew)
        return Found(list(vendor)) if anew else Found(catalog, anew=False)

    stage.options["find_fields"] = find
    return asked


def refusing(stage: Stage, field: str) -> None:
    """The vendor refuses to be asked for this field."""
    honest = stage.answer

    def answer(request: object, read: object) -> object:
        if field in getattr(read, "fields", ()):
            raise QueryRefused(f"No such column: {field}.", said=f"No such column: {field}.")
        return honest(request, read)  # type: ignore[arg-type]

    stage.answer = answer


def test_what_the_vendor_refuses_is_asked_for_with_the_fields_that_it_has_by_now(
    stage: Stage,
) -> None:
    asked = knowing(stage, [*FIELDS, HAT], FIELDS)
    refusing(stage, "hat")
    result = stage.incremental()
    assert asked == [False, True]
    assert stage.ids == [1, 2, 3]
    assert (result.counts.fetched, len(stage.history.recent())) == (3, 1)
    assert "The vendor has other fields of contacts by now: reading with those." in stage.told


def test_the_calls_of_both_attempts_count(stage: Stage) -> None:
    knowing(stage, [*FIELDS, HAT], FIELDS)
    refusing(stage, "hat")
    result = stage.incremental()
    assert result.usage.calls == sum(api.usage.calls for api in stage.apis)


def test_a_refusal_stands_where_the_vendor_has_the_same_fields(stage: Stage) -> None:
    knowing(stage, [*FIELDS, HAT], [*FIELDS, HAT])
    refusing(stage, "hat")
    with pytest.raises(UnexpectedResponse, match="No such column: hat"):
        stage.incremental()


def test_a_refusal_stands_where_the_fields_cannot_be_asked_for(stage: Stage) -> None:
    def find(api: object, anew: bool) -> Found:
        if anew:
            raise NotPermitted
        return Found([*FIELDS, HAT], anew=False)

    stage.options["find_fields"] = find
    refusing(stage, "hat")
    with pytest.raises(UnexpectedResponse, match="No such column: hat"):
        stage.incremental()


def test_a_refusal_is_not_blamed_on_a_filter_where_a_field_is_gone(stage: Stage) -> None:
    stage.asking(filters=[Filter(name="where", label="Where", kind="text")])
    stage.filters = {"where": "Name != 'x'"}
    knowing(stage, [*FIELDS, HAT], FIELDS)
    refusing(stage, "hat")
    assert stage.incremental().counts.fetched == 3


def test_it_is_where_the_vendor_has_the_same_fields(stage: Stage) -> None:
    stage.asking(filters=[Filter(name="where", label="Where", kind="text")])
    stage.filters = {"where": "Name != 'x'"}
    knowing(stage, [*FIELDS, HAT], [*FIELDS, HAT])
    refusing(stage, "hat")
    with pytest.raises(ConfigurationError, match="where=Name != 'x'"):
        stage.incremental()


def test_a_refresh_of_computed_fields_asks_for_none_that_it_does_not_read(stage: Stage) -> None:
    asked = knowing(stage, [*FIELDS, Field("rating", computed=True)], FIELDS)
    for record in stage.vendor.records.values():
        record["rating"] = 1
    stage.obj = as_computed(stage.obj)
    stage.sync(SyncMode.COMPUTED)
    assert asked == [False]


def test_fields_that_were_asked_for_just_now_are_not_asked_for_again(stage: Stage) -> None:
    asked = knowing(stage, FIELDS, [*FIELDS, HAT])
    refusing(stage, "hat")
    with pytest.raises(UnexpectedResponse):
        stage.full()
    assert asked == [True]


def test_a_vendor_that_is_away_is_no_reason_to_ask_for_fields(stage: Stage) -> None:
    asked = knowing(stage, FIELDS, FIELDS)

    def away(call: int) -> None:
        raise VendorUnavailable

    stage.vendor.before = away
    with pytest.raises(VendorUnavailable):
        stage.incremental()
    assert asked == [False]


def test_a_field_that_no_record_has_is_gone_where_the_vendor_says_so(stage: Stage) -> None:
    asked = knowing(stage, [*FIELDS, HAT], FIELDS)
    sync = stage.plan(SyncMode.INCREMENTAL)
    sync.run(stage.destination)
    assert asked == [False, True]
    assert list(sync.fields) == list(FIELDS)
    assert "hat" not in stage.table.live[("1",)]


def test_a_field_that_no_record_has_is_only_empty_where_the_vendor_has_it(stage: Stage) -> None:
    asked = knowing(stage, [*FIELDS, HAT], [*FIELDS, HAT])
    stage.incremental()
    assert asked == [False, True, True]  # for each batch: here, for each page
    assert stage.table.live[("1",)]["hat"] is None


@pytest.mark.parametrize("mode", [SyncMode.INCREMENTAL, SyncMode.FULL])
def test_the_vendor_is_asked_once_for_a_batch(stage: Stage, mode: SyncMode) -> None:
    asked = knowing(stage, [*FIELDS, HAT], [*FIELDS, HAT])
    stage.vendor.limit = 1  # pages of one record
    stage.options["commit_bytes"] = 1_000_000
    stage.sync(mode)
    assert asked == [mode is SyncMode.FULL, True]


def test_of_declared_fields_nobody_is_asked(stage: Stage) -> None:
    asked = []

    def find(api: object, anew: bool) -> Found:
        asked.append(anew)
        return Found([*FIELDS, HAT], declared=True)

    stage.options["find_fields"] = find
    stage.full()
    stage.incremental()
    assert asked == [True, False]
    assert stage.table.live[("1",)]["hat"] is None


def test_a_sync_whose_records_have_all_fields_asks_for_none(stage: Stage) -> None:
    asked = knowing(stage, FIELDS, FIELDS)
    stage.incremental()
    assert asked == [False]


def test_a_sync_without_a_record_asks_for_no_fields(stage: Stage) -> None:
    asked = knowing(stage, [*FIELDS, HAT], FIELDS)
    stage.vendor.records.clear()
    stage.incremental()
    assert asked == [False]


def test_a_field_that_one_record_has_is_there() -> None:
    def ask() -> Found:
        raise AssertionError("nobody should doubt it")

    doubt = Doubt(Found([Field("id"), HAT], anew=False), ask)
    doubt.look([{"id": 1}, {"id": 2, "hat": "top"}])
    doubt.prove()


def test_a_field_with_another_name_by_now_is_gone_under_the_old_one() -> None:
    doubt = Doubt(Found([Field("id"), HAT], anew=False), lambda: Found([Field("id"), Field("cap")]))
    doubt.look([{"id": 1, "cap": "flat"}])
    with pytest.raises(FieldsMoved):
        doubt.prove()


def test_what_one_page_lacks_is_in_doubt_though_others_have_it_until_the_vendor_tells_it() -> None:
    asked = list[int]()

    def ask() -> Found:
        asked.append(len(asked))
        return Found([Field("id"), HAT])

    doubt = Doubt(Found([Field("id"), HAT]), ask)
    for row in ({"id": 1, "hat": "top"}, {"id": 2}, {"id": 3, "hat": "top"}):
        doubt.look([row])
    doubt.prove()
    doubt.prove()
    assert asked == [0]
    doubt.look([{"id": 4}])
    doubt.prove()
    assert asked == [0, 1]


def test_no_more_records_are_looked_at_than_it_takes_to_see_every_field() -> None:
    rows: Any = iter([{"id": 1}, {"id": 2, "hat": None}, {"id": 3}])
    assert lacking({"id", "hat"}, rows) == set()
    assert list(rows) == [{"id": 3}]


def test_an_incremental_sync_that_must_read_everything_asks_for_the_fields_anew(
    stage: Stage,
) -> None:
    asked = knowing(stage, FIELDS, [*FIELDS, HAT])
    for record in stage.vendor.records.values():
        record["hat"] = "top"
    del stage.destination.tables[("acme", "contacts")]  # somebody dropped it
    sync = stage.plan(SyncMode.INCREMENTAL)
    result = sync.run(stage.destination)
    assert result.mode is SyncMode.FULL
    assert asked == [False, True]
    assert HAT in sync.fields
