"""What is asked of a Stripe with a small shop, and of its tables."""

import time
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sync_platform.demo.compare import differences
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox.stripe import Stripe
from sync_platform.transport.clock import SystemClock

ACME = "acme-stripe"


UNLIMITED = {"rate_limit.account": "unlimited", "rate_limit.endpoint": "unlimited"}


OLD_VERSION = "2019-02-19"


EVENTS = ("GET", "/v1/events")


A_DAY = 86_400


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
