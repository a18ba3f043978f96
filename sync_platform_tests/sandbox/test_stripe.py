"""The fake Stripe does what Stripe does, most of all where that is inconvenient."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.stripe import Stripe
from sync_platform_tests.consenting import allowed
from sync_platform_tests.sandbox.asking import Clock

SIGNED = {"Authorization": "Bearer sandbox-token"}
Json = dict[str, Any]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stripe(clock: Clock) -> Iterator[Stripe]:
    with serve(Stripe(clock=clock, customers=3)) as vendor:
        yield vendor


@pytest.fixture
def client(stripe: Stripe) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stripe.url, headers=SIGNED) as client:
        yield client


def listed(client: httpx.Client, path: str, **params: Any) -> list[Json]:
    found: list[Json] = client.get(path, params=params).raise_for_status().json()["data"]
    return found


def told(client: httpx.Client, **params: Any) -> list[str]:
    return [it["type"] for it in listed(client, "/v1/events", limit=100, **params)]


def error(response: httpx.Response) -> tuple[int, Json]:
    return response.status_code, response.json()["error"]


# Lists -------------------------------------------------------------------------------------------


def test_lists_go_from_the_newest_to_the_oldest_in_both_directions(
    stripe: Stripe, client: httpx.Client, clock: Clock
) -> None:
    for _ in range(4):
        clock.now += 1
        stripe.add("products", name="Sensor")
    ids = [it["id"] for it in listed(client, "/v1/products", limit=100)]
    assert ids == [it["id"] for it in stripe.account.listed("products")]
    assert [it["id"] for it in listed(client, "/v1/products", starting_after=ids[3])] == ids[4:]
    before = client.get("/v1/products", params={"ending_before": ids[3], "limit": 2}).json()
    assert ([it["id"] for it in before["data"]], before["has_more"]) == (ids[1:3], True)


def test_a_page_holds_ten_unless_more_are_asked_for(stripe: Stripe, client: httpx.Client) -> None:
    for _ in range(20):
        stripe.add_customer()
    page = client.get("/v1/customers").json()
    assert (len(page["data"]), page["has_more"]) == (10, True)
    assert len(listed(client, "/v1/customers", limit=100)) == 23
    assert error(client.get("/v1/customers", params={"limit": 101}))[1]["param"] == "limit"


def test_lists_are_bounded_by_creation_dates(
    stripe: Stripe, client: httpx.Client, clock: Clock
) -> None:
    id, now = stripe.add_customer(), int(clock.now)
    bounds = {"created[gte]": now, "created[lt]": now + 1}
    assert [it["id"] for it in listed(client, "/v1/customers", **bounds)] == [id]
    assert listed(client, "/v1/customers", **{"created[gt]": now}) == []
    assert error(client.get("/v1/customers", params={"created[gte]": "May"}))[0] == 400


def test_nothing_can_be_asked_for_by_its_last_change(client: httpx.Client) -> None:
    status, told = error(client.get("/v1/customers", params={"updated[gte]": "1"}))
    assert (status, told["code"], told["param"]) == (400, "parameter_unknown", "updated")


def test_a_page_after_what_is_gone_cannot_be_asked_for(
    stripe: Stripe, client: httpx.Client
) -> None:
    gone = stripe.add_customer()
    stripe.delete("customers", gone)
    status, told = error(client.get("/v1/customers", params={"starting_after": gone}))
    assert (status, told["code"]) == (400, "resource_missing")


def test_canceled_subscriptions_are_only_in_lists_that_ask_for_them(
    stripe: Stripe, client: httpx.Client
) -> None:
    id = stripe.subscribe(next(iter(stripe.account.records["customers"])))
    stripe.cancel(id)

    def found(**params: str) -> bool:
        return id in [it["id"] for it in listed(client, "/v1/subscriptions", limit=100, **params)]

    assert (found(), found(status="all"), found(status="canceled")) == (False, True, True)


def test_a_list_within_an_object_ends_after_ten(stripe: Stripe, client: httpx.Client) -> None:
    id = stripe.subscribe(next(iter(stripe.account.records["customers"])), items=13)
    items = client.get(f"/v1/subscriptions/{id}").json()["items"]
    assert (len(items["data"]), items["has_more"]) == (10, True)
    rest = client.get(f"{items['url']}&starting_after={items['data'][-1]['id']}").json()
    assert (len(rest["data"]), rest["has_more"]) == (3, False)
    invoice = client.get(f"/v1/invoices/{stripe.bill(id)}").json()
    assert len(listed(client, invoice["lines"]["url"], limit=100)) == 13
    assert error(client.get("/v1/subscription_items"))[1]["param"] == "subscription"


# Events ------------------------------------------------------------------------------------------


def test_events_tell_of_changes_and_are_found_by_type(stripe: Stripe, client: httpx.Client) -> None:
    assert told(client) == []  # what happened in the last year has none any more
    id = stripe.add_customer()
    stripe.edit("customers", id, name="Zoë")
    stripe.delete("customers", id)
    assert sorted(told(client)) == ["customer.created", "customer.deleted", "customer.updated"]
    assert told(client, type="customer.*") == told(client)
    assert told(client, **{"types[0]": "customer.deleted"}) == ["customer.deleted"]
    assert told(client, **{"types[]": ["customer.deleted", "x"]}) == ["customer.deleted"]


def test_no_more_than_twenty_types_may_be_asked_for(client: httpx.Client) -> None:
    params = {f"types[{number}]": "customer.created" for number in range(21)}
    assert error(client.get("/v1/events", params=params))[0] == 400


def test_an_event_holds_its_object_as_it_was_and_what_changed(
    stripe: Stripe, client: httpx.Client, clock: Clock
) -> None:
    id = stripe.add_customer()
    for name in ("First", "Second"):
        clock.now += 1
        stripe.edit("customers", id, name=name)
    last, first, _ = listed(client, "/v1/events")
    assert first["data"]["object"]["name"] == "First"
    assert last["data"]["previous_attributes"] == {"name": "First"}


def test_an_event_is_in_the_accounts_own_version(stripe: Stripe, client: httpx.Client) -> None:
    stripe.account.version = "2019-02-19"
    stripe.add_customer()
    (event,) = listed(client, "/v1/events")
    assert event["api_version"] == "2019-02-19"
    assert "account_balance" in event["data"]["object"]
    assert "balance" in listed(client, "/v1/customers")[0]


def test_events_come_late_and_go_after_thirty_days(
    stripe: Stripe, client: httpx.Client, clock: Clock
) -> None:
    stripe.account.lag = 5
    stripe.add_customer()
    assert told(client) == []
    clock.now += 5
    assert told(client) == ["customer.created"]
    clock.now += 30 * 86_400
    assert told(client) == []


def test_some_changes_have_no_event(stripe: Stripe, client: httpx.Client) -> None:
    stripe.add("checkout_sessions")
    intent = next(iter(stripe.account.records["payment_intents"]))
    client.post(f"/v1/payment_intents/{intent}", data={"description": "x"}).raise_for_status()
    assert told(client) == []
    charge = next(iter(stripe.account.records["charges"]))
    stripe.refund(charge, 5)
    assert told(client) == ["charge.refunded"]


def test_an_item_that_is_taken_out_is_told_by_its_subscription(
    stripe: Stripe, client: httpx.Client
) -> None:
    id = stripe.subscribe(next(iter(stripe.account.records["customers"])), items=2)
    first, second = stripe.account.records["subscriptions"][id]["items"]
    client.delete(f"/v1/subscription_items/{first}").raise_for_status()
    (event,) = listed(client, "/v1/events", type="customer.subscription.updated")
    before = event["data"]["previous_attributes"]["items"]["data"]
    assert [it["id"] for it in before] == [first, second]
    assert [it["id"] for it in event["data"]["object"]["items"]["data"]] == [second]


# Writes ------------------------------------------------------------------------------------------


def test_forms_are_nested_and_metadata_is_merged(client: httpx.Client) -> None:
    form = {"name": "Zoë", "address[city]": "Köln", "metadata[a]": "1", "metadata[b]": "2"}
    made = client.post("/v1/customers", data=form).json()
    assert (made["address"], made["metadata"]) == ({"city": "Köln"}, {"a": "1", "b": "2"})
    form = {"metadata[a]": "", "name": "", "balance": "-5"}
    edited = client.post(f"/v1/customers/{made['id']}", data=form).json()
    assert (edited["metadata"], edited["name"], edited["balance"]) == ({"b": "2"}, None, -5)


def test_what_is_not_known_or_lacking_is_refused(client: httpx.Client) -> None:
    assert error(client.post("/v1/customers", data={"nick": "Z"}))[1]["code"] == "parameter_unknown"
    assert error(client.post("/v1/products"))[1]["code"] == "parameter_missing"
    status, told = error(client.post("/v1/customers", data={"balance": "much"}))
    assert (status, told["param"]) == (400, "balance")


def test_a_key_that_comes_again_gets_the_first_answer(client: httpx.Client) -> None:
    key = {"Idempotency-Key": "change-1"}
    first, second = (
        client.post("/v1/customers", data={"name": "Zoë"}, headers=key) for _ in range(2)
    )
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(listed(client, "/v1/customers")) == 4
    status, told = error(client.post("/v1/customers", data={"name": "Ada"}, headers=key))
    assert (status, told["type"]) == (400, "idempotency_error")


def test_what_is_deleted_leaves_a_stub_or_nothing(stripe: Stripe, client: httpx.Client) -> None:
    customer, draft = stripe.add_customer(), stripe.add("invoices")
    for path in (f"/v1/customers/{customer}", f"/v1/invoices/{draft}"):
        assert client.delete(path).json()["deleted"] is True
    assert client.get(f"/v1/customers/{customer}").json() == {
        "id": customer,
        "object": "customer",
        "deleted": True,
    }
    assert error(client.get(f"/v1/invoices/{draft}"))[1]["code"] == "resource_missing"
    paid = next(iter(stripe.account.records["invoices"]))
    assert client.delete(f"/v1/invoices/{paid}").status_code == 400


# Keys, limits, restarts --------------------------------------------------------------------------


def test_a_key_is_a_bearer_token_or_the_user_of_basic(stripe: Stripe) -> None:
    url = f"{stripe.url}/v1/customers"
    assert httpx.get(url, auth=("sandbox-token", "")).status_code == 200
    assert error(httpx.get(url))[0] == 401
    status, told = error(httpx.get(url, headers={"Authorization": "Bearer sk_live_0123456789"}))
    assert (status, "sk_live_0123456789" in told["message"]) == (401, False)


def test_a_restricted_key_says_what_it_lacks() -> None:
    with (
        serve(Stripe(tokens={"rk": ["rak_product_read"]})) as stripe,
        httpx.Client(base_url=stripe.url, headers={"Authorization": "Bearer rk"}) as client,
    ):
        assert client.get("/v1/products").status_code == 200
        for method, path, lacking in (
            ("GET", "/v1/customers/x", "rak_customer_read"),
            ("POST", "/v1/products", "rak_product_write"),
            ("GET", "/v1/checkout/sessions", "rak_checkout_session_read"),
            ("GET", "/v1/events", "rak_event_read"),
        ):
            status, told = error(client.request(method, path))
            assert (status, lacking in told["message"]) == (403, True)


def test_each_kind_of_endpoint_has_a_limit_of_its_own(clock: Clock) -> None:
    with (
        serve(Stripe(clock=clock, per_second=3, per_endpoint=2)) as stripe,
        httpx.Client(base_url=stripe.url, headers=SIGNED) as client,
    ):
        paths = ["/v1/customers", "/v1/customers/x", "/v1/customers", "/v1/prices", "/v1/prices"]
        answers = [client.get(path) for path in paths]
        assert [it.status_code for it in answers] == [200, 404, 429, 200, 429]
        assert answers[2].headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
        assert answers[4].headers["Stripe-Rate-Limited-Reason"] == "global-rate"
        assert "Retry-After" not in answers[2].headers
        clock.now += 1
        assert client.get("/v1/customers").status_code == 200


def test_a_removed_app_is_told_as_what_it_is(stripe: Stripe) -> None:
    redirect = "http://127.0.0.1:8000/callback"
    page = httpx.URL(
        f"{stripe.url}/oauth/v2/authorize",
        params={"response_type": "code", "client_id": "ca_sandbox", "redirect_uri": redirect},
    )
    form = {"grant_type": "authorization_code", "code": allowed(str(page))["code"]}
    app = ("sk_test_sandbox_secret", "")  # the app's secret key, as for any other call
    form |= {"redirect_uri": redirect}
    given = httpx.post(f"{stripe.url}/v1/oauth/token", data=form, auth=app).json()
    assert given["stripe_user_id"].startswith("acct_")
    signed = {"Authorization": f"Bearer {given['access_token']}"}
    assert httpx.get(f"{stripe.url}/v1/account", headers=signed).status_code == 200
    stripe.revoke()
    answer = httpx.get(f"{stripe.url}/v1/account", headers=signed)
    assert error(answer)[1]["code"] == "account_invalid"


def test_everything_survives_a_restart(stripe: Stripe, tmp_path: Path) -> None:
    stripe.live()
    stripe.save(tmp_path / "state")
    again = Stripe()
    again.load(tmp_path / "state")
    assert again.records("subscriptions") == stripe.records("subscriptions")
    assert again.account.events == stripe.account.events
    again.live()


def test_changes_at_random_are_told_and_impossible_ones_refused(stripe: Stripe) -> None:
    made = stripe.change("products", creates=2, updates=1, archives=1)
    assert [len(made[what]) for what in ("created", "updated", "archived")] == [2, 1, 1]
    with pytest.raises(ValueError, match="Nothing tells"):
        stripe.change("payment_intents", updates=1)
    with pytest.raises(KeyError):
        stripe.change("patrons", creates=1)
