"""A spreadsheet, a connection to it, and a look into its tables."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox.google_sheets import PLAN, ROBOT, GoogleSheets
from sync_platform.sandbox.google_sheets_book import Tab
from sync_platform.spec import OutboundChange
from sync_platform_tests.contract.conformance.vendors.google_sheets import robot_key

NAME = "acme-sheets"


SECRET = Secret({"client_email": ROBOT, "private_key": robot_key()[0]})


class Desk:
    """A spreadsheet, a connection to it, and a look into its tables."""

    def __init__(self, platform: Platform, vendor: GoogleSheets) -> None:
        self.platform, self.vendor = platform, vendor

    def tab(self, title: str, *rows: Any, height: int = 0) -> Tab:
        tab = self.vendor.plan.add(title, rows)
        tab.height = height or len(rows)
        return tab

    def connect(self, *objects: str, **settings: str) -> None:
        chosen = {name.replace("__", "."): value for name, value in settings.items()}
        self.platform.connect(
            "google_sheets",
            NAME,
            SECRET,
            base_url=self.vendor.url,
            objects=list(objects) or None,
            settings={"spreadsheet_ids": PLAN, "rate_limit.reads": "unlimited", **chosen},
        )

    def again(self, **settings: str) -> None:
        """Sign in anew, with other settings."""
        chosen = {name.replace("__", "."): value for name, value in settings.items()}
        connecting = self.platform.connecting
        begun = connecting.with_secret(
            "google_sheets", SECRET, browser="b", connection=NAME, settings=chosen, again=True
        )
        connecting.complete(begun.id, browser="b")

    def sync(self, object: str, **asked: Any) -> SyncResult:
        request = SyncRequest(target=Target(NAME, object), **asked)
        return self.platform.sync(request).run(into=self.platform.destination)

    def counts(self, object: str) -> tuple[int, int, int]:
        counts = self.sync(object).counts
        return counts.created, counts.updated, counts.deleted

    def rows(self, object: str) -> list[dict[str, Any]]:
        query = sql.SQL("SELECT * FROM acme_sheets.{} WHERE _deleted_at IS NULL ORDER BY 1")
        with psycopg.connect(self.platform.database_url, row_factory=dict_row) as postgres:
            found = postgres.execute(query.format(sql.Identifier(object))).fetchall()
        return [{k: v for k, v in row.items() if not k.startswith("_")} for row in found]

    def column(self, object: str, name: str) -> list[Any]:
        return [row[name] for row in self.rows(object)]

    def rejected(self, object: str) -> list[str]:
        """The reasons."""
        query = "SELECT reason FROM acme_sheets._rejected WHERE table_name = %s ORDER BY id"
        with psycopg.connect(self.platform.database_url) as postgres:
            return [reason for (reason,) in postgres.execute(query, [object])]

    def types(self, object: str) -> dict[str, str]:
        query = (
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'acme_sheets' AND table_name = %s ORDER BY ordinal_position"
        )
        with psycopg.connect(self.platform.database_url) as postgres:
            found = postgres.execute(query, [object]).fetchall()
        return {name: type for name, type in found if not name.startswith("_")}

    def push(self, object: str, **change: Any) -> None:
        connection = self.platform.connection(NAME)
        obj = self.platform.connector_of(connection)[object]
        asked = OutboundChange(**change)
        write = {"create": obj.create, "update": obj.update, "delete": obj.delete}[asked.kind]
        assert callable(write)
        api = self.platform.api(connection)
        try:
            write(api, asked)
        finally:
            api.close()
