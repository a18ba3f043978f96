"""What a connection's tables look like."""

from sync_platform.engine.connections import Connection
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot


def test_before_the_first_sync_there_are_none(platform: Platform, acme: Connection) -> None:
    assert platform.tables(acme.name) == {}


def test_tables_are_told_by_object_with_their_columns_and_about_their_rows(
    platform: Platform, acme: Connection, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 30)
    for name in ("contacts", "line_items"):
        platform.sync(SyncRequest(Target(acme.name, name))).run(into=platform.destination)
    tables = platform.tables(acme.name)
    assert tables.keys() == {"contacts", "line_items"}
    columns = {it.name: (it.type, it.comment) for it in tables["contacts"].columns}
    assert columns["email"] == ("text", "synced from HubSpot Contacts: Email")
    assert columns["_deleted_at"][0] == "timestamp with time zone"
    assert tables["line_items"].rows is None
    assert tables["contacts"].rows in (30, None)  # Postgres counts a moment later
