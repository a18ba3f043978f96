"""Fields that rows call by their ids, and reads that begin again because a page was forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sync_platform.engine.naming import named, with_key
from sync_platform.errors import PageForgotten
from sync_platform.spec import Api, Field, Page, Read, Unreadable
from sync_platform_tests.engine.stage import FIELDS, Stage, at, contacts

ID, NAME, UPDATED = FIELDS
BY_ID = (ID, replace(NAME, id="f1"), replace(UPDATED, id="f2"))


@pytest.fixture
def stage() -> Stage:
    """Two contacts, whose name and moment are called f1 and f2; what is f3 is not known yet."""
    stage = Stage(fields=BY_ID)
    reads: list[Read] = []

    def rows(api: Api, read: Read) -> Iterator[Page]:
        reads.append(read)
        for it in stage.vendor.records.values():
            yield Page(rows=[{"id": it["id"], "f1": it["name"], "f2": it["updated"], "f3": "new"}])

    stage.asking(by_id=True, cursor="f2", read=rows)
    stage.options["on_progress"] = lambda sentence, counts: stage.told.append(sentence)
    stage.vendor.put(1, -20)
    stage.vendor.put(2, -10)
    stage.reads = reads  # type: ignore[attr-defined]
    return stage


def names(stage: Stage) -> list[object]:
    return [values["name"] for _, values in sorted(stage.table.live.items())]


def test_rows_by_ids_land_under_the_names_that_were_discovered(stage: Stage) -> None:
    stage.incremental()
    assert names(stage) == ["contact 1", "contact 2"]
    assert all("f3" not in values for values in stage.table.live.values())


def test_reads_ask_by_ids_and_by_names_where_a_field_has_none(stage: Stage) -> None:
    stage.incremental()
    (read,) = stage.reads  # type: ignore[attr-defined]
    assert read.fields == ("id", "f1", "f2")


def test_what_is_no_row_goes_on_as_it_is() -> None:
    strange: list[Any] = [Unreadable([1], "a list")]
    assert named(contacts(by_id=True), BY_ID, strange) == strange


@pytest.mark.parametrize("key", ["id", ("order", "line")])
def test_where_no_field_is_known_there_is_the_key(key: str | tuple[str, ...]) -> None:
    obj = contacts(key=key)
    assert tuple(it.name for it in with_key(obj, [])) == obj.keys
    assert with_key(obj, FIELDS) == FIELDS


def test_the_cursor_is_found_by_its_id(stage: Stage) -> None:
    stage.incremental()
    assert stage.cursor == at(-10)


def test_a_value_that_is_missing_stays_missing(stage: Stage) -> None:
    stage.fields = (*BY_ID, Field("phone", id="f4"))
    stage.incremental()
    assert all(values["phone"] is None for values in stage.table.live.values())


def forgetting(stage: Stage, times: int) -> None:
    """The vendor forgets its second page so often."""
    left = [times]

    def rows(api: Api, read: Read) -> Iterator[Page]:
        for number, it in enumerate(stage.vendor.records.values()):
            if number and left[0]:
                left[0] -= 1
                raise PageForgotten
            yield Page(rows=[it], resume={"after": number})

    stage.asking(by_id=False, cursor="updated", read=rows)
    stage.fields = FIELDS


def test_a_read_whose_next_page_is_forgotten_begins_again(stage: Stage) -> None:
    forgetting(stage, times=2)
    counts = stage.full().counts
    assert (counts.created, names(stage)) == (2, ["contact 1", "contact 2"])
    assert stage.told.count("The vendor no longer knows the resume point; reading again.") == 2


def test_after_three_times_it_is_given_up_and_nothing_is_taken_for_deleted(stage: Stage) -> None:
    forgetting(stage, times=0)
    stage.full()
    stage.clock.sleep(86_400)
    forgetting(stage, times=4)
    with pytest.raises(PageForgotten):
        stage.full()
    assert stage.ids == [1, 2]
