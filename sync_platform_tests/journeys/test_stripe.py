"""Stripe into Postgres: its lists, its events, and what neither of them tells by itself."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from sync_platform import spec
from sync_platform.demo.compare import differences
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NeedsReauth, NotPermitted, RecordRejected, VendorUnavailable
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.faults import Kind
from sync_platform.sandbox.stripe import Stripe
from sync_platform.sandbox.stripe_account import KINDS
from sync_platform.settings import Settings
from sync_platform.transport.clock import SystemClock
from sync_platform_tests.journeys.signed_in import NAME, call, signed_in, with_client

ACME = "acme-stripe"
UNLIMITED = {"rate_limit.account": "unlimited", "rate_limit.endpoint": "unlimited"}
OLD_VERSION = "2019-02-19"
EVENTS = ("GET", "/v1/events")
A_DAY = 86_400
pytestmark = pytest.mark.usefixtures("connected")


class MovableClock(SystemClock):
    """The machine's time, or a later one; nobody waits long for it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead

    def seconds(self) -> float:
        """For the vendor: the same time."""
        return time.time() + self.ahead.total_seconds()

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, 0.001))


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def platform(settings: Settings, clock: MovableClock) -> Iterator[Platform]:
    it = Platform(settings, clock=clock)
    yield it
    it.close()


@pytest.fixture
def stripe(clock: MovableClock) -> Iterator[Stripe]:
    """A Stripe with a small shop."""
    vendor = Stripe(customers=12, clock=clock.seconds)
    charges = list(vendor.account.records["charges"])
    vendor.refund(charges[-1], 100)
    vendor.dispute(charges[-2])
    vendor.credit(only(vendor, "invoices"))
    vendor.account.events.clear()
    with serve(vendor):
        yield vendor


@pytest.fixture
def connected(platform: Platform, stripe: Stripe) -> None:
    platform.connect(
        "stripe",
        ACME,
        Secret({"token": "sandbox-token"}),
        base_url=stripe.url,
        settings=UNLIMITED | {"metadata_columns": "customers.plan, subscriptions.seats"},
    )


def sync(
    platform: Platform, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any
) -> SyncResult:
    request = SyncRequest(target=Target(ACME, object), mode=mode, **asked)
    return platform.sync(request).run(into=platform.destination)


def rows(platform: Platform, object: str) -> dict[str, dict[str, Any]]:
    """The live rows."""
    query = f"SELECT * FROM acme_stripe.{object} WHERE _deleted_at IS NULL"
    with psycopg.connect(platform.database_url, row_factory=dict_row) as postgres:
        return {row["id"]: row for row in postgres.execute(query)}


def unequal(platform: Platform, stripe: Stripe, object: str) -> list[str]:
    return list(differences(platform, stripe.url, Target(ACME, object)))


def only(stripe: Stripe, object: str) -> str:
    """The id of one of them."""
    return next(iter(stripe.account.records[object]))


# -- full syncs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("object", list(KINDS))
def test_a_first_sync_brings_every_object_value_by_value(
    platform: Platform, stripe: Stripe, object: str
) -> None:
    result = sync(platform, object)
    assert (result.mode, result.counts.rejected) == (
        SyncMode.INCREMENTAL if object == "balance_transactions" else SyncMode.FULL,
        0,
    )
    assert result.counts.created == len(stripe.account.records[object]) > 0
    assert unequal(platform, stripe, object) == []


def test_more_than_a_page_is_read_to_its_end(platform: Platform, stripe: Stripe) -> None:
    for _ in range(230):
        stripe.add_customer()
    sync(platform, "customers")
    assert unequal(platform, stripe, "customers") == []
    assert stripe.calls["GET", "/v1/customers"] == 3


