"""Google Sheets where it answers what no cell and no row is: one of them ends no sync."""

from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors import _google_sheets_cells as cells
from sync_platform.connectors import _google_sheets_tabs as tabs
from sync_platform.connectors._google_sheets_cells import Column
from sync_platform.connectors._google_sheets_places import tab_of
from sync_platform_tests.connectors.answers_in_turn import Answers

ABOUT = {"spreadsheet": "1Abc", "sheet": 7, "title": "Folk", "rows": 4}
NUMBER = {"effectiveValue": {"numberValue": 1}, "userEnteredValue": {"numberValue": 1}}
HEADER = {"values": [{"formattedValue": "Id"}, {"formattedValue": "Due"}]}


def looked(*rows: Any) -> spec.Json:
    """The answer to a look at a tab whose rows below the header are these."""
    grid = {"gridProperties": {"rowCount": 4, "columnCount": 2}}
    data = [{"rowData": [HEADER, *rows]}]
    return {"properties": {"timeZone": "UTC"}, "sheets": [{"properties": grid, "data": data}]}


def valued(*rows: Any) -> spec.Json:
    return {"valueRanges": [{"valueRange": {"values": [["Id", "Due"], *rows]}}]}


def read(*rows: Any, **settings: str) -> list[Any]:
    given = {f"tab.folk.{name}": value for name, value in settings.items()}
    api = Answers([looked({"values": [NUMBER, NUMBER]}), valued(*rows)])
    return [row for page in tabs.read(api, tab_of(ABOUT, "folk", given)) for row in page.rows]


@pytest.mark.parametrize("odd", [None, "abc", 5, {"a": 1}])
def test_what_is_no_row_is_rejected_alone_by_its_number(odd: Any) -> None:
    first, strange, last = read([1, 2], odd, [3, 4])
    assert (first["Id"], last["Id"]) == (1, 3)
    assert isinstance(strange, spec.Unreadable)
    assert strange.get(tabs.NUMBER) == 3  # the header is the first
    assert strange.record["cells"] == odd


def test_with_a_key_nobody_knows_which_row_it_is() -> None:
    first, strange = read([1, 2], None, key="Id")
    assert first == {"Id": 1, "Due": 2}
    assert isinstance(strange, spec.Unreadable)
    assert strange.get("Id") is None


def test_a_heading_that_is_written_otherwise_among_values_costs_one_more_reading() -> None:
    plain = looked()
    heading = {"formattedValue": "Id", "effectiveValue": {"stringValue": "<Id>"}}
    plain["sheets"][0]["data"][0]["rowData"] = [
        {"values": [{**heading, "userEnteredValue": {"stringValue": "<Id>"}}]}
    ]
    api = Answers([plain, valued([1]), plain, valued([2])])
    pages = list(tabs.read(api, tab_of(ABOUT, "folk", {})))
    assert [row["Id"] for page in pages for row in page.rows] == [2]
    assert len(api.asked) == 4


def test_the_types_of_columns_are_told_without_it() -> None:
    api = Answers([looked({"values": [NUMBER]}), valued([1], None, "abc", [{"a": 1}], [2])])
    found = tabs.fields(api, tab_of(ABOUT, "folk", {}))
    assert [(it.name, it.type) for it in found][:2] == [
        ("row_number", "integer"),
        ("Id", "integer"),
    ]


@pytest.mark.parametrize("format", ["", "DATE", "DATE_TIME", "TIME"])
@pytest.mark.parametrize("odd", [{"a": 1}, [1], [[1] * 3]])
def test_a_cell_that_holds_an_object_is_loaded_as_it_is_and_tells_no_type(
    odd: Any, format: str
) -> None:
    it = Column(place=0, name="V", format=format)
    assert cells.loaded(odd, it, UTC) is odd
    assert cells.kind(odd, odd, it) is None


@pytest.mark.parametrize("format", ["", "DATE", "TIME"])
@pytest.mark.parametrize(
    "odd",
    [
        *(float("nan"), float("inf"), Decimal("NaN")),
        *(Decimal("1e999"), Decimal("1e999999"), 10**400),
    ],
)
def test_a_number_beyond_all_measure_is_a_number(odd: Any, format: str) -> None:
    it = Column(place=0, name="V", format=format)
    found = cells.loaded(odd, it, UTC)
    assert format == "TIME" or found is odd
    assert cells.kind(odd, odd, it) == "number"


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "text",
        {},
        {"values": None},
        {"values": [None, "text", {}]},
        {"values": [{"effectiveValue": None, "effectiveFormat": None, "userEnteredValue": None}]},
        {
            "values": [
                {"effectiveValue": {"numberValue": 1}, "effectiveFormat": {"numberFormat": 5}}
            ]
        },
        {"values": [{"effectiveValue": 5, "userEnteredValue": "text"}]},
    ],
)
def test_what_is_no_cell_tells_nothing_of_its_column(odd: Any) -> None:
    api = Answers([looked(odd, {"values": [NUMBER, NUMBER]})])
    found = tabs.look(api, tab_of(ABOUT, "folk", {}))
    assert [(it.name, it.format, it.computed) for it in found.columns] == [
        ("Id", "", False), ("Due", "", False),
    ]  # fmt: skip


def test_a_header_cell_that_is_none_is_an_empty_one() -> None:
    answer = looked()
    answer["sheets"][0]["data"][0]["rowData"][0] = {"values": [{"formattedValue": None}, None]}
    found = tabs.look(Answers([answer]), tab_of(ABOUT, "folk", {}))
    assert [it.name for it in found.columns] == ["column_A", "column_B"]
