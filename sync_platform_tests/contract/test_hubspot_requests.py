"""What the HubSpot connector sends, held against a description of HubSpot's API (OpenAPI).

The requests go through the real transport to a wire that listens, so what is judged is what HubSpot
would hear. The description was written by WSO2 from HubSpot's documentation some years ago: owners,
account details, products and line items are absent from it. Where HubSpot itself takes something
else than it says, `as_hubspot_takes` says what.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sync_platform import spec
from sync_platform.connectors.hubspot import OBJECTS, connector
from sync_platform.engine import extract
from sync_platform.transport.api import HttpApi
from sync_platform_tests.contract.lines import line_to
from sync_platform_tests.transport.wire import Heard, Wire, listening

DOCUMENT = Path(__file__).parents[3] / "shared" / "specs" / "hubspot.json"
DOCUMENTED = ("contacts", "companies", "deals", "tickets")
OPERATORS = [
    *("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN"),
    *("HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"),
]
WINDOW = spec.Read(
    since=datetime(2024, 1, 1, tzinfo=UTC),
    until=datetime(2024, 2, 1, tzinfo=UTC),
    fields=("hs_object_id", "hubspot_owner_id"),
    after="7",
)
Json = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason=f"needs the description of HubSpot's API at {DOCUMENT}"
)


def as_hubspot_takes(document: Json) -> Json:
    """The document, corrected where HubSpot takes something else (its own words: CRM > Search)."""
    document = copy.deepcopy(document)
    schemas = document["components"]["schemas"]
    search = schemas["PublicObjectSearchRequest"]
    search["required"] = ["filterGroups", "limit", "properties", "sorts"]  # `after` may be left out
    search["properties"]["sorts"]["items"] = {
        "type": "object",
        "required": ["propertyName", "direction"],
        "properties": {
            "propertyName": {"type": "string"},
            "direction": {"enum": ["ASCENDING", "DESCENDING"]},
        },
        "additionalProperties": False,
    }
    search["properties"]["sorts"]["maxItems"] = 1
    search["properties"]["limit"]["maximum"] = 200
    search["properties"]["filterGroups"]["maxItems"] = 6
    schemas["Filter"]["properties"]["operator"]["enum"] = OPERATORS
    for name in ("PublicObjectSearchRequest", "FilterGroup", "Filter"):
        schemas[name]["additionalProperties"] = False  # what it does not know it does not heed
    return document


class Contract:
    """Checks requests against the document; raises AssertionError or ValidationError."""

    def __init__(self, document: Json) -> None:
        self.paths: Json = document["paths"]
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource("urn:document", resource)

    def check(self, heard: Heard) -> None:
        called = urlsplit(heard.path)
        operation = self.operation(heard.method.lower(), called.path)
        known = {it["name"]: it for it in operation["parameters"] if it["in"] == "query"}
        given = dict(parse_qsl(called.query, keep_blank_values=True))
        assert given.keys() <= known.keys(), f"{heard.path} has parameters that HubSpot does not"
        required = {name for name, it in known.items() if it.get("required")}
        assert required <= given.keys(), f"{heard.path} lacks {required - given.keys()}"
        for name, text in given.items():
            Draft202012Validator(known[name]["schema"]).validate(as_typed(text, known[name]))
        body = operation.get("requestBody")
        if body is None:
            assert heard.body == b"", f"{heard.method} {heard.path} takes no body"
            return
        schema = body["content"][heard.headers["Content-Type"]]["schema"]
        wanted = {"$ref": "urn:document" + schema["$ref"]}
        Draft202012Validator(wanted, registry=self.registry).validate(heard.json)

    def operation(self, method: str, path: str) -> Json:
        """The operation of the most literal path of the document that fits."""
        fitting = [
            template
            for template, operations in self.paths.items()
            if method in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        assert fitting, f"HubSpot has no {method.upper()} {path}"
        found: Json = self.paths[min(fitting, key=lambda one: one.count("{"))][method]
        return {"parameters": []} | found


def as_typed(text: str, parameter: Mapping[str, Any]) -> Any:
    """A query parameter's text as the JSON that its schema speaks of."""
    match parameter["schema"]["type"]:
        case "integer" | "boolean":
            return orjson.loads(text)
        case "array":
            return text.split(",")
    return text


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract(as_hubspot_takes(orjson.loads(DOCUMENT.read_bytes())))


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with listening() as wire:
        yield wire


