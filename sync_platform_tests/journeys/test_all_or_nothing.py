"""A sign-in changes all that it is about or nothing, wherever it is cut off, and whoever else is at
its connection."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import OtherAccount, StoreUnavailable, UnknownConnection
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform_tests.journeys.tables import sql

ACME = "acme-hubspot"
KEPT = ("connections", "credentials", "discovered_objects", "catalogs", "cursors")
WRITES = [
    "UPDATE ON sync_platform.connections",
    "INSERT OR UPDATE ON sync_platform.credentials",
    "INSERT OR UPDATE ON sync_platform.catalogs",
    "UPDATE OF account_id ON sync_platform.connections",
    "DELETE ON sync_platform.cursors",
    "UPDATE OF resumed_at ON sync_platform.connections",
]
HANG_UP = """
    CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_terminate_backend(pg_backend_pid());
        PERFORM pg_sleep(20);
        RETURN NULL;
    END $$
"""
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def another(platform: Platform, hubspot: HubSpot, acme: Connection) -> Iterator[HubSpot]:
    """Another account, with a key of its own; of the one before it a contact was read."""
    hubspot.add("contacts", email="ada@example.com")
    sync(platform)
    with serve(
        HubSpot(id=24117735, tokens=("its-token",), burst=None, search_per_second=None)
    ) as it:
        it.add("contacts", email="grace@example.com")
        yield it


def sync(platform: Platform) -> None:
    request = SyncRequest(target=Target(ACME, "contacts"))
    platform.sync(request).run(into=platform.destination)


def takes_over(platform: Platform, another: HubSpot, *, confirmed: bool = True) -> Connection:
    key = Secret({"token": "its-token"})
    return platform.reconnect(ACME, key, base_url=another.url, confirmed=confirmed)


def kept(platform: Platform) -> dict[str, list[Any]]:
    """All that is known of connections."""
    rows = "SELECT * FROM sync_platform.{} ORDER BY 1, 2"
    return {each: sql(platform, rows.format(each)) for each in KEPT}


def wait_until(waiting: int, platform: Platform, *unless: Future[Any]) -> None:
    """Until so many wait for a lock, or one of these is done."""
    until = time.monotonic() + 20
    with psycopg.connect(platform.database_url, autocommit=True) as watching:
        while watching.execute(WAITING).fetchone() != (waiting,):
            assert time.monotonic() < until, "nobody waits"
            if any(each.done() for each in unless):
                return


@pytest.mark.parametrize("write", WRITES)
def test_a_takeover_that_is_cut_off_changes_nothing_and_is_asked_about_again(
    platform: Platform, hubspot: HubSpot, another: HubSpot, write: str
) -> None:
    platform.store.flag(ACME, ConnectionStatus.NEEDS_REAUTH, "It was refused.")
    before = kept(platform)
    sql(platform, HANG_UP)
    at = f"AFTER {write} FOR EACH STATEMENT EXECUTE FUNCTION hang_up()"
    sql(platform, f"CREATE TRIGGER cut {at}")
    with pytest.raises(StoreUnavailable):
        takes_over(platform, another)
    assert kept(platform) == before
    sql(platform, "DROP FUNCTION hang_up CASCADE")
    with pytest.raises(OtherAccount):
        takes_over(platform, another, confirmed=False)
    assert takes_over(platform, another).status is ConnectionStatus.ACTIVE
    assert platform.credentials.read(ACME)["token"] == "its-token"
    assert platform.cursors.of(ACME) == {}


def test_a_new_connection_is_seen_by_nobody_before_all_of_it_is_kept(
    platform: Platform, hubspot: HubSpot
) -> None:
    def connect() -> Connection:
        key = Secret({"token": "sandbox-token"})
        return platform.connect("hubspot", ACME, key, base_url=hubspot.url)

    with ThreadPoolExecutor(1) as threads, psycopg.connect(platform.database.url) as other:
        other.execute("LOCK TABLE sync_platform.catalogs IN EXCLUSIVE MODE")
        connecting = threads.submit(connect)
        wait_until(1, platform, connecting)
        assert platform.connections() == []
        other.rollback()
        made = connecting.result()
    assert platform.connections() == [made]


def test_a_new_connection_that_cannot_be_kept_whole_is_not_kept(
    platform: Platform, hubspot: HubSpot
) -> None:
    sql(platform, HANG_UP)
    sql(
        platform,
        "CREATE TRIGGER cut AFTER INSERT ON sync_platform.catalogs "
        "FOR EACH STATEMENT EXECUTE FUNCTION hang_up()",
    )
    with pytest.raises(StoreUnavailable):
        platform.connect("hubspot", ACME, Secret({"token": "sandbox-token"}), base_url=hubspot.url)
    assert kept(platform) == {each: [] for each in KEPT}


def test_a_takeover_waits_for_a_sync_that_keeps_fields_and_not_both_for_each_other(
    platform: Platform, another: HubSpot
) -> None:
    with ThreadPoolExecutor(1) as threads, psycopg.connect(platform.database_url) as keeping:
        keeping.execute("SELECT FROM sync_platform.catalogs FOR UPDATE")  # as Catalogs.save does
        taking = threads.submit(takes_over, platform, another)
        wait_until(1, platform, taking)
        keeping.execute(
            "INSERT INTO sync_platform.schema_changes (connection, object, field, kind, found_at) "
            "VALUES (%s, 'contacts', 'age', 'added', now())",
            (ACME,),
        )
        keeping.commit()
        assert taking.result().account_id != "before"


def test_who_removes_a_connection_that_is_taken_over_waits_and_not_both_for_each_other(
    platform: Platform, another: HubSpot
) -> None:
    with ThreadPoolExecutor(2) as threads, psycopg.connect(platform.database_url) as renewing:
        renewing.execute("SELECT FROM sync_platform.credentials FOR UPDATE")  # as a renewal does
        taking = threads.submit(takes_over, platform, another)
        wait_until(1, platform, taking)
        removing = threads.submit(platform.store.remove, ACME)
        wait_until(2, platform, taking, removing)
        renewing.commit()
        assert taking.result().account_id != "before"
        removing.result()
    assert platform.connections() == []


def test_a_connection_that_is_removed_before_it_is_taken_over_is_told_as_unknown(
    platform: Platform, another: HubSpot
) -> None:
    with ThreadPoolExecutor(1) as threads, psycopg.connect(platform.database_url) as removing:
        removing.execute("DELETE FROM sync_platform.connections")
        taking = threads.submit(takes_over, platform, another)
        wait_until(1, platform, taking)
        removing.commit()
        with pytest.raises(UnknownConnection):
            taking.result()
