"""Stripe into Postgres where it answers oddly: what is odd is told, and proves no deletion."""

from datetime import timedelta

import psycopg
import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.errors import UnexpectedResponse
from sync_platform.platform import Platform
from sync_platform.sandbox.stripe import Stripe
from sync_platform_tests.journeys.stripe.shop import MovableClock, only, rows, sync, unequal


def rejected(platform: Platform) -> list[str | None]:
    """The keys that lie in _rejected."""
    with psycopg.connect(platform.database_url) as postgres:
        return [key for (key,) in postgres.execute("SELECT key FROM acme_stripe._rejected")]


def age(platform: Platform, object: str) -> None:
    """Make the rows look as old as rows of yesterday: a reconcile spares very new ones."""
    older = f"UPDATE acme_stripe.{object} SET _synced_at = _synced_at - interval '1 day'"
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute(older)


@pytest.mark.parametrize(
    ("object", "odd"),
    [("customers", {"metadata": [1], "balance": "none"}),
     ("customers", {"shipping": {"object": "list"}, "balance": "none"}),
     ("charges", {"metadata": "text", "amount": "much"})],
)  # fmt: skip
def test_an_odd_record_is_rejected_alone_and_keeps_its_row(
    platform: Platform, stripe: Stripe, object: str, odd: dict[str, object]
) -> None:
    sync(platform, object)
    age(platform, object)
    id = only(stripe, object)
    stripe.edit_in_silence(object, id, **odd)
    counts = sync(platform, object, SyncMode.FULL).counts
    assert (counts.rejected, counts.deleted) == (1, 0)
    assert (rejected(platform), id in rows(platform, object)) == ([id], True)


def test_an_object_of_which_an_item_cannot_be_told_marks_none_as_deleted(
    platform: Platform, stripe: Stripe
) -> None:
    sync(platform, "subscription_items")
    before = rows(platform, "subscription_items")
    age(platform, "subscription_items")
    stripe.edit_in_silence("subscription_items", only(stripe, "subscription_items"), metadata="x")
    stripe.edit_in_silence("subscription_items", list(before)[-1], id=None)
    sync(platform, "subscription_items", SyncMode.FULL)
    assert rows(platform, "subscription_items").keys() == before.keys()


def test_an_odd_event_is_rejected_and_the_feed_goes_on(platform: Platform, stripe: Stripe) -> None:
    sync(platform, "customers")
    first, second = list(stripe.account.records["customers"])[:2]
    stripe.edit("customers", first, name="Unheard")
    del stripe.account.events[-1]["data"]
    stripe.edit("customers", second, name="Heard")
    counts = sync(platform, "customers").counts
    assert (counts.updated, counts.rejected) == (1, 1)
    assert rows(platform, "customers")[second]["name"] == "Heard"
    assert rejected(platform) == [None]


@pytest.mark.parametrize("object", ["customers", "charges"])
def test_a_404_of_a_proxy_proves_no_deletion(
    platform: Platform, stripe: Stripe, object: str
) -> None:
    sync(platform, object)
    id = only(stripe, object)
    stripe.account.version = "2019-02-19"  # so that each object is asked for
    stripe.edit(object, id, description="Edited")
    stripe.fail("html", status=404, path=f"/v1/{object}/{id}")
    with pytest.raises(UnexpectedResponse):
        sync(platform, object)
    assert id in rows(platform, object)
    assert sync(platform, object).counts.updated == 1
    assert unequal(platform, stripe, object) == []


def test_a_charge_that_stripe_does_not_have_keeps_its_row_and_the_feed_goes_on(
    platform: Platform, stripe: Stripe
) -> None:
    sync(platform, "charges")
    lost, other = list(stripe.account.records["charges"])[:2]
    stripe.dispute(lost)
    stripe.dispute(other)
    del stripe.account.records["charges"][lost]
    counts = sync(platform, "charges").counts
    assert (counts.updated, counts.deleted, counts.rejected) == (1, 0, 1)
    assert (rejected(platform), lost in rows(platform, "charges")) == ([lost], True)


def test_that_a_later_item_than_the_tenth_was_taken_out_is_seen_by_a_full_sync(
    platform: Platform, stripe: Stripe, clock: MovableClock
) -> None:
    subscription = stripe.subscribe(only(stripe, "customers"), items=12)
    sync(platform, "subscription_items")
    last = stripe.account.records["subscriptions"][subscription]["items"][-1]
    clock.ahead += timedelta(minutes=10)
    stripe.delete("subscription_items", last)
    assert sync(platform, "subscription_items").counts.deleted == 0  # no event tells which it was
    age(platform, "subscription_items")
    assert sync(platform, "subscription_items", SyncMode.FULL).counts.deleted == 1
    assert unequal(platform, stripe, "subscription_items") == []
