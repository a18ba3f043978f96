"""A spreadsheet on its way into Postgres: what arrives of its cells."""

from datetime import UTC, datetime, time

from sync_platform.demo.compare import differences
from sync_platform.engine.results import Target
from sync_platform.sandbox.google_sheets import PLAN
from sync_platform.sandbox.google_sheets_cells import typed
from sync_platform_tests.journeys.google_sheets.desk import NAME, Desk


def test_the_tabs_of_a_spreadsheet_are_its_objects_and_hidden_ones_are_not_suggested(
    desk: Desk,
) -> None:
    desk.connect()
    connection = desk.platform.connection(NAME)
    assert [it.object for it in connection.objects] == ["people", "budget_2024_25"]
    assert connection.account_id == PLAN
    connector = desk.platform.connector_of(connection)
    assert [it.name for it in connector.objects] == ["people", "budget_2024_25", "lists"]


def test_a_tab_arrives_value_by_value_with_types_told_from_its_cells(desk: Desk) -> None:
    desk.connect()
    assert desk.counts("people") == (30, 0, 0)
    assert list(differences(desk.platform, desk.vendor.url, Target(NAME, "people"))) == []
    assert desk.types("people") == {
        "row_number": "bigint",
        "id": "text",
        "name": "text",
        "email": "text",
        "joined": "date",
        "score": "numeric",
        "active": "boolean",
        "last_seen": "timestamp with time zone",
        "double_score": "bigint",
    }


def test_unchanged_rows_are_not_touched(desk: Desk) -> None:
    desk.connect()
    desk.sync("people")
    assert desk.counts("people") == (0, 0, 0)
    desk.vendor.change("people", updates=2)
    assert desk.counts("people") == (0, 2, 0)


def test_moments_are_by_the_spreadsheets_time_zone(desk: Desk) -> None:
    summer, winter = datetime(2024, 7, 1, 12), datetime(2024, 1, 1, 12, 0, 1)  # noqa: DTZ001
    desk.tab("Log", ["At", "Took"], [summer, time(7, 30)], [winter, time(0, 0, 5)])
    desk.connect("log")
    desk.sync("log")
    assert desk.column("log", "at") == [
        datetime(2024, 7, 1, 10, tzinfo=UTC),
        datetime(2024, 1, 1, 11, 0, 1, tzinfo=UTC),
    ]
    assert desk.column("log", "took") == ["07:30:00", "00:00:05"]


def test_headings_that_are_missing_or_double_get_names(desk: Desk) -> None:
    tab = desk.tab("Odd", ["Name", "name", "", "", "Row_number"], ["a", "b", "c", "", 5])
    tab.merges = [
        {"startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 1, "endColumnIndex": 3}
    ]
    desk.connect("odd")
    desk.sync("odd")
    (row,) = desk.rows("odd")
    assert row == {
        "row_number": 2, "name": "a", "name_2": "b", "name_3": "c", "row_number_2": 5,
    }  # fmt: skip


def test_a_column_without_a_heading_is_called_by_its_letter_once_it_holds_something(
    desk: Desk,
) -> None:
    tab = desk.tab("Plain", ["A", ""], [1, None])
    desk.connect("plain")
    desk.sync("plain")
    assert list(desk.types("plain")) == ["row_number", "a"]
    tab.put(1, 1, typed("x"))
    desk.sync("plain")
    assert desk.column("plain", "column_b") == ["x"]


def test_errors_and_empty_rows_are_nothing(desk: Desk) -> None:
    rows = ["N", "Done"], [1, False], ["#REF!", True], [None, False], [4, False]
    desk.tab("Errors", *rows, height=50)
    desk.connect("errors")
    desk.sync("errors")
    found = [(it["row_number"], it["n"], it["done"]) for it in desk.rows("errors")]
    assert found == [(2, 1, False), (3, None, True), (5, 4, False)]
    assert desk.types("errors")["n"] == "bigint"


def test_a_sheet_of_several_calls_arrives_whole(desk: Desk) -> None:
    desk.tab("Long", ["N"], *([n] for n in range(1000)))
    desk.connect("long", rows_per_call="90")
    assert desk.counts("long") == (1000, 0, 0)
    assert desk.column("long", "n") == list(range(1000))
