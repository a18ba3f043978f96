"""The fake HubSpot's answers, held against a description of HubSpot's API (OpenAPI).

The description was written by WSO2 from HubSpot's documentation and is partial: owners, account
details, products, line items and OAuth are absent from it, so nothing is compared there. Where
HubSpot itself differs from it, `as_hubspot_answers` says how.
"""

import copy
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sync_platform.sandbox import HubSpot, serve

DOCUMENT = Path(__file__).parents[3] / "shared" / "specs" / "hubspot.json"
DOCUMENTED = ("contacts", "companies", "deals", "tickets")
NAMES = {"contacts": "firstname", "companies": "name", "deals": "dealname", "tickets": "subject"}
NOT_OFFERED = (
    "/associations/",
    "/crm/v3/pipelines/",
    "/crm/v3/schemas",
    "/crm/v3/properties/{objectType}/batch/",
    "/crm/v3/properties/{objectType}/groups",
    "patch /crm/v3/properties/{objectType}/{propertyName}",
)
Json = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason=f"needs the description of HubSpot's API at {DOCUMENT}"
)


def as_hubspot_answers(document: Json) -> Json:
    """The document, corrected where HubSpot's real answers differ from it."""
    document = copy.deepcopy(document)
    for schema in document["components"]["schemas"].values():
        values = schema.get("properties", {}).get("properties", {}).get("additionalProperties")
        if values is not None:
            values["nullable"] = True  # a property without a value is null
    document["components"]["schemas"]["ErrorCategory"] = {"type": "string"}  # not an object
    return document


