"""Tables that follow a spreadsheet whose columns and rows come, go and move."""

from datetime import UTC, datetime

import pytest

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.errors import (
    Refused,
)
from sync_platform.sandbox.google_sheets_cells import Cell, typed
from sync_platform_tests.journeys.google_sheets.desk import NAME, Desk


def test_types_only_widen_however_values_come_and_go(desk: Desk) -> None:
    tab = desk.tab("Flow", ["V"], [1], [2])
    desk.connect("flow")
    for value, type, shown in [
        (3, "bigint", 3),
        (2.5, "numeric", 2.5),
        (4, "numeric", 4),
        ("n/a", "text", "n/a"),
        (5, "text", "5"),
    ]:
        tab.put(2, 0, typed(value))
        desk.sync("flow")
        assert desk.types("flow")["v"] == type
        assert desk.column("flow", "v")[1] == shown


def test_an_empty_column_waits_for_its_first_value(desk: Desk) -> None:
    tab = desk.tab("New", ["A", "Cost"], ["x", None])
    desk.connect("new")
    desk.sync("new")
    assert "cost" not in desk.types("new")
    tab.put(1, 1, typed(12))
    desk.sync("new")
    assert desk.types("new")["cost"] == "bigint"


def test_a_column_that_is_emptied_keeps_its_type_and_loses_its_values(desk: Desk) -> None:
    tab = desk.tab("Emptied", ["A", "Cost"], ["x", 5])
    desk.connect("emptied")
    desk.sync("emptied")
    tab.put(1, 1, Cell())
    desk.sync("emptied")
    assert desk.types("emptied")["cost"] == "bigint"
    assert desk.column("emptied", "cost") == [None]
    assert desk.platform.catalogs.changes(NAME) == []


def test_columns_that_formulas_fill_are_read_only(desk: Desk) -> None:
    spilled = [Cell(value=n, spilled=n > 2, formula="=A2:A" if n == 2 else "") for n in (2, 4)]
    desk.tab("Sums", ["N", "Twice", "Mixed"], [1, spilled[0], 7], [2, spilled[1], spilled[1]])
    desk.connect("sums")
    fields = desk.platform.catalogs.fields(Target(NAME, "sums")) or []
    assert {it.name: it.read_only for it in fields} == {
        "row_number": True, "N": False, "Twice": True, "Mixed": False,
    }  # fmt: skip


def test_without_a_key_a_row_inserted_at_the_top_rewrites_all_below(desk: Desk) -> None:
    tab = desk.tab("Loose", ["V"], ["a"], ["b"], ["c"])
    desk.connect("loose")
    desk.sync("loose")
    tab.insert_row(2, ["new"])
    assert desk.counts("loose") == (1, 3, 0)
    tab.delete_rows(1, 2)
    assert desk.counts("loose") == (0, 3, 1)
    assert desk.column("loose", "v") == ["a", "b", "c"]


def test_with_a_key_rows_may_move_and_only_what_differs_is_written(desk: Desk) -> None:
    tab = desk.tab("Keyed", ["Id", "V"], [1, "a"], [2, "b"], [3, "c"])
    desk.connect("keyed", tab__keyed__key="Id")
    desk.sync("keyed")
    tab.insert_row(2, [9, "new"])
    tab.delete_rows(3, 4)
    assert desk.counts("keyed") == (1, 0, 1)
    assert desk.column("keyed", "id") == [1, 3, 9]


def test_a_row_without_its_key_is_kept_aside_with_the_reason(desk: Desk) -> None:
    desk.tab("Totals", ["Id", "V"], ["a", 1], [None, 1])
    desk.connect("totals", tab__totals__key="Id")
    assert desk.sync("totals").counts.rejected == 1
    assert desk.column("totals", "id") == ["a"]


def test_a_tab_keeps_its_key_and_its_table_when_it_is_renamed(desk: Desk) -> None:
    desk.connect("people", tab__people__key="Id")
    desk.sync("people")
    desk.vendor.plan.tab("People").title = "Crew"
    desk.platform.discover(NAME)
    assert desk.counts("people") == (0, 0, 0)


def test_a_from_date_sync_is_refused(desk: Desk) -> None:
    desk.connect("people")
    window = SyncWindow(datetime(2024, 1, 1, tzinfo=UTC))
    with pytest.raises(Refused, match="can only be synced in full"):
        desk.sync("people", mode=SyncMode.FROM_DATE, window=window)


def test_a_value_that_does_not_fit_the_type_that_a_person_said_is_kept_aside(desk: Desk) -> None:
    tab = desk.tab("Fixed", ["Id", "N"], ["a", 1], ["b", 2])
    desk.connect("fixed", tab__fixed__key="Id", tab__fixed__types="N=integer")
    desk.sync("fixed")
    tab.put(2, 1, typed("n/a"))
    assert desk.sync("fixed").counts.rejected == 1
    assert desk.column("fixed", "n") == [1, 2]
    assert desk.types("fixed")["n"] == "bigint"
