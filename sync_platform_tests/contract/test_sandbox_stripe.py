"""The fake Stripe's answers, held against Stripe's description of its API (OpenAPI)."""

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.stripe import Stripe
from sync_platform.sandbox.stripe_account import KINDS
from sync_platform_tests.contract.stripe_document import DOCUMENT, UNDESCRIBED, Document

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason=f"needs the description of Stripe's API at {DOCUMENT}"
)
DESCRIBED = [name for name in KINDS if name not in UNDESCRIBED]


@pytest.fixture(scope="module")
def document() -> Document:
    return Document(orjson.loads(DOCUMENT.read_bytes()))


@pytest.fixture(scope="module")
def stripe() -> Iterator[Stripe]:
    vendor = Stripe(customers=60)

    def one(name: str) -> str:
        return next(iter(vendor.account.records[name]))

    charge = one("charges")
    vendor.refund(charge, 100)
    vendor.fail_refund(vendor.refund(charge, 50))
    vendor.discount(one("promotion_codes"), one("customers"))
    vendor.discount(one("promotion_codes"), one("customers"), one("subscriptions"))
    vendor.dispute(charge)
    vendor.credit(one("invoices"))
    with serve(vendor):
        yield vendor


@pytest.fixture(scope="module")
def client(document: Document, stripe: Stripe) -> Iterator[httpx.Client]:
    """A client that checks every answer to a call that is described."""

    def check(response: httpx.Response) -> None:
        path, method = response.request.url.path, response.request.method.lower()
        if not any(path.startswith(KINDS[name].path) for name in UNDESCRIBED):
            operation = document.operation(method, path)
            status = str(response.status_code)
            known = status if status in operation["responses"] else "default"
            assert (known == "default") == (response.status_code >= 400)
            template = operation["at"].rpartition("/")[0]
            place = ("paths", template, method, "responses", known, "content", "application/json")
            document.validate(response.json(), *place, "schema")

    with httpx.Client(
        base_url=stripe.url,
        headers={"Authorization": "Bearer sandbox-token"},
        event_hooks={"response": [httpx.Response.read, check]},
    ) as client:
        yield client


@pytest.mark.parametrize("name", DESCRIBED)
def test_lists_and_single_objects_are_answered_as_described(
    client: httpx.Client, name: str
) -> None:
    kind = KINDS[name]
    page = client.get(kind.path, params={"limit": 100}).raise_for_status().json()
    assert page["data"]
    first = client.get(f"{kind.path}/{page['data'][0]['id']}").raise_for_status().json()
    assert first == page["data"][0]
    assert client.get(f"{kind.path}/nobody").status_code == 404
    assert client.get(kind.path, params={"limit": 101}).status_code == 400


@pytest.mark.parametrize("name", list(KINDS))
def test_every_object_is_as_described_and_has_no_property_of_our_own(
    document: Document, stripe: Stripe, name: str
) -> None:
    kind = KINDS[name]
    described = set(document.schemas[kind.object]["properties"])
    assert stripe.records(name)
    for record in list(stripe.records(name).values())[:30]:
        document.validate_object(kind.object, record)
        assert record.keys() <= described, record.keys() - described


def test_the_account_is_answered_as_described(client: httpx.Client) -> None:
    assert client.get("/v1/account").json()["object"] == "account"


def test_events_are_answered_as_described(client: httpx.Client, stripe: Stripe) -> None:
    for _ in range(5):
        stripe.live()
    found = client.get("/v1/events", params={"limit": 100}).raise_for_status().json()["data"]
    assert {it["type"] for it in found} >= {"customer.created", "invoice.paid"}


def test_what_is_written_is_answered_as_described(client: httpx.Client, stripe: Stripe) -> None:
    written: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("/v1/customers", {"name": "Zoë", "metadata[plan]": "gold"}, {"balance": "-5"}),
        ("/v1/products", {"name": "Sensor"}, {"active": "false"}),
        ("/v1/prices", {"currency": "eur", "unit_amount": "5"}, {"active": "false"}),
        ("/v1/invoices", {"description": "By hand"}, {"description": ""}),
        ("/v1/payment_intents", {"amount": "5", "currency": "eur"}, {"description": "Edited"}),
    ]
    price = {"product": next(iter(stripe.account.records["products"]))}
    for path, values, edits in written:
        values |= price if path == "/v1/prices" else {}
        id = client.post(path, data=values).raise_for_status().json()["id"]
        client.post(f"{path}/{id}", data=edits).raise_for_status()
        assert client.post(f"{path}/{id}", data={"no_such": "1"}).status_code == 400
    customer = next(iter(stripe.account.records["customers"]))
    item = client.post("/v1/invoiceitems", data={"customer": customer, "amount": "7"}).json()["id"]
    for path in (f"/v1/invoiceitems/{item}", f"/v1/customers/{customer}"):
        assert client.delete(path).raise_for_status().json()["deleted"] is True
    assert client.get(f"/v1/customers/{customer}").json()["deleted"] is True
    subscription = next(iter(stripe.account.records["subscriptions"]))
    answer = client.delete(f"/v1/subscriptions/{subscription}").raise_for_status()
    assert answer.json()["status"] == "canceled"


@pytest.mark.parametrize("name", DESCRIBED)
def test_no_parameter_is_taken_that_is_not_described(document: Document, name: str) -> None:
    kind = KINDS[name]
    listed = {it["name"] for it in document.operation("get", kind.path)["parameters"]}
    assert kind.filters <= listed
    assert ("created" in listed) is kind.dated
    for taken, path in ((kind.creates, kind.path), (kind.updates, f"{kind.path}/id")):
        if taken is None:
            continue
        body = document.operation("post", path)["requestBody"]["content"]
        schema = body["application/x-www-form-urlencoded"]["schema"]
        assert taken <= schema["properties"].keys(), taken - schema["properties"].keys()