def with_null_as_a_type(schema: Any) -> Any:
    """OpenAPI's `nullable`, in the words of JSON Schema."""
    if isinstance(schema, list):
        return [with_null_as_a_type(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: with_null_as_a_type(one) for name, one in schema.items()}
    if schema.pop("nullable", False) is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return schema


formats = FormatChecker(["uuid"])


@formats.checks("date-time", raises=ValueError)
def is_a_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


class Contract:
    """Checks answers against the document."""

    def __init__(self, document: Json) -> None:
        self.document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource("urn:document", resource)

    def check(self, response: httpx.Response) -> None:
        method = response.request.method.lower()
        path, operation = self.operation(method, response.request.url.path)
        responses = operation["responses"]
        described = responses.get(str(response.status_code))
        if described is None:
            assert response.status_code >= 400, f"{method} {path} never says {response.status_code}"
            described = self.document["components"]["responses"]["Error"]
        content = described.get("content")
        if not content:
            assert response.content == b""
            return
        schema = next(iter(content.values()))["schema"]
        wanted = {"$ref": "urn:document" + schema["$ref"]}
        validator = Draft202012Validator(wanted, registry=self.registry, format_checker=formats)
        validator.validate(response.json())

    def operation(self, method: str, path: str) -> tuple[str, Json]:
        """The most literal path of the document that fits."""
        fitting = [
            template
            for template, operations in self.document["paths"].items()
            if method in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        template = min(fitting, key=lambda one: one.count("{"))
        operation: Json = self.document["paths"][template][method]
        return template, operation


@pytest.fixture(scope="module")
def contract() -> Contract:
    document = orjson.loads(DOCUMENT.read_bytes())
    return Contract(with_null_as_a_type(as_hubspot_answers(document)))


@pytest.fixture(scope="module")
def client(contract: Contract) -> Iterator[httpx.Client]:
    """A client that checks every answer it gets."""
    tokens = {"all": None, "none": ()}
    with (
        serve(HubSpot(tokens=tokens, contacts=30, others=30)) as hubspot,
        httpx.Client(
            base_url=hubspot.url,
            headers={"Authorization": "Bearer all"},
            event_hooks={"response": [httpx.Response.read, contract.check]},
        ) as client,
    ):
        yield client


@pytest.mark.parametrize("object", DOCUMENTED)
def test_records_are_answered_as_described(client: httpx.Client, object: str) -> None:
    records = f"/crm/v3/objects/{object}"
    named = {"properties": {NAMES[object]: "Ada"}}
    page = client.get(records, params={"limit": 5, "properties": "hubspot_owner_id,nothing"})
    assert page.json()["paging"]["next"]["after"]
    id = client.post(records, json=named).json()["id"]
    one = f"{records}/{id}"
    assert client.get(one).status_code == 200
    assert client.patch(one, json=named).status_code == 200
    assert client.delete(one).status_code == 204
    assert client.get(records, params={"archived": True}).json()["results"]


@pytest.mark.parametrize("object", DOCUMENTED)
def test_batches_are_answered_as_described(client: httpx.Client, object: str) -> None:
    batch = f"/crm/v3/objects/{object}/batch"
    created = client.post(f"{batch}/create", json={"inputs": [{"properties": {}}] * 2})
    ids = [{"id": one["id"]} for one in created.json()["results"]]
    unknown = {"id": "1"}
    updates = [{**one, "properties": {NAMES[object]: "Bob"}} for one in ids]
    statuses = [
        client.post(f"{batch}/{verb}", json={"inputs": inputs}).status_code
        for verb, inputs in (
            ("read", ids),
            ("read", [*ids, unknown]),
            ("update", updates),
            ("update", [*updates, {**unknown, "properties": {}}]),
            ("archive", ids),
        )
    ]
    assert statuses == [200, 207, 200, 207, 204]


@pytest.mark.parametrize("object", DOCUMENTED)
def test_searches_are_answered_as_described(client: httpx.Client, object: str) -> None:
    filters = [{"propertyName": "hs_object_id", "operator": "GT", "value": "1"}]
    asked = {"filterGroups": [{"filters": filters}], "limit": 3, "properties": ["phone", "amount"]}
    found = client.post(f"/crm/v3/objects/{object}/search", json=asked)
    assert found.json()["paging"]["next"]["after"] == "3"


@pytest.mark.parametrize("object", DOCUMENTED)
def test_properties_are_answered_as_described(client: httpx.Client, object: str) -> None:
    properties = f"/crm/v3/properties/{object}"
    colour = {
        "name": "colour",
        "label": "Colour",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "information",
        "options": [{"label": "Red", "value": "red", "hidden": False, "displayOrder": 0}],
    }
    assert client.get(properties).json()["results"]
    assert client.post(properties, json=colour).status_code == 201
    assert client.get(f"{properties}/colour").json()["options"][0]["value"] == "red"
    assert client.delete(f"{properties}/colour").status_code == 204
    assert client.get(properties, params={"archived": True}).json()["results"]


def test_errors_are_answered_as_described(client: httpx.Client) -> None:
    contacts = "/crm/v3/objects/contacts"
    wrong = {"nothing": "x", "annualrevenue": "x", "createdate": "x"}
    email = client.get(f"{contacts}?properties=email").json()["results"][0]["properties"]["email"]
    answers = [
        client.get(contacts, headers={"Authorization": ""}),
        client.get(contacts, headers={"Authorization": "Bearer none"}),
        client.get(contacts, params={"limit": 101}),
        client.get(f"{contacts}/1"),
        client.post(contacts, json={"properties": wrong}),
        client.post(contacts, json={"properties": {"email": email}}),
        client.post(contacts, content=b"{"),
        client.post(f"{contacts}/search", json={"after": 10_000}),
        client.post(f"{contacts}/batch/read", json={"inputs": [{"id": "1"}] * 101}),
        client.get("/crm/v3/properties/unicorns"),
    ]
    statuses = [one.status_code for one in answers]
    assert statuses == [401, 403, 400, 404, 400, 409, 400, 400, 400, 400]


def test_hubspots_429_is_not_as_described() -> None:
    """It has an errorType and a policyName in place of the category, in HubSpot's own words."""
    with serve(HubSpot(burst=0)) as hubspot:
        signed = {"Authorization": "Bearer sandbox-token"}
        refused = httpx.get(f"{hubspot.url}/crm/v3/objects/contacts", headers=signed)
    assert refused.status_code == 429
    assert set(refused.json()) == {
        *("status", "message", "errorType", "correlationId", "policyName"),
    }


def test_every_described_operation_is_offered_or_named_as_not(contract: Contract) -> None:
    def shape(method: str, path: str) -> str:
        for object in DOCUMENTED:
            path = path.replace(f"/objects/{object}", "/objects/{object}")
        return f"{method.lower()} {re.sub(r'{.*?}', '*', path)}"

    served = {shape(endpoint.method, endpoint.path) for endpoint in HubSpot().endpoints()}
    missing = {
        f"{method} {path}"
        for path, operations in contract.document["paths"].items()
        for method in operations
        if shape(method, path) not in served
    }
    assert {one for one in missing if not any(part in one for part in NOT_OFFERED)} == set()
    assert {part for part in NOT_OFFERED if not any(part in one for one in missing)} == set()
