"""What the Stripe connector makes of events, in values."""

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from sync_platform import spec
from sync_platform.connectors._stripe_fields import fields
from sync_platform.connectors._stripe_kinds import KINDS
from sync_platform.connectors.stripe import connector
from sync_platform_tests.connectors.stripe_answers import (
    JAN_1,
    SECOND,
    Answers,
    Json,
    changes,
    customer,
    event,
    page,
    rows,
)


def test_a_window_of_events_is_asked_for_by_their_types() -> None:
    api = Answers({"/v1/events": page()})
    (quiet,) = changes(api, "prices")
    assert (quiet.rows, quiet.gone, quiet.reached) == ([], [], None)
    assert api.asked[0][1] == {
        "limit": 100,
        "created[gte]": SECOND,
        "created[lt]": SECOND + 86_400,
        "types[0]": "price.created",
        "types[1]": "price.updated",
        "types[2]": "price.deleted",
    }


def test_no_object_has_more_types_of_events_than_may_be_asked_for() -> None:
    assert max(len(kind.told) for kind in KINDS.values()) <= 20


def test_the_last_of_an_objects_events_counts_and_what_was_deleted_is_gone() -> None:
    found = page(
        event(9, "customer.deleted", customer("gone")),
        event(8, "customer.updated", customer("a", name="new")),
        event(7, "customer.updated", customer("gone")),
        event(6, "customer.created", customer("a", name="old")),
    )
    (only,) = changes(Answers({"/v1/events": found}), "customers")
    assert [it["name"] for it in only.rows] == ["new"]
    assert only.gone == [("gone",)]
    assert only.reached == datetime.fromtimestamp(SECOND + 9, UTC)


@pytest.mark.parametrize(
    "found",
    [
        [event(5, "customer.updated", customer("a"), version="2019-02-19")],
        [event(5, "customer.updated", customer("a")), event(5, "customer.created", customer("a"))],
        [event(5, "customer.discount.created", {"id": "di_1", "customer": "a"})],
    ],
    ids=["of another version", "of one second", "of something else"],
)
def test_a_copy_that_is_no_use_is_not_used(found: list[Json]) -> None:
    api = Answers({"/v1/events": page(*found), "/v1/customers/a": customer("a", name="now")})
    (only,) = rows(changes(api, "customers"))
    assert only["name"] == "now"


def test_events_of_one_second_are_not_parted_by_pages() -> None:
    first = page(
        event(5, "customer.updated", customer("b")),
        event(4, "customer.updated", customer("a")),
        more=True,
    )
    second = page(event(4, "customer.created", customer("a")))
    api = Answers({"/v1/events": [first, second], "/v1/customers/a": customer("a", name="now")})
    pages = changes(api, "customers")
    assert [[it["id"] for it in each.rows] for each in pages] == [["b"], ["a"]]
    assert ("/v1/customers/a", {}) in api.asked


@pytest.mark.parametrize("left", [{"id": "a", "deleted": True}, None], ids=["a stub", "nothing"])
def test_what_is_gone_when_it_is_asked_for_is_gone(left: Json | None) -> None:
    found = page(event(5, "customer.updated", customer("a"), version="2019-02-19"))
    api = Answers({"/v1/events": found} | ({"/v1/customers/a": left} if left else {}))
    (only,) = changes(api, "customers")
    assert (only.rows, only.gone) == ([], [("a",)])


def test_an_id_that_somebody_chose_is_quoted() -> None:
    found = page(event(5, "coupon.updated", customer("50% / {key}"), version="2019-02-19"))
    api = Answers({"/v1/events": found})
    changes(api, "coupons")
    assert unquote(api.asked[1][0]) == "/v1/coupons/50% / {key}"
    assert "{" not in api.asked[1][0]


def test_a_canceled_subscription_is_a_row() -> None:
    ended = customer("sub_1", status="canceled", items=page())
    found = page(event(5, "customer.subscription.deleted", ended))
    (only,) = changes(Answers({"/v1/events": found}), "subscriptions")
    assert ([it["status"] for it in only.rows], only.gone) == (["canceled"], [])


