"""Stripe into Postgres: its lists, whole and by windows and filters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.platform import Platform
from sync_platform.sandbox.stripe import Stripe
from sync_platform.sandbox.stripe_account import KINDS
from sync_platform_tests.journeys.stripe.shop import (
    A_DAY,
    ACME,
    only,
    rows,
    sync,
    unequal,
)


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


def test_a_refresh_of_computed_fields_reads_no_further_back_than_the_filter_by_days(
    platform: Platform, stripe: Stripe
) -> None:
    platform.set_filters(ACME, "balance_transactions", {"created_within": "30"})
    within = sync(platform, "balance_transactions").counts.created
    assert within < len(stripe.records("balance_transactions"))
    refreshed = sync(platform, "balance_transactions", SyncMode.COMPUTED)
    assert refreshed.counts.fetched == within
