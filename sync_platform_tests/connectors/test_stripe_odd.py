"""Odd records, events and lists of Stripe's, in values: none is skipped, and none ends a read."""

from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors.stripe import connector
from sync_platform.errors import IncompleteRead, UnexpectedResponse
from sync_platform_tests.connectors.stripe_answers import (
    JAN_1,
    JAN_2,
    SECOND,
    Answers,
    Json,
    changes,
    customer,
    event,
    not_found,
    page,
    read,
    rows,
)

CREATED = "customer.created"
UPDATED = "customer.updated"


def without(record: Json, name: str) -> Json:
    return {key: value for key, value in record.items() if key != name}


def keys_of_odd(found: list[Any]) -> list[Any]:
    """What the rows that cannot be read show as their ids."""
    return [it.get("id") for it in found if isinstance(it, spec.Unreadable)]


def keys(found: list[Any]) -> list[Any]:
    return [it["id"] for it in found if not isinstance(it, spec.Unreadable)]


# -- records --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("odd", "shown"),
    [
        (None, None),
        ("text", None),
        ([1], None),
        ({}, None),
        (without(customer("odd"), "id"), None),
        (customer("odd", metadata=[1]), "odd"),
        (customer("odd", metadata="text"), "odd"),
        (customer("odd", sources={"object": "list"}), "odd"),
    ],
)
def test_a_record_that_cannot_be_read_is_rejected_alone(odd: Any, shown: str | None) -> None:
    found = list(rows(read(Answers({"/v1/customers": page(customer("a"), odd)}), "customers")))
    assert (keys(found), keys_of_odd(found)) == (["a"], [shown])


@pytest.mark.parametrize("items", [None, "text", {}, page() | {"data": None}, {"data": []}])
def test_a_list_within_an_object_that_cannot_be_read_is_no_empty_one(items: Any) -> None:
    odd = customer("sub_1", items=items)
    fine = customer("sub_2", items=page(customer("si_2")))
    for record in (odd, without(odd, "items")):
        api = Answers({"/v1/subscriptions": [page(record, fine)] * 2})
        found = list(rows(read(api, "subscriptions")))
        assert (keys(found), keys_of_odd(found)) == (["sub_2"], ["sub_1"])
        found = list(rows(read(api, "subscription_items")))
        assert (keys(found), keys_of_odd(found)) == (["si_2"], [None])  # sub_1 is no item's id


def test_an_item_that_cannot_be_read_is_rejected_alone() -> None:
    owner = customer("sub_1", items=page(customer("si_1"), None, customer("si_2", metadata=[1])))
    found = list(rows(read(Answers({"/v1/subscriptions": page(owner)}), "subscription_items")))
    assert (keys(found), keys_of_odd(found)) == (["si_1"], [None, "si_2"])


@pytest.mark.parametrize("made", [None, "soon", [1]])
def test_when_a_record_was_made_may_be_odd_and_then_it_is_within_the_window(made: Any) -> None:
    odd = customer("odd", created=made)
    window: dict[str, Any] = {"since": JAN_1, "until": JAN_2}
    for name, path in (("customers", "/v1/customers"), ("credit_notes", "/v1/credit_notes")):
        whole = odd | {"lines": page()}
        pages = read(Answers({path: page(whole)}), name, **window)
        assert keys(list(rows(pages))) == ["odd"]
    days = {"created_within": "2024-01-01T00:00:00.000Z"}
    pages = read(Answers({"/v1/customers": page(odd)}), "customers", filters=days)
    assert keys(list(rows(pages))) == ["odd"]


# -- pages ----------------------------------------------------------------------------------------


def test_a_page_whose_last_record_has_no_id_is_gone_on_from_the_one_before() -> None:
    odd = without(customer("odd"), "id")
    found = [page(customer("b"), odd, more=True), page(odd, customer("a"))]
    api = Answers({"/v1/customers": found})
    assert keys(list(rows(read(api, "customers")))) == ["b", "a"]
    assert [params.get("starting_after") for _, params in api.asked] == [None, "b"]


@pytest.mark.parametrize("data", [[None], ["text"], [{"id": None}], [{"id": "b"}]])
def test_a_page_that_tells_no_next_one_is_an_incomplete_read(data: list[Any]) -> None:
    api = Answers({"/v1/customers": [page(customer("b"), more=True), page(*data, more=True)]})
    with pytest.raises(IncompleteRead, match="where the next page begins"):
        read(api, "customers")


