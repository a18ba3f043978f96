"""A fake Stripe with a small shop, and an app that is let in."""

from collections.abc import Iterator

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.stripe import Stripe
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.stripe.asking import SIGNED


@pytest.fixture
def stripe(clock: Clock) -> Iterator[Stripe]:
    with serve(Stripe(clock=clock, customers=3)) as vendor:
        yield vendor


@pytest.fixture
def client(stripe: Stripe) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stripe.url, headers=SIGNED) as client:
        yield client
