"""Stripe into Postgres: its events, and what they do not tell by themselves."""

from datetime import timedelta

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.errors import VendorUnavailable
from sync_platform.platform import Platform
from sync_platform.sandbox.stripe import Stripe
from sync_platform.sandbox.stripe_account import KINDS
from sync_platform_tests.journeys.stripe.shop import (
    EVENTS,
    OLD_VERSION,
    MovableClock,
    only,
    rows,
    sync,
    unequal,
)


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


def test_a_refund_that_fails_brings_its_charge(platform: Platform, stripe: Stripe) -> None:
    charge = only(stripe, "charges")
    refund = stripe.refund(charge, 100)
    for object in ("refunds", "charges"):
        sync(platform, object)
    before = rows(platform, "charges")[charge]["amount_refunded"]
    stripe.fail_refund(refund)
    for object in ("refunds", "charges"):
        sync(platform, object)
        assert unequal(platform, stripe, object) == []
    assert rows(platform, "refunds")[refund]["status"] == "failed"
    assert rows(platform, "charges")[charge]["amount_refunded"] == before - 100


def test_a_discount_brings_what_it_is_of_and_what_was_redeemed(
    platform: Platform, stripe: Stripe
) -> None:
    told = ("customers", "subscriptions", "coupons", "promotion_codes")
    for object in told:
        sync(platform, object)
    customer, code = only(stripe, "customers"), only(stripe, "promotion_codes")
    stripe.discount(code, customer)
    stripe.discount(code, customer, only(stripe, "subscriptions"))
    for object in told:
        assert sync(platform, object).counts.updated == 1, object
        assert unequal(platform, stripe, object) == []
    assert rows(platform, "customers")[customer]["discount"]["promotion_code"] == code
    assert rows(platform, "promotion_codes")[code]["times_redeemed"] == 2


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