def test_lists_and_events_that_go_in_a_circle_are_incomplete_reads() -> None:
    around = [page(customer("abc"[n % 3]), more=True) for n in range(20)]
    with pytest.raises(IncompleteRead, match="ends where an earlier one did"):
        read(Answers({"/v1/customers": around}), "customers")
    events = [page(event(n % 3, UPDATED, customer("abc"[n % 3])), more=True) for n in range(20)]
    with pytest.raises(IncompleteRead, match="ends where an earlier one did"):
        changes(Answers({"/v1/events": events}), "customers")


def test_a_list_within_an_object_that_goes_in_a_circle_costs_no_other() -> None:
    inner = page(customer("si_0"), more=True) | {"url": "/v1/subscription_items"}
    api = Answers(
        {
            "/v1/subscriptions": page(
                customer("sub_1", items=inner), customer("sub_2", items=page())
            ),
            "/v1/subscription_items": [page(customer(f"si_{n % 3}"), more=True) for n in range(20)],
        }
    )
    found = list(rows(read(api, "subscriptions")))
    assert (keys(found), keys_of_odd(found)) == (["sub_2"], ["sub_1"])
    assert len(api.asked) < 10


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page(more=True), IncompleteRead),
        (None, UnexpectedResponse),
        ([], UnexpectedResponse),
        ({"data": None, "has_more": False}, UnexpectedResponse),
        (without(page(), "has_more"), UnexpectedResponse),
    ],
)
def test_a_page_that_holds_nothing_is_not_the_end_of_a_list_that_goes_on(
    answer: Any, error: type[Exception]
) -> None:
    first = page(customer("b"), more=True)
    with pytest.raises(error):
        read(Answers({"/v1/customers": [first, answer]}), "customers")
    with pytest.raises(error):
        changes(Answers({"/v1/events": [answer]}), "customers")
    items = page({"id": "si_1"}, more=True) | {"url": "/v1/subscription_items?subscription=sub_1"}
    owner = customer("sub_1", items=items)
    api = Answers({"/v1/subscriptions": page(owner), "/v1/subscription_items": [answer]})
    with pytest.raises(error):
        read(api, "subscriptions")


# -- events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "text",
        [1],
        without(event(5, UPDATED, customer("a")), "data"),
        event(5, UPDATED, customer("a")) | {"data": {"object": None}},
        event(5, UPDATED, customer("a")) | {"type": "unknown.type"},
        event(5, UPDATED, customer("a")) | {"data": {"object": {"id": None}}},
        event(5, UPDATED, customer("a")) | {"data": {"object": {"id": [1]}}},
    ],
)
def test_an_event_that_tells_of_nobody_knows_what_is_rejected_and_the_feed_goes_on(
    odd: Any,
) -> None:
    found = page(odd, event(4, UPDATED, customer("b")))
    (only,) = changes(Answers({"/v1/events": found}), "customers")
    assert (keys(list(only.rows)), keys_of_odd(list(only.rows))) == (["b"], [None])
    assert only.reached is not None


@pytest.mark.parametrize(
    "odd",
    [
        event(5, UPDATED, customer("a")) | {"created": None},
        event(5, UPDATED, customer("a")) | {"created": "soon"},
        event(5, UPDATED, customer("a")) | {"created": 10**30},
        without(event(5, UPDATED, customer("a")), "created"),
        without(event(5, UPDATED, customer("a")), "api_version"),
        event(5, UPDATED, customer("a", metadata=[1])),
    ],
)
def test_the_object_of_an_event_that_cannot_be_understood_is_asked_for(odd: Json) -> None:
    found = page(
        event(6, UPDATED, customer("b")), odd, event(4, UPDATED, customer("a", name="old"))
    )
    api = Answers({"/v1/events": found, "/v1/customers/a": customer("a", name="now")})
    told = {it["id"]: it.get("name") for it in rows(changes(api, "customers"))}
    assert told == {"b": None, "a": "now"}  # of several rows of a page, the last counts


def test_an_object_that_is_odd_when_it_is_asked_for_is_rejected_by_its_id() -> None:
    odd = customer("a", metadata=[1])
    api = Answers({"/v1/events": page(event(5, UPDATED, odd)), "/v1/customers/a": odd})
    assert keys_of_odd(list(rows(changes(api, "customers")))) == ["a"]


def test_pages_of_events_go_on_after_an_odd_one() -> None:
    first = page(event(5, UPDATED, customer("b")), None, more=True)
    second = page(None, event(4, UPDATED, customer("a")))
    api = Answers({"/v1/events": [first, second]})
    assert keys(list(rows(changes(api, "customers")))) == ["b", "a"]
    with pytest.raises(IncompleteRead, match="where the next page begins"):
        changes(Answers({"/v1/events": page(None, more=True)}), "customers")


# -- what is not there ----------------------------------------------------------------------------

DISPUTED = {"id": "dp_1", "charge": "ch_1"}


