"""The fake Google Sheets' answers, held against Google's description of its API."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.google_sheets import PLAN, GoogleSheets
from sync_platform_tests.contract.google_sheets_document import DOCUMENT, REASON, Contract

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason=REASON)
BASE = f"/v4/spreadsheets/{PLAN}"
GRID = {"gridRange": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 3}}
NOT_OFFERED = {
    "POST /v4/spreadsheets",
    "GET /v4/spreadsheets/{}/developerMetadata/{}",
    "POST /v4/spreadsheets/{}/developerMetadata:search",
    "POST /v4/spreadsheets/{}/sheets/{}:copyTo",
    "POST /v4/spreadsheets/{}/values/{}:clear",
    "POST /v4/spreadsheets/{}/values:batchClear",
    "POST /v4/spreadsheets/{}/values:batchClearByDataFilter",
    "POST /v4/spreadsheets/{}/values:batchUpdate",
    "POST /v4/spreadsheets/{}/values:batchUpdateByDataFilter",
}
CELL = {"userEnteredValue": {"stringValue": "x"}}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    signed = {"Authorization": "Bearer sandbox-token"}
    with (
        serve(GoogleSheets(people=20)) as vendor,
        httpx.Client(base_url=vendor.url, headers=signed) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", BASE, None),
        ("GET", f"{BASE}?includeGridData=true", None),
        ("GET", f"{BASE}?ranges=People!A1:C3&fields=sheets(properties,data/rowData)", None),
        ("POST", f"{BASE}:getByDataFilter", {"dataFilters": [GRID], "includeGridData": True}),
        ("GET", f"{BASE}/values/People!A1:C3", None),
        ("GET", f"{BASE}/values:batchGet?ranges=People!A1:B&ranges='Budget 2024/25'!A:B", None),
        ("POST", f"{BASE}/values:batchGetByDataFilter", {"dataFilters": [GRID]}),
        ("PUT", f"{BASE}/values/People!B2?valueInputOption=RAW", {"values": [["x"]]}),
        ("POST", f"{BASE}/values/People!A1:append?valueInputOption=RAW", {"values": [["x"]]}),
        (
            "POST",
            f"{BASE}:batchUpdate",
            {
                "requests": [
                    {
                        "appendCells": {
                            "sheetId": 0,
                            "rows": [{"values": [CELL]}],
                            "fields": "userEnteredValue",
                        }
                    }
                ]
            },
        ),
    ],
)
def test_answers_and_what_was_asked_are_as_described(
    client: httpx.Client, contract: Contract, method: str, path: str, body: Any
) -> None:
    contract.request(method, path, body)
    answer = client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    contract.answer(method, path.partition("?")[0], answer.json())


def test_every_described_operation_is_offered_or_named_as_not(contract: Contract) -> None:
    def shape(method: str, path: str) -> str:
        return f"{method.upper()} {re.sub(r'{.*?}', '{}', path)}"

    served = {shape(each.method, each.path) for each in GoogleSheets().endpoints()}
    described = {
        shape(method, path)
        for path, operations in contract.document["paths"].items()
        for method in operations
        if method in ("get", "post", "put")
    }
    assert described - served == NOT_OFFERED
