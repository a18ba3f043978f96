"""The Google Sheets connector, in values: names, types, dates, settings and what errors mean."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sync_platform import spec
from sync_platform.connectors import _google_sheets_cells as cells
from sync_platform.connectors._google_sheets_cells import Column
from sync_platform.connectors._google_sheets_places import area, column, listed, tab_of
from sync_platform.connectors.google_sheets import (
    connector,
    means,
    misfits,
    named,
    spreadsheets,
)
from sync_platform.errors import ConfigurationError

ID = "1AbcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
ABOUT = {"spreadsheet": ID, "sheet": 7, "title": "People", "rows": 1000}
BERLIN = ZoneInfo("Europe/Berlin")


def shown_as(format: str = "") -> Column:
    return Column(place=0, name="V", format=format)


def reasoned(status: int, reason: str) -> spec.Json:
    return {"error": {"code": status, "details": [{"@type": "x"}, {"reason": reason}]}}


def test_it_has_no_faults() -> None:
    assert spec.faults(connector) == []


def test_sign_in_asks_for_a_refresh_token_each_time() -> None:
    way = connector.auth[0]
    assert isinstance(way, spec.OAuth2)
    assert way.authorize_params == {"access_type": "offline", "prompt": "consent"}
    assert list(way.scopes) == ["https://www.googleapis.com/auth/spreadsheets.readonly"]


def test_a_service_account_is_its_key_file() -> None:
    way = connector.auth[1]
    assert isinstance(way, spec.JwtBearer)
    assert way.key_file is not None
    file = {"type": "service_account", "client_email": "r@x", "private_key": "k"}
    secret = way.key_file({**file, "private_key_id": "i", "project_id": "p"})
    assert secret == {"client_email": "r@x", "private_key": "k", "private_key_id": "i"}
    assert way.claims(secret, {}) == {"iss": "r@x", "aud": "https://oauth2.googleapis.com/token"}


@pytest.mark.parametrize(
    "given",
    [
        ID,
        f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=0",
        f" https://docs.google.com/spreadsheets/u/1/d/{ID}/edit?usp=sharing , {ID}",
    ],
)
def test_spreadsheets_are_given_as_ids_or_addresses(given: str) -> None:
    assert spreadsheets({"spreadsheet_ids": given}) == [ID]


@pytest.mark.parametrize("given", ["", "Plan", f"{ID},x", f"https://x/spreadsheets/d/e/{ID}/pub"])
def test_anything_else_is_no_spreadsheet(given: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is no spreadsheet\. Give the address"):
        spreadsheets({"spreadsheet_ids": given})


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("People", "people"),
        ("Q3 / Forecast (EU)", "q3_forecast_eu"),
        ("Käufer", "kaufer"),
        ("2024", "tab_2024"),
        ("顧客", ""),
        ("x" * 99, "x" * 63),
    ],
)
def test_tabs_are_called_by_their_titles(title: str, name: str) -> None:
    assert named(title) == name


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({}, (0, 1, None, 0, None)),
        ({"header_row": "3"}, (2, 3, None, 0, None)),
        ({"header_row": "0"}, (None, 0, None, 0, None)),
        ({"range": "B2:F"}, (1, 2, None, 1, 6)),
        ({"range": "$a$1:ab500"}, (0, 1, 500, 0, 28)),
        ({"range": "B2:F", "header_row": "0"}, (None, 1, None, 1, 6)),
        ({"range": "B2:F9", "header_row": "4"}, (3, 4, 9, 1, 6)),
    ],
)
def test_a_table_lies_where_the_settings_say(settings: dict[str, str], where: Any) -> None:
    given = {f"tab.people.{name}": value for name, value in settings.items()}
    tab = tab_of(ABOUT, "people", given)
    assert (tab.header, tab.first, tab.last, tab.left, tab.right) == where


def test_settings_of_tabs_that_are_there_fit() -> None:
    given = {"spreadsheet_ids": ID, "rate_limit.reads": "9", "tab.people.key": "Id"}
    assert list(misfits(given, ["people", "totals"])) == []


def test_a_setting_of_no_tab_names_the_tabs_there_are() -> None:
    (told,) = misfits({"tab.peeple.key": "Id"}, ["people", "totals"])
    assert told == (
        "The setting 'tab.peeple.key' is of a tab that is not there. By their objects' names there "
        "are: people, totals. Call it by one of these, or leave the setting empty."
    )
    (none,) = misfits({"tab.people.key": "Id"}, [])
    assert "there are: none." in none
    (what,) = misfits({"tab.people.width": "3"}, ["people"])
    assert what.startswith("There is no setting 'tab.people.width'. Of each tab there are")


def test_an_area_is_a_grid_range_that_is_open_to_the_right() -> None:
    tab = tab_of(ABOUT, "people", {"tab.people.range": "B2:D"})
    rows = {"sheetId": 7, "startRowIndex": 4, "endRowIndex": 9}
    assert area(tab, 4, 9) == {**rows, "startColumnIndex": 1, "endColumnIndex": 4}
    assert area(tab_of(ABOUT, "people", {}), 4, 9) == {**rows, "startColumnIndex": 0}


def test_lists_may_hold_names_with_commas() -> None:
    assert listed('Id, "Last, first" ,') == ["Id", "Last, first"]
    assert listed("") == []


def test_columns_have_letters() -> None:
    for place, letters in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")]:
        assert cells.letters(place) == letters
        assert column(letters) == place


@pytest.mark.parametrize(
    ("raw", "format", "value", "kind"),
    [
        ("", "", None, None),
        (None, "", None, None),
        ("#REF!", "", None, None),
        ("Loading...", "DATE", None, None),
        ("#hashtag", "", "#hashtag", "text"),
        ("007", "", "007", "text"),
        (True, "", True, "boolean"),
        (5, "", 5, "integer"),
        (5.0, "", 5.0, "integer"),
        (5.5, "", 5.5, "number"),
        (5, "CURRENCY", 5, "number"),
        (1, "PERCENT", 1, "number"),
        (5, "DECIMAL", 5, "number"),
        (2.0**60, "", 2.0**60, "number"),
        (45000, "DATE", "2023-03-15", "date"),
        (45000.9, "DATE", "2023-03-15", "date"),
        (-1, "DATE", "1899-12-29", "date"),
        (10**9, "DATE", 10**9, "integer"),
        ("soon", "DATE", "soon", "text"),
        (45474.5, "DATE_TIME", "2024-07-01T10:00:00.000Z", "timestamp"),
        (45292.25, "DATE_TIME", "2024-01-01T05:00:00.000Z", "timestamp"),
        (0.5, "TIME", "12:00:00", "text"),
        (1.1458333333, "TIME", "27:30:00", "text"),
        (-0.25, "TIME", "-06:00:00", "text"),
    ],
)
def test_a_cell_is_loaded_as_what_it_is_shown_as(
    raw: Any, format: str, value: Any, kind: str | None
) -> None:
    it = shown_as(format)
    found = cells.loaded(raw, it, BERLIN)
    assert found == value
    assert type(found) is type(value)
    assert cells.kind(raw, found, it) == kind


@pytest.mark.parametrize("raw", [20240131, -5000000, 2958466, -693594, 1e300, 1.7e12])
@pytest.mark.parametrize(("type", "format"), cells.FORMAT_OF.items())
def test_a_number_beyond_the_calendar_is_no_date_where_a_person_said_dates(
    raw: float, type: spec.FieldType, format: str
) -> None:
    it = Column(place=0, name="V", format=format, type=type)
    found = cells.loaded(raw, it, UTC)
    assert found == f"day {raw}"
    with pytest.raises(ValueError, match="is not ISO 8601"):
        spec.moment(found)
    for last in (2958465, -693593):
        assert spec.moment(cells.loaded(last, it, UTC)).year in (1, 9999)


@pytest.mark.parametrize(
    ("kinds", "type"),
    [
        (["integer"], "integer"),
        (["integer", "number"], "number"),
        (["date"], "date"),
        (["date", "integer"], "text"),
        (["boolean", "integer"], "text"),
        (["number", "text"], "text"),
    ],
)
def test_a_column_has_the_type_that_all_of_its_cells_fit_into(
    kinds: list[spec.FieldType], type: str
) -> None:
    assert cells.type_of(kinds) == type


def test_every_moment_comes_back_as_it_was_written() -> None:
    it = shown_as("DATE_TIME")
    for minutes in range(0, 60 * 24 * 400, 997):
        moment = datetime(2023, 1, 1, 0, 0, 7, tzinfo=UTC) + timedelta(minutes=minutes)
        entered: Mapping[str, Any] = cells.written(moment.isoformat(), it, UTC)
        back = cells.loaded(entered["userEnteredValue"]["numberValue"], it, UTC)
        assert spec.moment(back) == moment


@pytest.mark.parametrize(
    ("value", "format", "entered"),
    [
        (None, "", {}),
        ("=A1", "", {"stringValue": "=A1"}),
        (False, "", {"boolValue": False}),
        (Decimal("1.5"), "", {"numberValue": 1.5}),
        ("2023-03-15", "DATE", {"numberValue": 45000.0}),
        (date(2023, 3, 15), "DATE", {"numberValue": 45000.0}),
        ("soon", "DATE", {"stringValue": "soon"}),
        ("2023-03-15", "", {"stringValue": "2023-03-15"}),
        ("2024-07-01T10:00:00Z", "DATE_TIME", {"numberValue": 45474.5}),
    ],
)
def test_values_are_written_as_what_they_are(value: Any, format: str, entered: Any) -> None:
    wanted = {"userEnteredValue": entered} if entered else {}
    assert cells.written(value, shown_as(format), BERLIN) == wanted


def test_most_numbers_decide_how_a_column_is_shown() -> None:
    def cell(type: str, pattern: str = "") -> spec.Row:
        shown = {"numberFormat": {"type": type, "pattern": pattern}}
        return {"effectiveValue": {"numberValue": 1}, "effectiveFormat": shown}

    text = {"effectiveValue": {"stringValue": "x"}}
    assert cells.common_format([cell("DATE"), cell("DATE"), cell("NUMBER"), text])[0] == "DATE"
    assert cells.common_format([cell("NUMBER", "0.00")])[0] == "DECIMAL"
    assert cells.common_format([text, {}]) == ("", {})


def test_time_zones_are_names_or_offsets() -> None:
    assert cells.zone_of("Europe/Berlin") == BERLIN
    assert cells.zone_of("GMT-07:00") == timezone(timedelta(hours=-7))
    assert cells.zone_of("Middle/Earth") is UTC
    assert cells.zone_of("") is UTC


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (403, reasoned(403, "RATE_LIMIT_EXCEEDED"), "rate_limited"),
        (403, {"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}, "rate_limited"),
        (403, {"error": {"status": "RESOURCE_EXHAUSTED"}}, "rate_limited"),
        (403, reasoned(403, "SERVICE_DISABLED"), None),
        (403, reasoned(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "sign_in_refused"),
        (404, {"error": {"status": "NOT_FOUND"}}, "not_permitted"),
        (404, None, None),
        (400, {"error": {"message": "Range (A9) exceeds grid limits. Max rows: 5"}}, "too_much"),
        (400, {"error": {"message": "Unable to parse range"}}, None),
        (500, {"error": "internal"}, None),
    ],
)
def test_errors_mean_what_google_means(status: int, body: spec.Json, meaning: str | None) -> None:
    assert means(status, body) == meaning
