"""Changes that are written to a spreadsheet."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from sync_platform.errors import (
    RecordRejected,
)
from sync_platform.sandbox.google_sheets_cells import typed
from sync_platform_tests.journeys.google_sheets.desk import NAME, Desk


def test_writes_find_their_row_and_columns_as_they_are_by_then(desk: Desk) -> None:
    desk.connect("people", tab__people__key="Id")
    desk.sync("people")
    tab = desk.vendor.plan.tab("People")
    third = str(tab.cell(3, 0).value)
    for row, line in enumerate(tab.rows):
        line.insert(1, typed("Team" if row == 0 else "x"))
    tab.insert_row(2, ["P0", "y", "First"])
    desk.push("people", kind="update", key=third, values={"Name": "=Ada", "Joined": "2024-02-29"})
    desk.sync("people")
    found = next(row for row in desk.rows("people") if row["id"] == third)
    assert (found["name"], found["joined"], found["team"]) == ("=Ada", date(2024, 2, 29), "x")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "update", "key": "P1", "values": {"Name": "x"}}, "has no row whose 'Id' is 'P1'"),
        ({"kind": "delete", "key": "twice"}, "has 2 rows whose 'Id' is 'twice'"),
        ({"kind": "create", "values": {"Colour": "x"}}, "has no column 'Colour'"),
        ({"kind": "create", "values": {"Double score": 1}}, "is calculated by formulas"),
        ({"kind": "create", "values": {"Name": ["x"]}}, "a cell cannot hold list"),
    ],
)
def test_a_write_that_cannot_be_right_is_not_made(
    desk: Desk, change: dict[str, Any], sentence: str
) -> None:
    desk.connect("people", tab__people__key="Id")
    tab = desk.vendor.plan.tab("People")
    for _ in range(2):
        tab.append(["twice"])
    before = list(desk.vendor.truth("people"))
    with pytest.raises(RecordRejected, match=sentence):
        desk.push("people", **change)
    assert list(desk.vendor.truth("people")) == before


def test_without_a_key_rows_are_only_added(desk: Desk) -> None:
    desk.connect("people")
    obj = desk.platform.connector_of(desk.platform.connection(NAME))["people"]
    assert obj.create is not None
    assert (obj.update, obj.delete) == (None, None)
    desk.push("people", kind="create", values={"Id": "X", "Last seen": "2024-07-01T10:00:00Z"})
    desk.sync("people")
    assert desk.rows("people")[-1]["last_seen"] == datetime(2024, 7, 1, 10, tzinfo=UTC)
