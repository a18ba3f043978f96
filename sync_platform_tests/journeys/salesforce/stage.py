"""A platform beside a Salesforce org."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sync_platform.demo.compare import differences
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import Sync, SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox.salesforce import Salesforce
from sync_platform_tests.conftest import HastyClock

HERE = "http://127.0.0.1:8000/connect/callback"


BROWSER = "a-cookie-that-nobody-else-has"


SERVICE = {"client_id": "service-1", "client_secret": "service-secret-1"}


INSTANCE = {"instance_url": "https://acme.my.salesforce.com"}


class LateClock(HastyClock):
    """The machine's time and what a test adds, for us and the vendor."""

    def __init__(self) -> None:
        self.later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later

    def seconds(self) -> float:
        return time.time() + self.later.total_seconds()


@dataclass
class Stage:
    platform: Platform
    vendor: Salesforce
    clock: LateClock

    def connect(self, *objects: str, **settings: str) -> None:
        self.platform.connect(
            "salesforce",
            "acme",
            Secret(SERVICE),
            base_url=self.vendor.url,
            settings={**INSTANCE, **settings},
            objects=objects or None,
        )

    def plan(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> Sync:
        request = SyncRequest(target=Target("acme", object), mode=mode, **asked)
        return self.platform.sync(request)

    def sync(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> SyncResult:
        return self.plan(object, mode, **asked).run(into=self.platform.destination)

    def told(self, object: str, mode: SyncMode = SyncMode.FULL, **asked: Any) -> list[str]:
        """Sync; the sentences that were told."""
        sentences: list[str] = []
        sync = self.plan(object, mode, **asked)
        sync.on_progress = lambda sentence, counts: sentences.append(sentence)
        sync.run(into=self.platform.destination)
        return sentences

    def rows(self, object: str, where: str = "_deleted_at IS NULL") -> list[dict[str, Any]]:
        query = f"SELECT * FROM acme.{object} WHERE {where} ORDER BY 1"
        with psycopg.connect(self.platform.database_url, row_factory=dict_row) as postgres:
            return postgres.execute(query).fetchall()

    def age(self, object: str) -> None:
        """Make the rows look as old as rows of yesterday: a reconcile spares very new ones."""
        older = f"UPDATE acme.{object} SET _synced_at = _synced_at - interval '1 day'"
        with psycopg.connect(self.platform.database_url) as postgres:
            postgres.execute(older)

    def equal(self, object: str) -> bool:
        return not list(differences(self.platform, self.vendor.url, Target("acme", object)))

    def cursor(self, object: str) -> datetime:
        found = self.platform.cursors.get(Target("acme", object))
        assert found is not None
        return found

    def called(self, end: str) -> int:
        return sum(n for (_, path), n in self.vendor.calls.items() if path.endswith(end))
