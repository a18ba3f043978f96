"""What the Xero connector sends, held against Xero's own description of its API (OpenAPI).

The requests go through the real transport to a wire that listens, so what is judged is what Xero
would hear. The copy here lacks some lists (`NOT_DESCRIBED`), though it knows the shapes of most.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from jsonschema import ValidationError

from sync_platform import spec
from sync_platform.connectors.xero import connector
from sync_platform.engine import extract
from sync_platform.transport.api import HttpApi
from sync_platform_tests.contract.lines import line_to
from sync_platform_tests.contract.xero_document import DOCUMENT, ROOT, Document
from sync_platform_tests.transport.wire import Heard, Wire, listening

NOT_DESCRIBED = {
    *("bank_transfers", "batch_payments", "branding_themes", "linked_transactions"),
    *("overpayments", "prepayments", "repeating_invoices"),
}
DESCRIBED = sorted({obj.name for obj in connector.objects} - NOT_DESCRIBED)
BROAD = {  # the scopes of the description -> those that take their place
    "accounting.transactions": {
        *("accounting.invoices", "accounting.payments", "accounting.banktransactions"),
        "accounting.manualjournals",
    },
}
VALUES: dict[str, Any] = {
    "bank_transactions": {"Type": "SPEND", "LineItems": [], "BankAccount": {"Code": "090"}},
    "items": {"Code": "A-1"},
    "manual_journals": {"Narration": "Accrual"},
}
WINDOW = spec.Read(
    since=datetime(2024, 1, 1, tzinfo=UTC),
    until=datetime(2024, 2, 1, tzinfo=UTC),
    filters={"status": "PAID,AUTHORISED", "type": "ACCPAY", "issued_within": "2023-06-01"},
)
WRITES = [
    (obj.name, kind)
    for obj in connector.objects
    for kind in ("create", "update", "delete")
    if getattr(obj, kind) is not None
]

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason=f"needs Xero's description of its API at {DOCUMENT}"
)


@pytest.fixture(scope="module")
def document() -> Document:
    return Document()


@pytest.fixture
def wire() -> Iterator[Wire]:
    with listening() as wire:
        yield wire


@pytest.fixture
def api(wire: Wire) -> Iterator[HttpApi]:
    secret = {"auth": "OAuth2", "access_token": "access-0123456789"}
    with line_to(connector, wire.url, secret, tenant_id="t-1") as api:
        yield api


def check(document: Document, heard: Heard) -> None:
    """Raises AssertionError or ValidationError where Xero would not take, or not heed, a call."""
    called = urlsplit(heard.path)
    operation = document.operation(heard.method, called.path)
    known = {it["name"]: it for it in operation["parameters"] if it["in"] == "query"}
    given = dict(parse_qsl(called.query, keep_blank_values=True))
    assert given.keys() <= known.keys(), f"{heard.path} has parameters that Xero does not"
    for name, text in given.items():
        document.validate(as_typed(text, known[name]["schema"]["type"]), known[name]["schema"])
    headers = {it["name"].lower() for it in operation["parameters"] if it["in"] == "header"}
    for special in ("if-modified-since", "idempotency-key"):
        assert special not in heard.headers or special in headers, f"{special} is not heeded"
    if body := operation.get("requestBody"):
        document.validate(heard.json, body["content"]["application/json"]["schema"])
    else:
        assert heard.body == b""


def as_typed(text: str, kind: str) -> Any:
    """A query parameter's text as the JSON that its schema speaks of."""
    if kind in ("integer", "boolean"):
        return orjson.loads(text)
    return text.split(",") if kind == "array" else text


@pytest.mark.parametrize("name", DESCRIBED)
@pytest.mark.parametrize("read", [WINDOW, spec.Read()], ids=["window", "full"])
def test_reads_are_as_described(
    api: HttpApi, wire: Wire, document: Document, name: str, read: spec.Read
) -> None:
    obj = connector[name]
    assert isinstance(obj.read, spec.Request)
    chosen = {each.name for each in obj.filters}
    read = replace(read, filters={k: v for k, v in read.filters.items() if k in chosen})
    page = [{obj.keys[0]: str(number), "JournalNumber": number} for number in range(1000)]
    for records in (page, page[:1]):
        wire.say({obj.read.records: records, "pagination": {"itemCount": 1001}})
    wire.say({obj.read.records: []}, times=2)
    list(extract.rows(obj, api, read))
    paged = obj.read.pages is not spec.single_page
    assert (len(wire.heard) > 1) == paged
    for heard in wire.heard:
        check(document, heard)
        assert heard.headers["xero-tenant-id"] == "t-1"
        assert ("If-Modified-Since" in heard.headers) == bool(read.since and obj.cursor)