DISCOUNT = {"id": "di_1", "customer": "cus_1", "subscription": "sub_1", "promotion_code": "promo_1"}
DISCOUNTED = DISCOUNT | {"coupon": {"id": "SPRING", "object": "coupon", "times_redeemed": 3}}


@pytest.mark.parametrize(
    ("name", "type", "about", "path"),
    [
        ("customers", "customer.discount.created", DISCOUNTED, "/v1/customers/cus_1"),
        ("subscriptions", "customer.discount.deleted", DISCOUNTED, "/v1/subscriptions/sub_1"),
        ("coupons", "customer.discount.created", DISCOUNTED, "/v1/coupons/SPRING"),
        ("promotion_codes", "customer.discount.created", DISCOUNTED, "/v1/promotion_codes/promo_1"),
        ("charges", "refund.failed", {"id": "re_1", "charge": "ch_1"}, "/v1/charges/ch_1"),
        ("charges", "charge.refund.updated", {"id": "re_1", "charge": "ch_1"}, "/v1/charges/ch_1"),
        ("charges", "charge.dispute.closed", {"id": "dp_1", "charge": "ch_1"}, "/v1/charges/ch_1"),
        ("invoices", "credit_note.voided", {"id": "cn_1", "invoice": "in_1"}, "/v1/invoices/in_1"),
    ],
)
def test_what_an_event_of_something_else_changes_is_asked_for(
    name: str, type: str, about: Json, path: str
) -> None:
    now = customer(path.rpartition("/")[2], items=page(), lines=page())
    api = Answers({"/v1/events": page(event(5, type, about)), path: now})
    assert [it["id"] for it in rows(changes(api, name))] == [now["id"]]
    asked = [each for key, each in api.asked[0][1].items() if key.startswith("types[")]
    assert type in asked


def test_a_discount_of_a_customer_alone_changes_no_subscription() -> None:
    alone = DISCOUNTED | {"subscription": None, "promotion_code": None}
    for name in ("subscriptions", "promotion_codes"):
        api = Answers({"/v1/events": page(event(5, "customer.discount.created", alone))})
        assert list(rows(changes(api, name))) == []
        assert len(api.asked) == 1


def test_an_item_that_a_subscription_had_and_has_no_more_is_gone() -> None:
    now = customer("sub_1", items=page({"id": "si_2"}))
    before = page({"id": "si_1"}, {"id": "si_2"})
    found = page(
        event(6, "customer.subscription.updated", now, status="trialing"),
        event(5, "customer.subscription.updated", now, items=before),
    )
    (only,) = changes(Answers({"/v1/events": found}), "subscription_items")
    assert ([it["id"] for it in only.rows], only.gone) == (["si_2"], [("si_1",)])


def test_days_are_read_one_by_one_and_gone_on_from() -> None:
    feed = connector["customers"].changes
    assert feed is not None
    until = datetime(2024, 1, 3, 12, tzinfo=UTC)
    api = Answers({"/v1/events": [page()] * 5})
    pages = list(feed.read(api, spec.Read(since=JAN_1, until=until)))
    assert [it.resume for it in pages if it.resume] == [
        {"since": SECOND + 86_400},
        {"since": SECOND + 2 * 86_400},
    ]
    list(feed.read(api, spec.Read(since=JAN_1, until=until, resume={"since": SECOND + 86_400})))
    starts = [params["created[gte]"] for _, params in api.asked]
    assert starts == [SECOND + day * 86_400 for day in (0, 1, 2, 1, 2)]


def test_what_no_event_tells_of_when_it_is_made_is_listed_too() -> None:
    made = customer("re_1")
    api = Answers({"/v1/events": page(), "/v1/refunds": page(made)})
    assert [it["id"] for it in rows(changes(api, "refunds"))] == ["re_1"]
    assert api.asked[1] == ("/v1/refunds", {"limit": 100, "created[gte]": SECOND})


def test_what_has_no_events_is_read_by_its_date() -> None:
    obj = connector["balance_transactions"]
    assert (obj.changes, obj.cursor) == (None, "created")
    (status,) = [it for it in fields("balance_transactions", {}) if it.computed]
    assert (status.name, obj.computed_every) == ("status", spec.hours(24))
