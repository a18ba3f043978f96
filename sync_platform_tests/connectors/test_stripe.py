"""How the Stripe connector reads lists and writes changes, in values."""

from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors._stripe_fields import fields
from sync_platform.connectors._stripe_reads import row
from sync_platform.connectors._stripe_writes import form_of
from sync_platform.connectors.stripe import connector, headers, means
from sync_platform_tests.connectors.stripe_answers import (
    JAN_1,
    JAN_2,
    SECOND,
    Answers,
    Json,
    customer,
    page,
    read,
    rows,
)

# -- lists ----------------------------------------------------------------------------------------


def test_it_has_no_faults() -> None:
    assert spec.faults(connector) == []


@pytest.mark.parametrize("name", [obj.name for obj in connector.objects])
def test_moments_are_declared_to_be_in_seconds(name: str) -> None:
    for field in fields(name, {"metadata_columns": f"{name}.plan"}):
        assert field.epoch == ("s" if field.type == "timestamp" else None)


def test_a_full_read_walks_from_the_newest_to_the_oldest() -> None:
    found = [page(customer("b"), more=True), page(customer("a"))]
    api = Answers({"/v1/customers": found})
    first, last = read(api, "customers")
    assert [params for _, params in api.asked] == [
        {"limit": 100},
        {"limit": 100, "starting_after": "b"},
    ]
    assert (first.resume, last.resume) == ({"starting_after": "b"}, None)


def test_a_read_goes_on_where_it_was_left() -> None:
    api = Answers({"/v1/customers": page()})
    read(api, "customers", resume={"starting_after": "b"})
    assert api.asked == [("/v1/customers", {"limit": 100, "starting_after": "b"})]


def test_a_window_is_one_of_creation_dates() -> None:
    api = Answers({"/v1/charges": page()})
    read(api, "charges", since=JAN_1, until=JAN_2)
    assert api.asked[0][1] == {
        "limit": 100,
        "created[gte]": SECOND,
        "created[lt]": SECOND + 86_400,
    }


def test_a_part_of_a_second_rounds_up_at_both_ends() -> None:
    api = Answers({"/v1/charges": page()})
    part = JAN_1.replace(microsecond=1)
    read(api, "charges", since=part, until=part)
    assert api.asked[0][1]["created[gte]"] == api.asked[0][1]["created[lt]"] == SECOND + 1


def test_a_list_that_takes_no_dates_is_read_until_they_are_too_old() -> None:
    old, fresh = customer("old") | {"created": SECOND - 1}, customer("fresh")
    api = Answers({"/v1/checkout/sessions": page(fresh, old, more=True)})
    (only,) = read(api, "checkout_sessions", since=JAN_1)
    assert [it["id"] for it in only.rows] == ["fresh"]
    assert only.resume is None
    assert api.asked == [("/v1/checkout/sessions", {"limit": 100})]


def test_subscriptions_are_asked_for_with_the_canceled_ones() -> None:
    api = Answers({"/v1/subscriptions": [page(), page()]})
    read(api, "subscriptions")
    read(api, "subscriptions", filters={"status": "trialing"})
    assert [params["status"] for _, params in api.asked] == ["all", "trialing"]


def test_several_statuses_are_not_asked_for_but_kept() -> None:
    api = Answers({"/v1/invoices": page()})
    read(api, "invoices", filters={"status": "open,paid"})
    assert "status" not in api.asked[0][1]
    status = next(it for it in connector["invoices"].filters if it.name == "status")
    assert status.keeps is not None
    assert [status.keeps({"status": it}, "open,paid") for it in ("paid", "void")] == [True, False]


def test_payouts_are_not_asked_for_by_a_status_since_their_list_takes_only_some() -> None:
    api = Answers({"/v1/payouts": page()})
    read(api, "payouts", filters={"status": "in_transit"})
    assert "status" not in api.asked[0][1]


def test_the_rest_of_a_list_within_an_object_is_asked_for() -> None:
    lines = page({"id": "il_1"}, more=True) | {"url": "/v1/invoices/in_1/lines"}
    invoice = customer("in_1", lines=lines)
    rest = [page({"id": "il_2"}, more=True), page({"id": "il_3"})]
    api = Answers({"/v1/invoices": page(invoice), "/v1/invoices/in_1/lines": rest})
    (found,) = rows(read(api, "invoices"))
    assert [it["id"] for it in found["lines"]] == ["il_1", "il_2", "il_3"]
    assert [params.get("starting_after") for _, params in api.asked] == [None, "il_1", "il_2"]