@pytest.mark.parametrize("name", ["purchase_orders", "quotes"])
def test_one_status_and_a_day_are_asked_for_as_described(
    api: HttpApi, wire: Wire, document: Document, name: str
) -> None:
    obj = connector[name]
    assert isinstance(obj.read, spec.Request)
    wire.say({obj.read.records: []})
    chosen = {"status": "DRAFT", "issued_within": "2023-06-01"}
    list(extract.rows(obj, api, spec.Read(filters=chosen)))
    (heard,) = wire.heard
    check(document, heard)
    asked = dict(parse_qsl(urlsplit(heard.path).query))
    assert (asked["Status"], asked["DateFrom"]) == ("DRAFT", "2023-05-31")


@pytest.mark.parametrize("name", DESCRIBED)
def test_all_lists_that_heed_if_modified_since_are_asked_with_it(
    document: Document, name: str
) -> None:
    reading = connector[name].read
    assert isinstance(reading, spec.Request)
    parameters = document.operation("GET", reading.path)["parameters"]
    heeded = any(each["name"] == "If-Modified-Since" for each in parameters)
    assert (connector[name].cursor is not None) == heeded


@pytest.mark.parametrize(("name", "kind"), WRITES)
def test_changes_are_as_described(
    api: HttpApi, wire: Wire, document: Document, name: str, kind: Any
) -> None:
    request, listed = getattr(connector[name], kind), connector[name].read
    assert isinstance(listed, spec.Request)
    key = None if kind == "create" else "297c2dc5-cc47-4afd-8ec8-74990b8761e9"
    values = VALUES.get(name, {})  # what the description demands of any body
    change = spec.OutboundChange(kind=kind, key=key, values=values, id="change-1")
    if callable(request):
        wire.say({listed.records: [{"Status": "DRAFT"}]})
        request(api, change)
    else:
        api.send(request, change)
    for heard in wire.heard:
        check(document, heard)
    sent = wire.heard[-1]
    keyed = sent.method != "DELETE"
    assert sent.headers.get("Idempotency-Key") == ("change-1" if keyed else None)


def test_connections_and_the_check_are_as_described(
    api: HttpApi, wire: Wire, document: Document
) -> None:
    wire.say([])
    wire.say({"Organisations": [{"OrganisationID": "o-1", "Name": "Acme"}]})
    options = connector.settings[0].options
    assert options
    assert list(options(api)) == []
    assert isinstance(connector.check, spec.Request)
    assert connector.account(api.send(connector.check)) == spec.Account(id="o-1", name="Acme")
    for heard in wire.heard:
        check(document, heard)


# -- scopes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DESCRIBED)
@pytest.mark.parametrize("writes", [False, True], ids=["read", "write"])
def test_scopes_are_as_described_or_the_narrower_ones_that_took_their_place(
    document: Document, name: str, writes: bool
) -> None:
    obj = connector[name]
    request = obj.create if writes else obj.read
    if not isinstance(request, spec.Request):
        return
    described = {
        scope
        for way in document.operation(request.method, request.path)["security"]
        for scope in way.get("OAuth2", ())
    }
    for scope in obj.write_scopes if writes else obj.scopes:
        plain = scope.removesuffix(".read")
        allowed = {narrow for broad in described for narrow in BROAD.get(broad, {broad})}
        assert scope in described or plain in allowed


def test_what_the_document_does_not_describe_is_named(document: Document) -> None:
    """If a newer copy does, it joins them."""
    for name in NOT_DESCRIBED:
        reading = connector[name].read
        assert isinstance(reading, spec.Request)
        with pytest.raises(AssertionError, match="Xero describes no GET"):
            document.operation("GET", reading.path)
        assert not connector[name].writable


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{ROOT}/Contacts?archived=true", b""),
        ("GET", f"{ROOT}/Contacts?page=first", b""),
        ("GET", f"{ROOT}/Unicorns", b""),
        ("DELETE", f"{ROOT}/Contacts/1", b""),
        ("PUT", f"{ROOT}/Contacts", b'{"Contacts": {}}'),
        ("POST", f"{ROOT}/Payments/1", b"{}"),
    ],
)
def test_the_contract_notices_what_is_wrong(
    document: Document, wire: Wire, api: HttpApi, method: Any, path: str, body: bytes
) -> None:
    json = orjson.loads(body) if body else None
    api.send(spec.Request(method=method, path=path, json=json, safe_to_repeat=True))
    with pytest.raises((AssertionError, ValidationError, ValueError)):
        check(document, wire.heard[-1])
