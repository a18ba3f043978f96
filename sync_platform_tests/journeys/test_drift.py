"""What somebody dropped is read again by the next tick, and what became of the table is kept."""

from datetime import timedelta

import psycopg
import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot


def tick(platform: Platform, acme: Connection) -> SyncResult:
    request = SyncRequest(target=Target(acme.name, "contacts"))
    return platform.sync(request).run(into=platform.destination)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE acme_hubspot.contacts DROP COLUMN email",
        "DROP TABLE acme_hubspot.contacts",
        "DROP SCHEMA acme_hubspot CASCADE",
    ],
)
def test_what_somebody_dropped_is_read_again_by_the_next_tick(
    platform: Platform, acme: Connection, hubspot: HubSpot, statement: str
) -> None:
    for name in ("ada", "bob"):
        hubspot.add("contacts", email=f"{name}@example.com")
    tick(platform, acme)
    assert tick(platform, acme).mode is SyncMode.INCREMENTAL
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("SET LOCAL sync_platform.own_ddl = 'on'")
        postgres.execute(statement.encode())
    assert tick(platform, acme).mode is SyncMode.FULL
    with psycopg.connect(platform.database_url) as postgres:
        rows = postgres.execute("SELECT email FROM acme_hubspot.contacts ORDER BY 1").fetchall()
    assert rows == [("ada@example.com",), ("bob@example.com",)]
    assert tick(platform, acme).mode is SyncMode.INCREMENTAL


def test_a_from_date_sync_between_leaves_it_to_the_next_tick(
    platform: Platform, acme: Connection, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    tick(platform, acme)
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("SET LOCAL sync_platform.own_ddl = 'on'")
        postgres.execute("ALTER TABLE acme_hubspot.contacts DROP COLUMN email")
    last_week = SyncWindow(
        platform.clock.now() - timedelta(days=14), platform.clock.now() - timedelta(days=7)
    )
    request = SyncRequest(
        target=Target(acme.name, "contacts"), mode=SyncMode.FROM_DATE, window=last_week
    )
    assert platform.sync(request).run(into=platform.destination).counts.fetched == 0
    assert tick(platform, acme).mode is SyncMode.FULL
    with psycopg.connect(platform.database_url) as postgres:
        rows = postgres.execute("SELECT email FROM acme_hubspot.contacts").fetchall()
    assert rows == [("ada@example.com",)]


def meddle(platform: Platform, statement: str) -> None:
    """What somebody does where nothing keeps them off."""
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("SET LOCAL sync_platform.own_ddl = 'on'")
        postgres.execute(statement.encode())


def test_what_a_sync_mended_is_kept_and_told_once(
    platform: Platform, acme: Connection, hubspot: HubSpot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sync_platform.sync")
    tick(platform, acme)
    meddle(platform, "ALTER TABLE acme_hubspot.contacts RENAME COLUMN email TO mail")
    for _ in range(2):
        tick(platform, acme)
    sentence = "The column email was renamed to mail, and has its name back."
    (change,) = platform.schema_changes(acme.name, "contacts")
    assert (change.field, change.kind, str(change)) == ("email", "mended", sentence)
    assert [each.name for each in caplog.records if each.getMessage() == sentence] == [
        "sync_platform.sync"
    ]


def test_a_column_that_cannot_be_widened_is_told_once(
    platform: Platform, acme: Connection, hubspot: HubSpot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sync_platform.sync")
    hubspot.add_property("contacts", "shoe_size", "number")
    platform.discover(acme.name)
    tick(platform, acme)
    meddle(platform, "CREATE VIEW public.sizes AS SELECT shoe_size FROM acme_hubspot.contacts")
    hubspot.remove_property("contacts", "shoe_size")
    hubspot.add_property("contacts", "shoe_size", "string")
    platform.discover(acme.name)
    hubspot.add("contacts", email="ada@example.com", shoe_size="large")
    for _ in range(2):
        tick(platform, acme)
    kept, retyped, added = platform.schema_changes(acme.name, "contacts")
    assert [added.kind, retyped.kind, kept.kind] == ["added", "retyped", "kept"]
    told = [each for each in caplog.messages if each == str(kept)]
    assert told == ["The column shoe_size stays number, though its field needs text: a view, a "
        "trigger or the like is built on it. Until that is dropped, values that do not fit it "
        "load as text into a column beside it; beside a key, or where the table is full, they "
        "have their records rejected."]  # fmt: skip
    with psycopg.connect(platform.database_url) as postgres:
        rows = postgres.execute(
            "SELECT email, shoe_size, shoe_size_text FROM acme_hubspot.contacts"
        )
        assert rows.fetchall() == [("ada@example.com", None, "large")]