def test_items_are_those_of_all_subscriptions_with_the_parameters_of_their_list() -> None:
    items = page({"id": "si_1", "created": 1}, more=True)
    items |= {"url": "/v1/subscription_items?subscription=sub_1"}
    api = Answers(
        {
            "/v1/subscriptions": page(customer("sub_1", items=items)),
            "/v1/subscription_items": page({"id": "si_2", "created": 2}),
        }
    )
    assert [it["id"] for it in rows(read(api, "subscription_items"))] == ["si_1", "si_2"]
    assert api.asked[1][1] == {"subscription": "sub_1", "limit": 100, "starting_after": "si_1"}


def test_metadata_is_a_column_and_each_key_another() -> None:
    found = row(customer("a") | {"metadata": {"plan": "gold"}})
    assert (found["metadata"], found["metadata_plan"]) == ({"plan": "gold"}, "gold")


def test_columns_for_metadata_are_those_that_were_asked_for() -> None:
    asked = {"metadata_columns": "customers.plan, prices.a.b ,customers.plan,customers.,nothing"}
    assert [it.name for it in fields("customers", asked)][-1] == "metadata_plan"
    assert [it.name for it in fields("prices", asked)][-1] == "metadata_a.b"
    assert fields("charges", asked) == fields("charges", {})


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ("customers.plan, prices.tier.new", None),
        ("", None),
        ("customer.plan", "'customer.plan'"),
        ("customers.plan, plan", "'plan'"),
        ("customers.", "'customers'"),
        ("balance_transactions.plan", "'balance_transactions.plan'"),
    ],
)
def test_metadata_of_what_is_not_there_is_told(given: str, wrong: str | None) -> None:
    names = [obj.name for obj in connector.objects]
    told = list(connector.misfits({"metadata_columns": given}, names))
    assert len(told) == (wrong is not None)
    for sentence in told:
        assert sentence.startswith(f"The setting metadata_columns holds {wrong}. Each must be")
        assert "Metadata have: customers, products, prices, " in sentence


# -- writes ---------------------------------------------------------------------------------------


def form(name: str, **values: Any) -> Json:
    return form_of(name)(spec.OutboundChange(kind="update", key="1", values=values))


def test_values_are_written_as_stripe_takes_them() -> None:
    assert form("subscriptions", cancel_at=JAN_1, description=None, trial_end="now") == {
        "cancel_at": SECOND,
        "description": None,
        "trial_end": "now",
    }
    price = {"id": "price_1", "object": "price", "unit_amount": 5}
    assert form("subscription_items", price=price) == {"price": "price_1"}


def test_a_column_of_metadata_is_written_as_its_key() -> None:
    sent = form("customers", metadata={"a": "1", "b": "2"}, metadata_b="3")
    assert sent == {"metadata": {"a": "1", "b": "3"}}
    assert form("customers", metadata_b="3", metadata={"a": "1"}) == {
        "metadata": {"a": "1", "b": "3"}
    }


def test_a_change_is_sent_with_its_id_so_that_it_is_made_once() -> None:
    create = connector["customers"].create
    assert isinstance(create, spec.Request)
    assert callable(create.headers)
    change = spec.OutboundChange(kind="create", id="change-1")
    assert create.headers(change) == {"Idempotency-Key": "change-1"}
    assert create.repeatable


def test_nothing_that_moves_money_at_once_is_made_from_here() -> None:
    for name in ("charges", "refunds", "payouts", "disputes", "balance_transactions"):
        assert connector[name].create is None
    assert connector["subscriptions"].delete is None


# -- the connector --------------------------------------------------------------------------------


def test_every_call_says_which_version_and_which_account_is_meant() -> None:
    assert headers({}) == {"Stripe-Version": "2022-11-15"}
    assert headers({"account": "acct_1"})["Stripe-Context"] == "acct_1"


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (403, "account_invalid", "sign_in_refused"),
        (409, "idempotency_key_in_use", "unavailable"),
        (402, "card_declined", "rejected"),
        (403, None, None),
        (404, "resource_missing", None),
    ],
)
def test_answers_mean_what_they_say(status: int, code: str | None, meaning: str | None) -> None:
    assert means(status, {"error": {"code": code}}) == meaning
    assert means(404, None) is None


def test_a_list_begins_again_where_the_last_object_of_a_page_is_gone() -> None:
    told = {"error": {"code": "resource_missing", "param": "starting_after"}}
    assert means(400, told) == "page_forgotten"


def test_the_account_is_named_as_its_dashboard_does() -> None:
    found = {"id": "acct_1", "settings": {"dashboard": {"display_name": "Acme"}}}
    assert connector.account(found) == spec.Account(id="acct_1", name="Acme")
    assert connector.account({"id": "acct_1"}) == spec.Account(id="acct_1", name="")
