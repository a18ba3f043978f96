"""A platform beside an Airtable account."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from sync_platform.demo.compare import differences
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Counts, Target
from sync_platform.engine.sync import Sync, SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox.airtable import Airtable
from sync_platform.spec import Connector
from sync_platform.transport.clock import SystemClock

HERE = "http://127.0.0.1:8000/connect/callback"


BROWSER = "a-cookie-that-nobody-else-has"


class TurningClock(SystemClock):
    """The machine's time and what was slept, for us and the vendor: nobody waits."""

    def __init__(self) -> None:
        self.later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later

    def sleep(self, seconds: float) -> None:
        self.later += timedelta(seconds=seconds)

    def seconds(self) -> float:
        return time.time() + self.later.total_seconds()


@dataclass
class Stage:
    platform: Platform
    vendor: Airtable
    clock: TurningClock

    def connect(self, **settings: str) -> None:
        unlimited = {"rate_limit.base": "unlimited", "rate_limit.token": "unlimited"}
        self.platform.connect(
            "airtable",
            "acme",
            Secret({"token": "sandbox-token"}),
            base_url=self.vendor.url,
            settings=unlimited | settings,
        )

    def plan(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> Sync:
        request = SyncRequest(target=Target("acme", object), mode=mode, **asked)
        return self.platform.sync(request)

    def sync(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> Counts:
        return self.plan(object, mode, **asked).run(into=self.platform.destination).counts

    def full(self, object: str, **asked: Any) -> Counts:
        return self.sync(object, SyncMode.FULL, **asked)

    def age(self, object: str) -> None:
        """Make the rows look as old as yesterday's: a full sync spares those that were written
        within the look-back before it, by the clock of Postgres, which nobody turns."""
        older = f"UPDATE acme.{object} SET _synced_at = _synced_at - interval '1 day'"
        with psycopg.connect(self.platform.database_url) as postgres:
            postgres.execute(older.encode())

    def rows(self, object: str, where: str = "_deleted_at IS NULL") -> list[dict[str, Any]]:
        query = f"SELECT * FROM acme.{object} WHERE {where} ORDER BY 1"
        with psycopg.connect(self.platform.database_url, row_factory=dict_row) as postgres:
            return postgres.execute(query.encode()).fetchall()

    def differences(self, object: str) -> list[str]:
        return list(differences(self.platform, self.vendor.url, Target("acme", object)))

    def webhook_of_others(self, method: str, path: str = "", **asked: Any) -> httpx.Response:
        """Another app makes a webhook in the CRM, or takes one away."""
        self.clock.sleep(1)
        at = f"{self.vendor.url}/v0/bases/{self.vendor.base('CRM').id}/webhooks{path}"
        signed = {"Authorization": "Bearer sandbox-token"}
        return httpx.request(method, at, headers=signed, **asked).raise_for_status()

    @property
    def connector(self) -> Connector:
        return self.platform.connector_of(self.platform.connection("acme"))
