"""A Stripe with a small shop, connected."""

from collections.abc import Iterator

import pytest

from sync_platform.engine.ports import Secret
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.stripe import Stripe
from sync_platform_tests.journeys.stripe.shop import ACME, UNLIMITED, MovableClock, only


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


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


@pytest.fixture(autouse=True)
def connected(platform: Platform, stripe: Stripe) -> None:
    platform.connect(
        "stripe",
        ACME,
        Secret({"token": "sandbox-token"}),
        base_url=stripe.url,
        settings=UNLIMITED | {"metadata_columns": "customers.plan, subscriptions.seats"},
    )
