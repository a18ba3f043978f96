"""The fake Stripe lists and tells of changes as Stripe does, also where that is inconvenient."""

import httpx

from sync_platform.sandbox.stripe import Stripe
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.stripe.asking import error, listed, told


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