def test_a_list_whose_page_ends_with_what_is_gone_meanwhile_is_read_again(
    platform: Platform, stripe: Stripe
) -> None:
    for _ in range(150):
        stripe.add_customer()
    last = stripe.account.listed("customers")[99]["id"]
    calls = iter(range(1000))

    def meanwhile() -> None:
        if next(calls) == 1:  # before the second page
            stripe.delete("customers", last)

    stripe.meanwhile = meanwhile
    sync(platform, "customers")
    assert stripe.statuses[400] == 1
    sync(platform, "customers")
    assert unequal(platform, stripe, "customers") == []


def test_amounts_are_integers_and_seconds_are_moments(platform: Platform, stripe: Stripe) -> None:
    charge = stripe.records("charges")[only(stripe, "charges")]
    sync(platform, "charges")
    row = rows(platform, "charges")[charge["id"]]
    assert row["amount"] == charge["amount"]
    assert row["created"] == datetime.fromtimestamp(charge["created"], UTC)
    assert row["captured"] is True


def test_metadata_that_was_asked_for_has_columns_of_its_own(
    platform: Platform, stripe: Stripe
) -> None:
    id = stripe.add("customers", metadata={"plan": "gold", "note": "x"})
    sync(platform, "customers")
    row = rows(platform, "customers")[id]
    assert (row["metadata_plan"], row["metadata"]) == ("gold", {"plan": "gold", "note": "x"})
    assert "metadata_note" not in row


def test_lists_within_an_object_are_read_past_their_tenth_element(
    platform: Platform, stripe: Stripe
) -> None:
    subscription = stripe.subscribe(only(stripe, "customers"), items=23)
    invoice = stripe.bill(subscription)
    for object in ("subscriptions", "subscription_items", "invoices"):
        sync(platform, object)
        assert unequal(platform, stripe, object) == []
    assert len(rows(platform, "subscriptions")[subscription]["items"]) == 23
    assert len(rows(platform, "invoices")[invoice]["lines"]) == 23


def test_canceled_subscriptions_are_read_too(platform: Platform, stripe: Stripe) -> None:
    id = only(stripe, "subscriptions")
    stripe.cancel(id)
    sync(platform, "subscriptions")
    assert rows(platform, "subscriptions")[id]["status"] == "canceled"


# -- events ---------------------------------------------------------------------------------------


def test_a_quiet_sync_is_one_call(platform: Platform, stripe: Stripe) -> None:
    sync(platform, "customers")
    stripe.calls.clear()
    result = sync(platform, "customers")
    assert (result.mode, result.counts.fetched) == (SyncMode.INCREMENTAL, 0)
    assert dict(stripe.calls) == {EVENTS: 1}


@pytest.mark.parametrize("api_version", ["2022-11-15", OLD_VERSION])
def test_events_bring_what_was_created_edited_and_deleted(
    platform: Platform, stripe: Stripe, api_version: str
) -> None:
    stripe.account.version = api_version
    sync(platform, "customers")
    first, second, third = list(stripe.account.records["customers"])[:3]
    stripe.edit("customers", first, name="Zoë O'Hara", balance=-500)
    stripe.delete("customers", second)
    stripe.edit("customers", third, email="once@example.com")
    stripe.edit("customers", third, email="twice@example.com")
    fresh = stripe.add_customer()
    counts = sync(platform, "customers").counts
    assert (counts.created, counts.updated, counts.deleted) == (1, 2, 1)
    assert unequal(platform, stripe, "customers") == []
    assert rows(platform, "customers")[third]["email"] == "twice@example.com"
    assert fresh in rows(platform, "customers")


def test_of_many_events_of_an_object_its_last_state_counts(
    platform: Platform, stripe: Stripe, clock: MovableClock
) -> None:
    sync(platform, "customers")
    id = only(stripe, "customers")
    for number in range(250):
        clock.ahead += timedelta(seconds=1)
        stripe.edit("customers", id, description=f"Edit {number}")
    stripe.calls.clear()
    assert sync(platform, "customers").counts.updated == 1
    assert rows(platform, "customers")[id]["description"] == "Edit 249"
    assert dict(stripe.calls) == {EVENTS: 3}  # its copy was enough


