"""The fake Xero's answers, held against Xero's own description of its API (OpenAPI).

The copy here lacks bank transfers, batch payments, branding themes, linked transactions, over- and
prepayments and repeating invoices; of what it lacks, records are compared where it knows their
shape.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import ValidationError

from sync_platform.sandbox import serve
from sync_platform.sandbox.xero import TENANTS, Xero
from sync_platform.sandbox.xero_kinds import KINDS
from sync_platform_tests.contract.xero_document import DOCUMENT, ROOT, Document

NOT_OFFERED = {"DELETE /Connections/*"}  # a person disconnects an organisation at Xero
SHAPES = {
    "batch_payments": "BatchPayment",
    "branding_themes": "BrandingTheme",
    "overpayments": "Overpayment",
    "prepayments": "Prepayment",
}
UNKNOWN = ("bank_transfers", "linked_transactions", "repeating_invoices")
DESCRIBED = sorted(KINDS.keys() - SHAPES.keys() - {*UNKNOWN})
ADA: Any = {"Name": "Ada"}
LINES = [{"Description": "Licence", "Quantity": 2, "UnitAmount": 5, "AccountCode": "200"}]
SOLD = {"Type": "ACCREC", "Contact": ADA, "LineItems": LINES}
NEW: dict[str, Any] = {
    "accounts": {"Code": "987", "Name": "Snacks", "Type": "EXPENSE"},
    "bank_transactions": {**SOLD, "Type": "SPEND", "BankAccount": {"Code": "090"}},
    "contact_groups": {"Name": "Friends"},
    "contacts": {"Name": "Bob"},
    "credit_notes": {**SOLD, "Type": "ACCRECCREDIT"},
    "invoices": SOLD,
    "items": {"Code": "A-1"},
    "manual_journals": {
        "Narration": "Accrual",
        "JournalLines": [{"LineAmount": 1, "AccountCode": "400"}, {"LineAmount": -1}],
    },
    "purchase_orders": {"Contact": ADA, "LineItems": LINES},
    "quotes": {"Contact": ADA, "LineItems": LINES, "Date": "2024-01-01"},
    "tracking_categories": {"Name": "Season"},
}

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason=f"needs Xero's description of its API at {DOCUMENT}"
)


@pytest.fixture(scope="module")
def document() -> Document:
    return Document()


@pytest.fixture(scope="module")
def xero() -> Iterator[Xero]:
    with serve(Xero(contacts=12, others=6)) as xero:
        yield xero


@pytest.fixture(scope="module")
def client(xero: Xero, document: Document) -> Iterator[httpx.Client]:
    """A client that checks every answer it gets."""

    def check(answer: httpx.Response) -> None:
        answer.read()
        path = answer.request.url.path
        described = document.operation(answer.request.method, path)["responses"]
        status = str(answer.status_code)
        assert status in described, f"{answer.request.method} {path} never says {status}"
        content = document.resolved(described[status]).get("content")
        if not content:
            assert answer.content == b""
            return
        document.validate(answer.json(), content["application/json"]["schema"])

    signed = {"Authorization": "Bearer sandbox-token", "xero-tenant-id": TENANTS[0].id}
    hooks: Any = {"response": [check]}
    with httpx.Client(base_url=f"{xero.url}{ROOT}", headers=signed, event_hooks=hooks) as client:
        yield client


@pytest.mark.parametrize("name", DESCRIBED)
def test_lists_are_answered_as_described(client: httpx.Client, xero: Xero, name: str) -> None:
    kind, there = KINDS[name], xero.records(name).items()
    shown = {id for id, record in there if record.get(kind.status) not in kind.hidden}
    for page in ("", "?page=1") if kind.page else ("",):
        answer = client.get(f"/{kind.path}{page}").json()
        listed = answer["Organisations" if name == "organisations" else kind.path]
        assert {each[kind.key] for each in listed} == shown


@pytest.mark.parametrize("name", sorted(set(DESCRIBED) - {"currencies", "organisations"}))
def test_one_is_answered_as_described(client: httpx.Client, xero: Xero, name: str) -> None:
    kind, id = KINDS[name], next(iter(xero.records(name)))
    path = f"/{kind.path}/{id}"
    assert [each[kind.key] for each in client.get(path).json()[kind.path]] == [id]


@pytest.mark.parametrize("name", NEW)
def test_writes_are_answered_as_described(client: httpx.Client, name: str) -> None:
    kind = KINDS[name]
    given = NEW[name] if kind.bare else {kind.path: [NEW[name]]}
    (made,) = client.put(f"/{kind.path}", json=given).json()[kind.path]
    one = f"/{kind.path}/{made[kind.key]}"
    assert client.post(one, json={kind.path: [{}]}).status_code == 200
    if kind.deletes:
        assert client.delete(one).status_code in (200, 204)


@pytest.mark.parametrize("name", ["contacts", "invoices", "items", "accounts"])
def test_refusals_of_records_are_as_described(client: httpx.Client, name: str) -> None:
    kind = KINDS[name]
    refused = client.put(f"/{kind.path}", json={} if kind.bare else {kind.path: [{}]})
    assert refused.status_code == 400
    assert refused.json()["Elements"][0]["ValidationErrors"]


def test_connections_are_answered_as_described(client: httpx.Client, xero: Xero) -> None:
    assert len(client.get(f"{xero.url}/connections").json()) == 2


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_records_of_lists_that_are_not_described_have_the_described_shape(
    xero: Xero, document: Document, name: str, shape: str
) -> None:
    known = document.schema(shape)["properties"]
    for record in xero.records(name).values():
        document.validate(record, {"$ref": f"#/components/schemas/{shape}"})
        assert record.keys() <= known.keys()


@pytest.mark.parametrize("name", DESCRIBED)
def test_records_have_no_field_that_is_not_described(
    xero: Xero, document: Document, name: str
) -> None:
    answers = document.operation("GET", f"{ROOT}/{KINDS[name].path}")["responses"]["200"]
    listed = document.resolved(answers["content"]["application/json"]["schema"])["properties"]
    (records,) = [it for each, it in listed.items() if each not in ("pagination", "Warnings")]
    known = document.resolved(records["items"])["properties"].keys()
    for record in xero.records(name).values():
        assert {each for each in record if not each.startswith("_")} <= known


def test_every_described_operation_is_offered_or_named_as_not(document: Document) -> None:
    def shape(method: str, path: str) -> str:
        path = re.sub(r"\{.*?\}", "*", path.removeprefix(ROOT))
        return f"{method.upper()} {path.replace('/connections', '/Connections')}"

    served = {shape(endpoint.method, endpoint.path) for endpoint in Xero().endpoints()}
    described = {
        shape(method, path)
        for path, operations in document.json["paths"].items()
        for method in operations
        if method in ("get", "put", "post", "delete")
    }
    assert described - served == NOT_OFFERED


def test_the_contract_notices_what_is_wrong(document: Document) -> None:
    invoices = {"$ref": "#/components/schemas/Invoices"}
    for wrong in ({"Total": "1"}, {"InvoiceID": "7"}, {"Type": "ACC"}, {"HasErrors": 1}):
        with pytest.raises(ValidationError):
            document.validate({"Invoices": [wrong]}, invoices)
    with pytest.raises(AssertionError, match="describes no PUT"):
        document.operation("PUT", f"{ROOT}/Journals")
