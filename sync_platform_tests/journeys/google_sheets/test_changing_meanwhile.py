"""A spreadsheet that is changed while it is read."""

from typing import Any

import pytest

from sync_platform.errors import (
    ConfigurationError,
    VendorUnavailable,
)
from sync_platform.sandbox.google_sheets_cells import typed
from sync_platform_tests.journeys.google_sheets.desk import Desk


def at_call(desk: Desk, number: int, life: Any) -> None:
    """Let something happen just before the answer to the so-manieth call for values."""
    before = sum(desk.vendor.calls.values())
    done: list[int] = []

    def meanwhile() -> None:
        if not done and sum(desk.vendor.calls.values()) - before >= number:
            done.append(1)
            life()

    desk.vendor.meanwhile = meanwhile


def test_a_row_deleted_while_a_tab_is_read_hides_no_other(desk: Desk) -> None:
    tab = desk.tab("Moving", ["N"], *([n] for n in range(300)))
    desk.connect("moving", rows_per_call="50", tab__moving__key="N")
    desk.sync("moving")
    at_call(desk, 11, lambda: tab.delete_rows(1, 2))  # one look and six pages, a look, three pages
    assert desk.counts("moving")[2] <= 1
    assert set(desk.column("moving", "n")) >= set(range(1, 300))


def test_a_tab_that_shrinks_while_it_is_read_ends_where_it_ends(desk: Desk) -> None:
    tab = desk.tab("Shrinking", ["N"], *([n] for n in range(300)))
    desk.connect("shrinking", rows_per_call="50")
    desk.sync("shrinking")
    at_call(desk, 11, lambda: tab.delete_rows(161, 301))
    desk.sync("shrinking")
    assert desk.column("shrinking", "n") == list(range(160))


def test_a_tab_that_never_holds_still_is_left_for_later(desk: Desk) -> None:
    tab = desk.tab("Busy", ["N"], *([n] for n in range(200)))
    desk.connect("busy", rows_per_call="50")
    desk.sync("busy")
    desk.vendor.meanwhile = lambda: tab.insert_row(2, [-1])
    with pytest.raises(VendorUnavailable, match="of the tab 'Busy' were moved each time"):
        desk.sync("busy")
    assert len(desk.rows("busy")) >= 200


def test_a_grid_that_became_smaller_than_what_was_discovered_is_looked_at_anew(desk: Desk) -> None:
    tab = desk.tab("Small", [], [], ["V"], ["a"], height=500)
    desk.connect("small", tab__small__header_row="3")
    desk.sync("small")
    tab.delete_rows(1, 500)
    assert desk.sync("small", accept_deletes=True).counts.deleted == 1


def test_a_tab_that_is_gone_is_told_as_that(desk: Desk) -> None:
    desk.connect("people")
    desk.sync("people")
    desk.vendor.plan.tabs.pop(0)
    with pytest.raises(ConfigurationError, match="The tab 'People' is no longer in its spreadshee"):
        desk.sync("people")
    assert len(desk.rows("people")) == 30


@pytest.mark.parametrize("call", range(1, 9))
def test_a_heading_that_is_renamed_while_a_tab_is_read_empties_no_column(
    desk: Desk, call: int
) -> None:
    """A sync reads it twice: the columns' types, then the rows."""
    tab = desk.tab("Renamed", ["N", "Name"], *([n, f"n{n}"] for n in range(90)))
    desk.connect("renamed", rows_per_call="50", tab__renamed__key="N")
    desk.sync("renamed")
    names = desk.column("renamed", "name")
    at_call(desk, call, lambda: tab.put(0, 1, typed("Full name")))
    desk.sync("renamed")
    assert desk.column("renamed", "name") == names
    desk.sync("renamed")
    assert desk.column("renamed", "full_name") == names
    assert desk.column("renamed", "name") == names


@pytest.mark.parametrize("call", range(1, 9))
def test_a_column_that_is_inserted_while_a_tab_is_read_moves_no_values(
    desk: Desk, call: int
) -> None:
    tab = desk.tab("Wider", ["N", "Name", "City"], *([n, f"n{n}", f"c{n}"] for n in range(90)))
    desk.connect("wider", rows_per_call="50", tab__wider__key="N")
    desk.sync("wider")
    before = [(row["name"], row["city"]) for row in desk.rows("wider")]

    def insert() -> None:
        for line in tab.rows:
            line.insert(1, typed("New"))
        tab.width += 1

    at_call(desk, call, insert)
    desk.sync("wider")
    assert [(row["name"], row["city"]) for row in desk.rows("wider")] == before
