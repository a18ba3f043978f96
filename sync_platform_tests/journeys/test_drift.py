"""What somebody dropped is read again by the next tick."""

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
    ["ALTER TABLE acme_hubspot.contacts DROP COLUMN email", "DROP TABLE acme_hubspot.contacts"],
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