def test_what_is_made_and_deleted_between_two_syncs_leaves_nothing(
    platform: Platform, stripe: Stripe
) -> None:
    sync(platform, "invoices")
    draft = stripe.add("invoices", customer=only(stripe, "customers"))
    stripe.delete("invoices", draft)  # of the same second, and Stripe keeps no stub of it
    assert sync(platform, "invoices").counts.created == 0
    assert unequal(platform, stripe, "invoices") == []


def test_a_canceled_subscription_is_not_a_deleted_one(platform: Platform, stripe: Stripe) -> None:
    id = stripe.subscribe(only(stripe, "customers"))
    sync(platform, "subscriptions")
    stripe.cancel(id)
    counts = sync(platform, "subscriptions").counts
    assert (counts.updated, counts.deleted) == (1, 0)
    assert rows(platform, "subscriptions")[id]["status"] == "canceled"


def test_items_that_were_added_edited_and_taken_out_are_seen(
    platform: Platform, stripe: Stripe, clock: MovableClock
) -> None:
    id = stripe.subscribe(only(stripe, "customers"), items=3)
    first, second, _ = stripe.account.records["subscriptions"][id]["items"]
    sync(platform, "subscription_items")
    stripe.delete("subscription_items", first)
    clock.ahead += timedelta(seconds=2)
    stripe.edit("subscription_items", second, quantity=99)
    clock.ahead += timedelta(seconds=2)
    with stripe.lock:
        stripe.account.add_item(id, price=only(stripe, "prices"))
    counts = sync(platform, "subscription_items").counts
    assert (counts.created, counts.updated, counts.deleted) == (1, 1, 1)
    assert unequal(platform, stripe, "subscription_items") == []


def test_lines_beyond_the_tenth_come_with_events_too(platform: Platform, stripe: Stripe) -> None:
    subscription = stripe.subscribe(only(stripe, "customers"), items=12)
    sync(platform, "invoices")
    invoice = stripe.bill(subscription)
    sync(platform, "invoices")
    assert len(rows(platform, "invoices")[invoice]["lines"]) == 12
    assert unequal(platform, stripe, "invoices") == []


def test_what_has_no_event_when_it_is_made_is_seen(platform: Platform, stripe: Stripe) -> None:
    for object in ("refunds", "checkout_sessions", "charges"):
        sync(platform, object)
    refund = stripe.refund(only(stripe, "charges"), 100)
    session = stripe.add("checkout_sessions")
    for object in ("refunds", "checkout_sessions", "charges"):
        sync(platform, object)
        assert unequal(platform, stripe, object) == []
    assert refund in rows(platform, "refunds")
    assert session in rows(platform, "checkout_sessions")


def test_a_dispute_brings_its_charge_and_a_credit_note_its_invoice(
    platform: Platform, stripe: Stripe
) -> None:
    for object in ("charges", "invoices"):
        sync(platform, object)
    charge, invoice = only(stripe, "charges"), only(stripe, "invoices")
    credited = rows(platform, "invoices")[invoice]["post_payment_credit_notes_amount"]
    stripe.dispute(charge)
    stripe.credit(invoice)
    for object in ("charges", "invoices"):
        sync(platform, object)
        assert unequal(platform, stripe, object) == []
    assert rows(platform, "charges")[charge]["disputed"] is True
    assert rows(platform, "invoices")[invoice]["post_payment_credit_notes_amount"] > credited


@pytest.mark.parametrize("api_version", ["2022-11-15", OLD_VERSION])
def test_while_the_shop_lives_every_table_follows(
    platform: Platform, stripe: Stripe, clock: MovableClock, api_version: str
) -> None:
    stripe.account.version = api_version
    for object in KINDS:
        sync(platform, object)
    for _ in range(10):
        clock.ahead += timedelta(minutes=7)
        stripe.live()
    for object in KINDS:
        sync(platform, object)
        assert unequal(platform, stripe, object) == []


