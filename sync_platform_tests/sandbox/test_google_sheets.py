"""The fake Google Sheets does what Google does, most of all where that is inconvenient."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import google_sheets_errors, serve
from sync_platform.sandbox.calls import Refusal
from sync_platform.sandbox.google_sheets import PLAN, READ, GoogleSheets
from sync_platform.sandbox.google_sheets_api import masked, parsed
from sync_platform.sandbox.google_sheets_cells import Area, Cell, area

BASE = f"/v4/spreadsheets/{PLAN}"
SIGNED = {"Authorization": "Bearer sandbox-token"}


@pytest.fixture
def vendor() -> Iterator[GoogleSheets]:
    with serve(GoogleSheets(tokens={"sandbox-token": None, "reader": [READ]})) as vendor:
        yield vendor


@pytest.fixture
def client(vendor: GoogleSheets) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=vendor.url, headers=SIGNED) as client:
        yield client


def values(client: httpx.Client, range: str, **params: str) -> Any:
    return client.get(f"{BASE}/values/{range}", params=params).json().get("values")


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["message"]


def test_empty_cells_at_the_end_are_left_out(vendor: GoogleSheets, client: httpx.Client) -> None:
    vendor.plan.add("T", [["a", "", "c", ""], [], ["d"], ["", ""]])
    assert values(client, "T!A1:D9") == [["a", "", "c"], [], ["d"]]
    assert values(client, "T!B2:D9") is None


def test_values_come_as_shown_as_they_are_or_as_formulas(
    vendor: GoogleSheets, client: httpx.Client
) -> None:
    half = Cell(value=0.5, format="PERCENT", formula="=1/2")
    vendor.plan.add("T", [[date(2023, 3, 15), datetime(2023, 3, 15, 12), True, half, "#N/A"]])  # noqa: DTZ001
    shown = [["2023-03-15", "2023-03-15 12:00:00", "TRUE", "50%", "#N/A"]]
    assert values(client, "T!A1:E1") == shown
    raw = values(client, "T!A1:E1", valueRenderOption="UNFORMATTED_VALUE")
    assert raw == [[45000, 45000.5, True, 0.5, "#N/A"]]
    formulas = values(client, "T!A1:E1", valueRenderOption="FORMULA")
    assert formulas == [[45000, 45000.5, True, "=1/2", "=1/0"]]


def test_what_begins_beyond_the_grid_is_refused_and_what_ends_there_is_cut(
    vendor: GoogleSheets, client: httpx.Client
) -> None:
    vendor.plan.add("T", [["a"]], height=10)
    assert values(client, "T!A1:A99") == [["a"]]
    status, message = error(client.get(f"{BASE}/values/T!A11:A12"))
    assert (status, message.partition(" limits.")[0]) == (400, "Range (T!A11:A12) exceeds grid")
    filters = {"dataFilters": [{"gridRange": {"sheetId": 999}}]}
    gone = client.post(f"{BASE}/values:batchGetByDataFilter", json=filters)
    assert error(gone) == (400, "No grid with id: 999")
    unknown = client.get(f"{BASE}/values/Nothing!A1")
    assert error(unknown) == (400, "Unable to parse range: Nothing!A1")


def test_a_write_of_several_steps_is_made_whole_or_not_at_all(
    vendor: GoogleSheets, client: httpx.Client
) -> None:
    before = vendor.plan.tab("Lists").used
    lists = vendor.plan.tab("Lists").id
    good = {"appendCells": {"sheetId": lists, "rows": [{"values": []}], "fields": "*"}}
    bad = {"deleteDimension": {"range": {"sheetId": 1, "dimension": "ROWS", "startIndex": 0}}}
    bad["deleteDimension"]["range"]["endIndex"] = 1
    assert client.post(f"{BASE}:batchUpdate", json={"requests": [good, bad]}).status_code == 400
    assert vendor.plan.tab("Lists").used == before


def test_a_token_that_only_reads_does_not_write(client: httpx.Client) -> None:
    reader = {"Authorization": "Bearer reader"}
    assert client.get(BASE, headers=reader).status_code == 200
    refused = client.post(f"{BASE}:batchUpdate", json={"requests": []}, headers=reader)
    assert error(refused) == (403, "Request had insufficient authentication scopes.")
    assert client.get(BASE, headers={"Authorization": "Bearer x"}).status_code == 401


def test_what_is_not_shared_or_not_there_is_told_apart(
    vendor: GoogleSheets, client: httpx.Client
) -> None:
    assert client.get(BASE.replace("1A", "2B")).status_code == 404
    vendor.plan.readers = []
    assert error(client.get(BASE)) == (403, "The caller does not have permission")


def test_a_minutes_reads_are_counted_and_nothing_says_when_to_come_back() -> None:
    with serve(GoogleSheets(reads=2)) as vendor:
        answers = [httpx.get(f"{vendor.url}{BASE}", headers=SIGNED) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2].json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert "retry-after" not in answers[2].headers
    old = google_sheets_errors.over_limit_in_old_words()
    assert (old.status, old.body["error"]["errors"][0]["reason"]) == (403, "rateLimitExceeded")  # type: ignore[call-overload]


def test_masks_leave_what_they_name() -> None:
    whole = {"a": 1, "b": [{"c": {"d": 1, "e": 2}, "f": 3}], "g": {"h": 1}}
    assert masked(whole, parsed("a,b(c/d),g.h,x")) == {
        "a": 1,
        "b": [{"c": {"d": 1}}],
        "g": {"h": 1},
    }
    with pytest.raises(Refusal, match="invalid argument"):
        parsed("a)b")


@pytest.mark.parametrize(
    ("text", "tab", "wanted"),
    [
        ("T", "T", Area()),
        ("T!B2", "T", Area(top=1, bottom=2, left=1, right=2)),
        ("'It''s 1'!A:C", "It's 1", Area(right=3)),
        ("T!B2:C", "T", Area(top=1, left=1, right=3)),
        ("T!2:3", "T", Area(top=1, bottom=3)),
    ],
)
def test_places_are_written_in_a1_notation(text: str, tab: str, wanted: Area) -> None:
    assert area(text) == (tab, wanted)


def test_the_account_goes_on_after_a_restart(tmp_path: Path) -> None:
    first = GoogleSheets(people=20)
    first.change("people", creates=3, updates=2, archives=2)
    first.save(tmp_path / "state")
    second = GoogleSheets()
    second.load(tmp_path / "state")
    assert list(second.truth("people")) == list(first.truth("people"))
    made = second.change("people", creates=1)["created"]
    assert made == ["P00024"]
    second.live()
    assert second.version() > 0