@pytest.fixture(scope="module")
def api(wire: Wire) -> Iterator[HttpApi]:
    with line_to(connector, wire.url, {"token": "sandbox-token"}) as api:
        yield api


@pytest.mark.parametrize("name", DOCUMENTED)
@pytest.mark.parametrize("read", [WINDOW, spec.Read(fields=("email",))], ids=["window", "full"])
def test_searches_are_as_described(
    api: HttpApi, wire: Wire, contract: Contract, name: str, read: spec.Read
) -> None:
    wire.say({"results": [{"id": str(number), "properties": {}} for number in range(200)]})
    wire.say({"results": []})
    wire.heard.clear()
    assert len(list(extract.rows(connector[name], api, read))) == 2
    assert [it.path for it in wire.heard] == [f"/crm/v3/objects/{name}/search"] * 2
    for heard in wire.heard:
        contract.check(heard)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_lists_of_archived_records_are_as_described(
    api: HttpApi, wire: Wire, contract: Contract, name: str
) -> None:
    record = {"id": "1", "properties": {"hs_object_id": "1"}}
    wire.say({"results": [record], "paging": {"next": {"after": "NTI1Cg=="}}})
    wire.say({"results": []})
    wire.heard.clear()
    assert [page.gone for page in extract.gone(connector[name], api, spec.Read())] == [[("1",)], []]
    assert wire.heard[1].path.endswith("?archived=true&limit=100&after=NTI1Cg%3D%3D")
    for heard in wire.heard:
        contract.check(heard)


@pytest.mark.parametrize("name", DOCUMENTED)
@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_changes_are_as_described(
    api: HttpApi, wire: Wire, contract: Contract, name: str, kind: Any
) -> None:
    request = getattr(connector[name], kind)
    key = None if kind == "create" else "15/1"
    api.send(request, spec.OutboundChange(kind=kind, key=key, values={"email": "a@b.c"}))
    contract.check(wire.heard[-1])


@pytest.mark.parametrize("name", DOCUMENTED)
def test_properties_are_asked_for_as_described(
    api: HttpApi, wire: Wire, contract: Contract, name: str
) -> None:
    wire.say({"results": []})
    discover = connector[name].fields
    assert callable(discover)
    assert list(discover(api)) == []
    contract.check(wire.heard[-1])


def test_what_the_document_does_not_describe_is_named(
    api: HttpApi, wire: Wire, contract: Contract
) -> None:
    """If a newer document does, it joins DOCUMENTED, or gets a test of its own."""
    wire.say({"results": []}, times=3)
    wire.heard.clear()
    assert isinstance(connector.check, spec.Request)
    api.send(connector.check)
    for name in sorted({obj.name for obj in connector.objects} - {*DOCUMENTED}):
        reading = connector[name].read
        assert isinstance(reading, spec.Request)
        api.send(extract.following(reading, WINDOW, None), WINDOW)
    paths = [urlsplit(it.path).path for it in wire.heard]
    assert paths == [
        "/account-info/v3/details",
        "/crm/v3/objects/line_items/search",
        "/crm/v3/owners",
        "/crm/v3/objects/products/search",
    ]
    for heard in wire.heard:
        with pytest.raises(AssertionError, match="HubSpot has no"):
            contract.check(heard)
    assert set(DOCUMENTED) < set(OBJECTS)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/crm/v3/objects/contacts?archive=true", b""),
        ("GET", "/crm/v3/objects/contacts?limit=many", b""),
        ("GET", "/crm/v4/objects/contacts", b""),
        ("PUT", "/crm/v3/objects/contacts/1", b""),
        ("POST", "/crm/v3/objects/contacts", b'{"values": {}}'),
        ("POST", "/crm/v3/objects/contacts/search", b'{"filterGroups": []}'),
    ],
)
def test_the_contract_notices_what_is_wrong(
    contract: Contract, wire: Wire, api: HttpApi, method: Any, path: str, body: bytes
) -> None:
    json = orjson.loads(body) if body else None
    api.send(spec.Request(method=method, path=path, json=json, safe_to_repeat=True))
    with pytest.raises((AssertionError, ValidationError, ValueError)):
        contract.check(wire.heard[-1])