def test_an_event_that_shows_late_is_seen_by_the_next_sync(
    platform: Platform, stripe: Stripe, clock: MovableClock
) -> None:
    sync(platform, "customers")
    clock.ahead += timedelta(hours=2)
    late, prompt = list(stripe.account.records["customers"])[:2]
    stripe.edit("customers", late, name="Late")
    hidden = stripe.account.events.pop()
    clock.ahead += timedelta(seconds=30)
    stripe.edit("customers", prompt, name="Prompt")
    sync(platform, "customers")
    stripe.account.events.append(hidden)
    clock.ahead += timedelta(seconds=30)
    sync(platform, "customers")
    assert rows(platform, "customers")[late]["name"] == "Late"


def test_a_pause_of_days_is_read_day_by_day_and_a_longer_one_in_full(
    platform: Platform, stripe: Stripe, clock: MovableClock
) -> None:
    sync(platform, "customers")
    for _ in range(10):
        clock.ahead += timedelta(days=1)
        stripe.add_customer()
    stripe.calls.clear()
    result = sync(platform, "customers")
    assert (result.mode, result.counts.created) == (SyncMode.INCREMENTAL, 10)
    assert stripe.calls[EVENTS] == 11
    clock.ahead += timedelta(days=31)
    assert sync(platform, "customers").mode is SyncMode.FULL


def test_a_read_of_days_that_broke_off_loses_nothing(
    platform: Platform, stripe: Stripe, clock: MovableClock
) -> None:
    sync(platform, "customers")
    for _ in range(10):
        clock.ahead += timedelta(days=1)
        stripe.add_customer()
    stripe.fail("status", status=503, times=100, path="/v1/events", after=5)
    with pytest.raises(VendorUnavailable):
        sync(platform, "customers")
    stripe.faults.clear()
    sync(platform, "customers")
    assert unequal(platform, stripe, "customers") == []


def test_a_balance_transaction_that_became_available_is_seen_by_a_refresh(
    platform: Platform, stripe: Stripe
) -> None:
    sync(platform, "balance_transactions")
    id = next(
        id for id, it in stripe.records("balance_transactions").items() if it["status"] == "pending"
    )
    stripe.edit_in_silence("balance_transactions", id, status="available")
    sync(platform, "balance_transactions", SyncMode.COMPUTED)
    assert rows(platform, "balance_transactions")[id]["status"] == "available"


# -- windows, filters -----------------------------------------------------------------------------


@pytest.mark.parametrize("object", ["customers", "credit_notes", "invoiceitems"])
def test_a_from_date_sync_brings_exactly_its_window(
    platform: Platform, stripe: Stripe, object: str
) -> None:
    since = datetime(2026, 3, 1, tzinfo=UTC)
    stamp = int(since.timestamp())
    for at in (stamp - 1, stamp, stamp + A_DAY - 1, stamp + A_DAY):
        with stripe.lock:
            stripe.account.create(object, at, number=str(at), description=str(at))
    window = SyncWindow(since, since + timedelta(days=1))
    before = {id for id, it in stripe.records(object).items() if _within(it, stamp)}
    sync(platform, object, SyncMode.FROM_DATE, window=window)
    assert rows(platform, object).keys() == before
    assert len(before) >= 2


def _within(record: dict[str, Any], stamp: int) -> bool:
    at = record.get("created", record.get("date"))
    return at is not None and stamp <= at < stamp + A_DAY


def test_filters_hold_for_lists_and_for_events(platform: Platform, stripe: Stripe) -> None:
    platform.set_filters(ACME, "subscriptions", {"status": "active,trialing"})
    kept = stripe.subscribe(only(stripe, "customers"))
    stripe.edit("subscriptions", kept, status="active")
    stripe.edit("subscriptions", stripe.subscribe(only(stripe, "customers")), status="past_due")
    sync(platform, "subscriptions", SyncMode.FULL)
    assert {it["status"] for it in rows(platform, "subscriptions").values()} <= {
        *("active", "trialing")
    }
    stripe.edit("subscriptions", stripe.subscribe(only(stripe, "customers")), status="unpaid")
    sync(platform, "subscriptions")
    found = rows(platform, "subscriptions")
    assert kept in found
    assert "unpaid" not in {it["status"] for it in found.values()}


