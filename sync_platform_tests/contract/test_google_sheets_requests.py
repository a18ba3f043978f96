"""What the Google Sheets connector sends, held against Google's description of its API: all that a
wire between it and the sandbox hears."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import ValidationError

from sync_platform import spec
from sync_platform.connectors.google_sheets import connector
from sync_platform.sandbox import serve
from sync_platform.sandbox.calls import Call
from sync_platform.sandbox.google_sheets import PLAN, ROBOT, GoogleSheets
from sync_platform.transport.api import HttpApi
from sync_platform_tests.contract.google_sheets_document import DOCUMENT, REASON, Contract
from sync_platform_tests.contract.lines import line_to

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason=REASON)


class Listening(GoogleSheets):
    """Keeps what was asked of it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, Any]] = []
        super().__init__(people=25)

    def check_token(self, call: Call) -> None:
        query = "&".join(f"{name}={each}" for name, values in call.query.items() for each in values)
        body = orjson.loads(call.body) if call.body else None
        self.heard.append((call.method, f"{call.path}?{query}", body))
        super().check_token(call)


@pytest.fixture
def vendor() -> Iterator[Listening]:
    with serve(Listening()) as vendor:
        yield vendor


@pytest.fixture
def api(vendor: Listening) -> Iterator[HttpApi]:
    secret = {"client_email": ROBOT, "private_key": "", "access_token": "sandbox-token"}
    settings = {"spreadsheet_ids": PLAN, "tab.people.key": "Id", "rows_per_call": "20"}
    with line_to(connector, vendor.url, secret | {"auth": "JwtBearer"}, **settings) as api:
        yield api


def people(api: HttpApi) -> spec.ConnectorObject:
    assert connector.discover is not None
    assert connector.discovered is not None
    return connector.discovered(next(iter(connector.discover(api))))


def test_every_request_is_as_described(api: HttpApi, vendor: Listening) -> None:
    assert callable(connector.check)
    connector.check(api)
    obj = people(api)
    assert callable(obj.fields)
    assert callable(obj.read)
    assert callable(obj.create)
    assert callable(obj.update)
    assert callable(obj.delete)
    list(obj.fields(api))
    assert sum(len(page.rows) for page in obj.read(api, spec.Read())) == 25
    values = {"Id": "N", "Joined": "2024-05-06", "Active": True, "Score": 2, "Name": None}
    obj.create(api, spec.OutboundChange(kind="create", values=values))
    obj.update(api, spec.OutboundChange(kind="update", key="N", values={"Name": "New"}))
    obj.delete(api, spec.OutboundChange(kind="delete", key="N"))
    contract = Contract()
    for method, target, body in vendor.heard:
        contract.request(method, target, body)
    kinds = {target.partition("?")[0].rpartition(PLAN)[2] for _, target, _ in vendor.heard}
    assert kinds == {"", ":getByDataFilter", "/values:batchGetByDataFilter", ":batchUpdate"}


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", f"/v4/spreadsheets/{PLAN}?field=x", None),
        ("DELETE", f"/v4/spreadsheets/{PLAN}", None),
        ("POST", f"/v4/spreadsheets/{PLAN}:batchUpdate", {"requests": [{"appendRows": {}}]}),
        ("POST", f"/v4/spreadsheets/{PLAN}:getByDataFilter", {"filters": []}),
    ],
)
def test_the_contract_notices_what_is_wrong(method: str, target: str, body: Any) -> None:
    with pytest.raises((AssertionError, ValidationError)):
        Contract().request(method, target, body)
