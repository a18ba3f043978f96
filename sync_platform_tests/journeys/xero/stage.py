"""A platform whose person connects one of two organisations at Xero."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sync_platform.demo.compare import differences
from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox.xero import TENANTS, Xero
from sync_platform.spec import OutboundChange
from sync_platform_tests.person import Person

HERE = "http://127.0.0.1:8000/connect/callback"
BROWSER = "a-cookie-that-nobody-else-has"
FIRST, SECOND = TENANTS
UNLIMITED = {"rate_limit.minute": "unlimited", "rate_limit.day": "unlimited"}


@dataclass
class Stage:
    """A platform with an app at Xero, a person with two organisations, and Xero."""

    platform: Platform
    xero: Xero
    person: Person

    def connects(
        self,
        tenant: str = FIRST.id,
        objects: list[str] | None = None,
        *,
        writing: bool = False,
        known: dict[str, str] | None = None,
    ) -> Connection:
        """Through the consent page to a connection of one organisation."""
        connecting = self.platform.connecting
        begun = connecting.begin(
            "xero",
            redirect_uri=HERE,
            browser=BROWSER,
            base_url=self.xero.url,
            settings=known or UNLIMITED,
            objects=objects,
            writing=writing,
        )
        sign_in = connecting.finish(self.person.allows(begun.url, tenant), browser=BROWSER)
        return connecting.complete(sign_in.id, browser=BROWSER, name="acme-xero")

    def sync(
        self, object: str = "invoices", mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any
    ) -> SyncResult:
        request = SyncRequest(target=Target("acme-xero", object), mode=mode, **asked)
        return self.platform.sync(request).run(into=self.platform.destination)

    def rows(self, object: str = "invoices") -> dict[str, dict[str, Any]]:
        """The table, by the values of its first column."""
        with psycopg.connect(self.platform.database_url, row_factory=dict_row) as postgres:
            found = postgres.execute(f"SELECT * FROM acme_xero.{object}").fetchall()
        return {str(next(iter(row.values()))): row for row in found}

    def differences(self, object: str) -> list[str]:
        target = Target("acme-xero", object)
        return list(differences(self.platform, self.xero.url, target))

    def change(self, object: str, kind: Any, **change: Any) -> Any:
        """Write one change to Xero."""
        connection = self.platform.connection("acme-xero")
        api = self.platform.api(connection)
        try:
            request = getattr(self.platform.connector("xero")[object], kind)
            asked = OutboundChange(kind=kind, **change)
            return request(api, asked) if callable(request) else api.send(request, asked)
        finally:
            api.close()