def test_a_filter_by_days_leaves_older_ones_out(platform: Platform, stripe: Stripe) -> None:
    platform.set_filters(ACME, "customers", {"created_within": "30"})
    old = only(stripe, "customers")
    fresh = stripe.add_customer()
    sync(platform, "customers")
    stripe.edit("customers", old, name="Old")
    sync(platform, "customers")
    found = rows(platform, "customers")
    assert fresh in found
    assert old not in found


# -- keys and sign-ins ----------------------------------------------------------------------------


def test_a_key_that_was_rolled_stops_the_connection(platform: Platform, stripe: Stripe) -> None:
    stripe.tokens.clear()
    with pytest.raises(NeedsReauth):
        sync(platform, "customers")
    assert platform.connection(ACME).status is ConnectionStatus.NEEDS_REAUTH


def test_a_restricted_key_says_which_permission_it_lacks(
    platform: Platform, stripe: Stripe
) -> None:
    stripe.tokens.update(Stripe(tokens={"rk_test_products": ["rak_product_read"]}).tokens)
    platform.reconnect(ACME, Secret({"token": "rk_test_products"}))
    sync(platform, "products")
    with pytest.raises(NotPermitted, match="rak_customer_read"):
        sync(platform, "customers")


def test_the_account_is_known_by_its_id(platform: Platform) -> None:
    assert platform.connection(ACME).account_id == "acct_1NxUq2Acme000001"


def test_too_many_calls_are_waited_for(platform: Platform, stripe: Stripe) -> None:
    stripe.fail("status", status=429, times=2, path="/v1/customers")
    assert sync(platform, "customers").counts.created == 12


def test_a_card_that_is_declined_is_a_change_that_was_not_taken(
    platform: Platform, stripe: Stripe
) -> None:
    stripe.fail("status", status=402, path="/v1/customers")
    create = platform.connector("stripe")["customers"].create
    assert isinstance(create, spec.Request)
    api = platform.api(platform.connection(ACME))
    with pytest.raises(RecordRejected):
        api.send(create, spec.OutboundChange(kind="create", values={"name": "Zoë"}, id="1"))
    api.close()


@pytest.mark.parametrize("kind", ["reset", "cut", "malformed"])
def test_a_change_whose_answer_is_lost_is_made_once(
    platform: Platform, stripe: Stripe, kind: Kind
) -> None:
    create = platform.connector("stripe")["customers"].create
    assert isinstance(create, spec.Request)
    stripe.fail(kind, path="/v1/customers")
    api = platform.api(platform.connection(ACME))
    made = api.send(create, spec.OutboundChange(kind="create", values={"name": "Zoë"}, id="1"))
    api.close()
    assert [it for it, one in stripe.records("customers").items() if one["name"] == "Zoë"] == [
        made["id"]
    ]


class TestSignedIn:
    """Through Stripe Apps' OAuth, whose refresh tokens change with each use."""

    @pytest.fixture
    def settings(self, settings: Settings, stripe: Stripe) -> Settings:
        return with_client(settings, "stripe", stripe.oauth)

    def test_a_token_that_ends_is_renewed_once(self, platform: Platform, stripe: Stripe) -> None:
        signed_in(platform, "stripe", stripe.url, objects=("customers",))
        with stripe.lock:
            stripe.oauth.expire(stripe.clock())
        call(platform)
        call(platform)
        assert stripe.calls["POST", "/v1/oauth/token"] == 2  # the code's, and one renewal
        assert stripe.oauth.reused == 0

    def test_an_app_that_was_removed_needs_a_person(
        self, platform: Platform, stripe: Stripe
    ) -> None:
        signed_in(platform, "stripe", stripe.url, objects=("customers",))
        stripe.revoke()
        with pytest.raises(NeedsReauth):
            call(platform)
        assert platform.connection(NAME).connector == "stripe"
