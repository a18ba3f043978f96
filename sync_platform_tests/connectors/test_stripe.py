from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from sync_platform import spec
from sync_platform.connectors._stripe_fields import fields
from sync_platform.connectors._stripe_reads import VERSION, row
from sync_platform.connectors._stripe_writes import form_of
from sync_platform.connectors.stripe import KINDS, connector, headers, means
from sync_platform.errors import UnexpectedResponse

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
JAN_2 = datetime(2024, 1, 2, tzinfo=UTC)
SECOND = int(JAN_1.timestamp())
Json = dict[str, Any]


class Answers:
    """An Api with an answer for each path, one after the other; remembers what was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = {
            path: iter(it if isinstance(it, list) else [it]) for path, it in answers.items()
        }
        self.asked: list[tuple[str, Json]] = []
        self.settings: Mapping[str, str] = {}

    def get(self, path: str, **params: str) -> Any:
        return self.send(spec.get(path, params=params))

    def send(self, request: spec.Request, asked: object = None) -> Any:
        params = request.params
        assert isinstance(params, Mapping)
        self.asked.append((request.path, {k: v for k, v in params.items() if v is not None}))
        if request.path not in self.answers:
            raise UnexpectedResponse("There is none.", evidence={"status": 404})
        return next(self.answers[request.path])

    def pause(self, seconds: float) -> None:
        raise AssertionError("not waited for")

    def ask(self, request: spec.Request, asked: object = None) -> spec.Answer:
        raise AssertionError("not asked")


def page(*data: Json, more: bool = False) -> Json:
    return {"object": "list", "data": list(data), "has_more": more, "url": "/v1/things"}


def event(at: int, type: str, about: Json, version: str = VERSION, **before: Any) -> Json:
    return {
        "id": f"evt_{at}_{about['id']}",
        "created": SECOND + at,
        "type": type,
        "api_version": version,
        "data": {"object": about} | ({"previous_attributes": before} if before else {}),
    }


def customer(id: str, **about: Any) -> Json:
    return {"id": id, "object": "customer", "created": SECOND, "metadata": {}, **about}


def read(api: Answers, name: str, **asked: Any) -> list[spec.Page]:
    reading = connector[name].read
    assert callable(reading)
    return list(reading(api, spec.Read(**asked)))


def changes(api: Answers, name: str, **asked: Any) -> list[spec.Page]:
    feed = connector[name].changes
    assert feed is not None
    return list(feed.read(api, spec.Read(since=JAN_1, until=JAN_2, **asked)))


def rows(pages: list[spec.Page]) -> Iterator[spec.Row]:
    for each in pages:
        yield from each.rows


# -- lists ----------------------------------------------------------------------------------------


def test_it_has_no_faults() -> None:
    assert spec.faults(connector) == []


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


# -- events ---------------------------------------------------------------------------------------


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
