"""What the Stripe connector sends and declares, held against Stripe's description (OpenAPI).

The requests go through the real transport to a wire that listens, so what is judged is what Stripe
would hear.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from sync_platform import spec
from sync_platform.connectors._stripe_fields import CONSTANT, LEFT_OUT, TABLES, fields
from sync_platform.connectors._stripe_kinds import KINDS
from sync_platform.connectors.stripe import STATUSES, connector
from sync_platform.engine import extract
from sync_platform.transport.api import HttpApi
from sync_platform_tests.contract.lines import line_to
from sync_platform_tests.contract.stripe_document import DOCUMENT, UNDESCRIBED, Document
from sync_platform_tests.transport.wire import Heard, Wire, listening

WINDOW = spec.Read(
    since=datetime(2024, 1, 1, tzinfo=UTC),
    until=datetime(2024, 1, 2, tzinfo=UTC),
    filters={"status": "paid"},
)
OBJECTS = {
    **{name: name.removesuffix("s") for name in KINDS},
    "checkout_sessions": "checkout.session",
}
EMPTY = {"object": "list", "data": [], "has_more": False, "url": "/v1/things"}
Json = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason=f"needs the description of Stripe's API at {DOCUMENT}"
)


@pytest.fixture(scope="module")
def document() -> Document:
    return Document(orjson.loads(DOCUMENT.read_bytes()))


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with listening() as wire:
        yield wire


@pytest.fixture
def api(wire: Wire) -> Iterator[HttpApi]:
    wire.forget()
    with line_to(connector, wire.url, {"token": "sandbox-token"}) as api:
        yield api


def check(document: Document, heard: Heard) -> None:
    """Raises AssertionError where a request is not as described."""
    called = urlsplit(heard.path)
    operation = document.operation(heard.method.lower(), called.path)
    known = {it["name"]: it for it in operation["parameters"] if it["in"] == "query"}
    for name, text in parse_qsl(called.query, keep_blank_values=True):
        top, *inner = re.split(r"[\[\]]+", name.rstrip("]"))
        assert top in known, f"{heard.path}: Stripe has no parameter {top}"
        fits(known[top]["schema"], inner, text)
    body = operation.get("requestBody", {}).get("content", {})
    form = body.get("application/x-www-form-urlencoded", {}).get("schema", {})
    for name, text in parse_qsl(heard.body.decode(), keep_blank_values=True):
        top, *inner = re.split(r"[\[\]]+", name.rstrip("]"))
        assert top in form["properties"], f"{heard.path}: Stripe has no parameter {top}"
        fits(form["properties"][top], inner, text)
    given = {name.partition("[")[0] for name, _ in parse_qsl(heard.body.decode())}
    if heard.method == "POST" and not re.search(r"/v1/\w+/", called.path):
        assert set(form.get("required", ())) <= given


def fits(schema: Json, inner: list[str], text: str) -> None:
    """Whether a text may stand at a place within a parameter."""
    ways = schema.get("anyOf", [schema])
    for step in inner:
        ways = [
            found
            for way in ways
            for inside in way.get("anyOf", [way])
            if (found := _within(inside, step)) is not None
        ]
    assert any(_may_be(way, text) for way in ways), (schema, inner, text)


def _within(schema: Json, step: str) -> Json | None:
    if schema.get("type") == "array":
        found: Json | None = schema["items"] if step.isdecimal() else None
        return found
    if step in schema.get("properties", {}):
        inside: Json = schema["properties"][step]
        return inside
    more = schema.get("additionalProperties")
    return more if isinstance(more, dict) else None


def _may_be(schema: Json, text: str) -> bool:
    if "anyOf" in schema:
        return any(_may_be(way, text) for way in schema["anyOf"])
    if "enum" in schema:
        return text in schema["enum"]
    kind = schema.get("type")
    if kind == "integer":
        return re.fullmatch(r"-?\d+", text) is not None
    return kind == "string" or (kind == "boolean" and text in ("true", "false"))


# -- what is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in KINDS if name not in UNDESCRIBED])
@pytest.mark.parametrize("read", [WINDOW, spec.Read()], ids=["window", "full"])
def test_lists_are_asked_for_as_described(
    api: HttpApi, wire: Wire, document: Document, name: str, read: spec.Read
) -> None:
    wire.say(EMPTY)
    allowed = {**read.filters} if "paid" in STATUSES.get(name, ()) else {}
    read = spec.Read(since=read.since, until=read.until, filters=allowed)
    assert len(list(extract.rows(connector[name], api, read))) == 1
    (heard,) = wire.heard
    check(document, heard)


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name].told])
def test_events_are_asked_for_as_described(
    api: HttpApi, wire: Wire, document: Document, name: str
) -> None:
    wire.say(EMPTY, times=2)
    list(extract.changes(connector[name], api, WINDOW))
    check(document, wire.heard[0])
    asked = dict(parse_qsl(urlsplit(wire.heard[0].path).query))
    assert 1 <= len([each for each in asked if each.startswith("types[")]) <= 20
    assert wire.heard[0].headers["Stripe-Version"] == "2022-11-15"


CHANGES: Mapping[str, Json] = {
    "customers": {"name": "Zoë", "balance": -5, "metadata_plan": "gold", "address": {"city": "X"}},
    "products": {"name": "Sensor", "active": True},
    "prices": {"currency": "eur", "unit_amount": 5},
    "invoices": {"description": "By hand", "due_date": "2026-11-30T00:00:00Z"},
    "invoiceitems": {"customer": "cus_1", "amount": 5},
    "payment_intents": {"amount": 5, "currency": "eur"},
    "credit_notes": {"invoice": "in_1", "memo": "Sorry"},
    "checkout_sessions": {"success_url": "https://acme.example", "mode": "payment"},
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_what_is_made_is_sent_as_described(
    api: HttpApi, wire: Wire, document: Document, name: str
) -> None:
    request = connector[name].create
    assert isinstance(request, spec.Request)
    api.send(request, spec.OutboundChange(kind="create", values=CHANGES[name], id="change-1"))
    check(document, wire.heard[0])
    assert wire.heard[0].headers["Idempotency-Key"] == "change-1"


EDITS: Mapping[str, Json] = {
    **{name: {"metadata": {"a": "b"}} for name in ("charges", "refunds", "disputes", "payouts")},
    "subscriptions": {"cancel_at_period_end": True, "cancel_at": "2026-12-31T00:00:00Z"},
    "customers": {"name": None, "shipping": {"name": "Zoë", "address": {"city": "X"}}},
    "invoices": {"footer": ""},
    "products": {"images": ["https://acme.example/1.png"]},
}


@pytest.mark.parametrize("name", list(EDITS))
def test_what_is_edited_is_sent_as_described(
    api: HttpApi, wire: Wire, document: Document, name: str
) -> None:
    request = connector[name].update
    assert isinstance(request, spec.Request)
    change = spec.OutboundChange(kind="update", key="a/b", values=EDITS[name], id="change-2")
    api.send(request, change)
    check(document, wire.heard[0])
    assert wire.heard[0].path == f"{KINDS[name].path}/a%2Fb"


@pytest.mark.parametrize("name", ["customers", "products", "invoices", "invoiceitems"])
def test_what_is_deleted_is_sent_as_described(
    api: HttpApi, wire: Wire, document: Document, name: str
) -> None:
    request = connector[name].delete
    assert isinstance(request, spec.Request)
    api.send(request, spec.OutboundChange(kind="delete", key="x", id="change-3"))
    check(document, wire.heard[0])


def test_the_account_is_asked_for_as_described(
    api: HttpApi, wire: Wire, document: Document
) -> None:
    assert isinstance(connector.check, spec.Request)
    api.send(connector.check)
    check(document, wire.heard[0])


@pytest.mark.parametrize(
    "request_",
    [
        spec.get("/v1/customers", params={"updated[gte]": 1}),
        spec.get("/v1/customers", params={"created[gte]": "yesterday"}),
        spec.get("/v1/patrons"),
        spec.post("/v1/customers", form={"nickname": "Z"}),
        spec.post("/v1/products", form={"active": True}),
        spec.post("/v1/customers", form={"balance": "much"}),
    ],
    ids=lambda it: f"{it.path} {it.params or it.form}",
)
def test_the_check_notices_what_is_wrong(
    api: HttpApi, wire: Wire, document: Document, request_: spec.Request
) -> None:
    api.send(request_)
    with pytest.raises(AssertionError):
        check(document, wire.heard[0])


# -- what is declared -----------------------------------------------------------------------------


def types_of(schema: Json) -> set[str]:
    """Our types that can hold what a property may be; what may be expanded is an id."""
    if "anyOf" in schema:
        ways = schema["anyOf"]
        return {"text"} if any(it.get("type") == "string" for it in ways) else {"json"}
    match schema.get("type"), schema.get("format"):
        case "integer", "unix-time":
            return {"timestamp"}
        case "integer", _:
            return {"integer", "timestamp"}
        case "string", "decimal":
            return {"number"}
        case "string", _:
            return {"text"}
        case ("boolean" | "number") as same, _:
            return {same}
    return {"json"}


@pytest.mark.parametrize("name", list(KINDS))
def test_every_field_is_described_and_of_its_type(document: Document, name: str) -> None:
    described = document.schemas[OBJECTS[name]]["properties"]
    for field in fields(name, {}):
        assert field.name in described, f"{name} has no {field.name}"
        assert field.type in types_of(described[field.name]), f"{name}.{field.name}: {field.type}"


@pytest.mark.parametrize("name", list(KINDS))
def test_every_property_is_a_field_or_left_out_for_a_reason(document: Document, name: str) -> None:
    left = {"object": CONSTANT, **LEFT_OUT.get(name, {})}
    declared = {field.name for field in fields(name, {})}
    assert declared | left.keys() == document.properties(OBJECTS[name]).keys()
    assert not declared & left.keys()
    assert all(len(reason) > 10 for reason in left.values())


@pytest.mark.parametrize("name", [name for name in KINDS if name not in UNDESCRIBED])
def test_fields_may_be_written_exactly_where_a_call_takes_them(
    document: Document, name: str
) -> None:
    obj, taken = connector[name], set[str]()
    for request in (obj.create, obj.update):
        if isinstance(request, spec.Request):
            path = request.path.replace("{key}", "x")
            body = document.operation("post", path)["requestBody"]["content"]
            taken |= body["application/x-www-form-urlencoded"]["schema"]["properties"].keys()
    for field in fields(name, {}):
        assert field.read_only is (field.name not in taken), field.name


@pytest.mark.parametrize("name", list(STATUSES))
def test_statuses_are_those_that_are_described(document: Document, name: str) -> None:
    described = document.schemas[OBJECTS[name]]["properties"]["status"]
    if "enum" in described:
        assert set(described["enum"]) == set(STATUSES[name])


def test_every_table_is_an_object() -> None:
    assert set(TABLES) == set(KINDS) == {obj.name for obj in connector.objects}