@pytest.mark.parametrize("body", ["<html>Not found</html>", "", '{"error": {"message": "No."}}'])
def test_a_404_that_is_not_stripes_own_word_proves_no_deletion(body: str) -> None:
    found = page(event(5, UPDATED, customer("a"), version="2019-02-19"))
    api = Answers({"/v1/events": found, "/v1/customers/a": not_found(body)})
    with pytest.raises(UnexpectedResponse):
        changes(api, "customers")


def test_what_cannot_be_deleted_is_rejected_where_stripe_does_not_have_it() -> None:
    api = Answers({"/v1/events": page(event(5, "charge.dispute.closed", DISPUTED))})
    (only,) = changes(api, "charges")
    assert (keys_of_odd(list(only.rows)), only.gone) == (["ch_1"], [])
    ended = event(5, "customer.subscription.updated", customer("sub_1"), version="2019-02-19")
    (only,) = changes(Answers({"/v1/events": page(ended)}), "subscription_items")
    assert (keys_of_odd(list(only.rows)), only.gone) == ([None], [])


@pytest.mark.parametrize("name", ["coupons", "invoiceitems", "invoices", "prices", "products"])
def test_what_can_be_deleted_is_gone_where_stripe_does_not_have_it(name: str) -> None:
    (type,) = [it for it in ("coupon", "invoiceitem", "invoice", "price", "product") if
               f"{it}s" == name]  # fmt: skip
    found = event(5, f"{type}.updated", customer("a"), version="2019-02-19")
    (only,) = changes(Answers({"/v1/events": page(found)}), name)
    assert (list(only.rows), only.gone) == ([], [("a",)])


LINES = page({"id": "il_1"}, more=True) | {"url": "/v1/invoices/in_1/lines"}


def test_a_record_that_goes_between_its_list_and_the_list_within_it_is_rejected_alone() -> None:
    going, fine = customer("in_1", lines=LINES), customer("in_2", lines=page())
    (only,) = read(Answers({"/v1/invoices": page(going, fine)}), "invoices")
    assert (keys(list(only.rows)), keys_of_odd(list(only.rows))) == (["in_2"], ["in_1"])
    items = page({"id": "si_1"}, more=True) | {"url": "/v1/subscription_items?subscription=sub_1"}
    listed = page(customer("sub_1", items=items))
    (only,) = read(Answers({"/v1/subscriptions": listed}), "subscription_items")
    assert (keys(list(only.rows)), keys_of_odd(list(only.rows))) == ([], [None])


def test_a_copy_whose_object_has_gone_meanwhile_is_gone() -> None:
    told = page(event(5, "invoice.updated", customer("in_1", lines=LINES)))
    (only,) = changes(Answers({"/v1/events": told}), "invoices")
    assert (list(only.rows), only.gone) == ([], [("in_1",)])


def test_a_proxys_404_in_the_place_of_a_list_within_a_record_ends_the_read() -> None:
    listed = page(customer("in_1", lines=LINES))
    api = Answers({"/v1/invoices": listed, "/v1/invoices/in_1/lines": not_found("<html>")})
    with pytest.raises(UnexpectedResponse):
        read(api, "invoices")


# -- items of subscriptions -----------------------------------------------------------------------

CHANGED = "customer.subscription.updated"


@pytest.mark.parametrize("before", ["text", page(None), page({"id": [1]}), {"data": None}])
def test_items_before_a_change_that_cannot_be_read_are_rejected(before: Any) -> None:
    now = customer("sub_1", items=page(customer("si_2")))
    found = page(event(5, CHANGED, now, items=before))
    (only,) = changes(Answers({"/v1/events": found}), "subscription_items")
    assert (keys(list(only.rows)), keys_of_odd(list(only.rows))) == (["si_2"], [None])
    assert only.gone == []


def test_no_item_is_gone_while_one_that_is_there_cannot_be_read() -> None:
    now = customer("sub_1", items=page(None, customer("si_2")))
    before = page({"id": "si_1"}, {"id": "si_2"})
    found = page(event(5, CHANGED, now, items=before))
    api = Answers({"/v1/events": found, "/v1/subscriptions/sub_1": now})
    (only,) = changes(api, "subscription_items")
    assert (keys(list(only.rows)), only.gone) == (["si_2"], [])


def test_a_filter_by_days_keeps_what_it_cannot_read() -> None:
    days = next(it for it in connector["customers"].filters if it.name == "created_within")
    assert days.keeps is not None
    with pytest.raises(spec.UNEXPECTED):  # which the platform takes for a reason to keep it
        days.keeps(customer("a", created=None), "2024-01-01T00:00:00.000Z")
    assert days.keeps(customer("a", created=SECOND), "2024-01-01T00:00:00.000Z")
