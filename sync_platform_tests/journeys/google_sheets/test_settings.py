"""Settings of a tab: where its table lies, its key, its types."""

from datetime import date

import pytest

from sync_platform.errors import (
    ConfigurationError,
)
from sync_platform.sandbox.google_sheets import PLAN
from sync_platform_tests.journeys.google_sheets.desk import NAME, Desk


def test_the_header_row_and_the_range_are_a_persons_to_say(desk: Desk) -> None:
    desk.tab("Report", ["Acme"], [], ["", "Item", "Cost"], ["", "Rent", 5], ["", "Sum", 5])
    desk.connect(
        "report", tab__report__range="b2:c4", tab__report__header_row="3", tab__report__key="Item"
    )
    desk.sync("report")
    assert desk.rows("report") == [{"item": "Rent", "cost": 5}]


def test_a_tab_without_headings_is_read_too(desk: Desk) -> None:
    desk.tab("Bare", ["a", 1], ["b", 2])
    desk.connect("bare", tab__bare__header_row="0")
    desk.sync("bare")
    assert [(it["column_a"], it["column_b"]) for it in desk.rows("bare")] == [("a", 1), ("b", 2)]


def test_a_type_is_a_persons_to_say(desk: Desk) -> None:
    desk.tab("Codes", ["Zip", "A, b", "Due"], [1067, 5, 45000], [4109, 6, 45001])
    types = 'Zip=text, "A, b=number", Due=date'
    desk.connect("codes", tab__codes__types=types)
    desk.sync("codes")
    assert desk.column("codes", "zip") == ["1067", "4109"]
    assert desk.types("codes")["a_b"] == "numeric"
    assert desk.column("codes", "due")[0] == date(2023, 3, 15)


@pytest.mark.parametrize("type", ["date", "timestamp"])
def test_a_number_in_a_column_of_dates_is_a_day_of_the_spreadsheet_or_rejected(
    desk: Desk, type: str
) -> None:
    numbers = [45000.5], [2024.5], [20240131], [-5000000], [1704067200]
    desk.tab("Dues", ["Due"], *numbers, ["2024-01-31"])
    desk.connect("dues", tab__dues__types=f"Due={type}")
    result = desk.sync("dues")
    assert [str(it)[:10] for it in desk.column("dues", "due")] == [
        "2023-03-15", "1905-07-16", "2024-01-31",
    ]  # fmt: skip
    assert result.counts.rejected == 3
    assert [reason for reason in desk.rejected("dues") if "'day 20240131'" in reason]


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("tab.people.header_row", "first", "It must be the number of a row"),
        ("tab.people.range", "B", "such as B2:F"),
        ("tab.people.range", "F1:B9", "such as B2:F"),
        ("tab.people.types", "Score=money", "pairs such as Zip=text; there are text, integer"),
        ("tab.people.types", "Scor=text", "has no column 'Scor', which its setting 'types'"),
        ("tab.people.key", "Ident", "has no column 'Ident', which its setting 'key' names; in"),
        ("tab.people.colour", "red", "There is no setting 'tab.people.colour'"),
        ("tab.key", "Id", "There is no setting 'tab.key'"),
        ("tab.peeple.key", "Id", "'tab.peeple.key' is of a tab that is not there. .* are: people"),
        ("tab.People.key", "Id", "'tab.People.key' is of a tab that is not there. .* are: people"),
        ("tabs.people.key", "Id", r"has no setting 'tabs\.people\.key'.* begin with 'tab\.'"),
        ("rate_limit.raeds", "9", r"'rate_limit\.raeds'\. There are: .*, rate_limit\.reads, and"),
        ("rows_per_call", "5", "must be a number above 10"),
        ("spreadsheet_ids", "Acme plan", "'Acme' is no spreadsheet"),
        ("spreadsheet_ids", f"https://x.example/spreadsheets/d/e/{PLAN}", "is no spreadsheet"),
    ],
)
def test_a_wrong_setting_is_told_when_connecting(
    desk: Desk, setting: str, value: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        desk.connect("people", **{setting: value})
    assert desk.platform.connections() == []


def test_tabs_of_several_spreadsheets_that_share_a_name_are_told_apart(desk: Desk) -> None:
    other = "1AcmeTeam0000000000000000000000000000000002"
    desk.vendor.add_spreadsheet(other, "Team").add("People", [["Id"], ["T1"]])
    address = f"https://docs.google.com/spreadsheets/d/{PLAN}/edit#gid=0"
    desk.connect(spreadsheet_ids=f"{address}, {other}")
    names = [it.object for it in desk.platform.connection(NAME).objects]
    assert names == ["acme_plan_people", "budget_2024_25", "team_people"]
    desk.sync("team_people")
    assert desk.column("team_people", "id") == ["T1"]


def test_a_setting_of_a_tab_that_is_not_there_is_told_when_signing_in_anew(desk: Desk) -> None:
    desk.connect("people", tab__people__key="Id")
    desk.vendor.plan.tab("People").title = "Crew"
    desk.platform.discover(NAME)
    desk.again(tab__people__types="Joined=text")  # the object keeps its name
    with pytest.raises(ConfigurationError, match=r"'tab\.crew\.types' is of a tab that is not"):
        desk.again(tab__crew__types="Joined=text")
    assert "tab.crew.types" not in desk.platform.connection(NAME).settings


def test_a_table_keeps_the_key_that_it_was_made_with(desk: Desk) -> None:
    desk.connect("people")
    desk.sync("people")
    connection = desk.platform.connection(NAME)
    keyed = {**connection.settings, "tab.people.key": "Id"}
    desk.platform.store.set_settings(NAME, keyed)
    assert desk.counts("people") == (0, 0, 0)  # until the next discovery
    desk.platform.discover(NAME)
    with pytest.raises(ConfigurationError, match="key"):
        desk.sync("people")
    assert len(desk.rows("people")) == 30
