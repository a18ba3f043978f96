"""A connection is removed whatever else is asked of the store at that moment."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from sync_platform.engine.connections import Connection
from sync_platform.errors import StoreUnavailable, UnknownConnection
from sync_platform.store.connections import Connections
from sync_platform.store.database import Database
from sync_platform_tests.store.pools import wait_for_a_locked_session

KNOWN = """
    INSERT INTO sync_platform.sync_targets (connection, object, last_started_at)
    VALUES ('acme-hubspot', 'contacts', now())
"""
# A sync that begins, in two: it has the row of its object, and wants that of its connection.
BEGINS = "UPDATE sync_platform.sync_targets SET last_started_at = now()"
GOES_ON = "SELECT name FROM sync_platform.connections FOR KEY SHARE"
# Postgres gives the first so many up.
GIVEN_UP = """
    CREATE SEQUENCE tries;
    CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('tries') <= {} THEN
            RAISE 'deadlock detected' USING ERRCODE = 'deadlock_detected';
        END IF;
        RETURN OLD;
    END $$;
    CREATE TRIGGER given_up BEFORE DELETE ON sync_platform.sync_targets
        FOR EACH ROW EXECUTE FUNCTION give_up();
"""


@pytest.fixture
def connections(store: Database, acme: Connection, other: psycopg.Connection) -> Connections:
    """With one that has synced."""
    other.execute(KNOWN)
    return Connections(store)


def test_a_connection_is_removed_while_a_sync_begins_that_waits_for_it_as_it_does_for_the_sync(
    store: Database, connections: Connections, other: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(1) as thread:
        # Postgres gives up who waited for a second; where this machine is slow that is the sync.
        with suppress(DeadlockDetected), other.transaction():
            other.execute(BEGINS)
            removed = thread.submit(connections.remove, "acme-hubspot")
            wait_for_a_locked_session(store)
            assert other.execute(GOES_ON).fetchall() == [("acme-hubspot",)]
        removed.result()
    with pytest.raises(UnknownConnection):
        connections.get("acme-hubspot")


def test_what_is_to_be_done_last_is_done_with_each_try(
    connections: Connections, other: psycopg.Connection
) -> None:
    other.execute(GIVEN_UP.format(4).encode())
    seen: list[str] = []
    connections.remove("acme-hubspot", lambda: seen.append(connections.get("acme-hubspot").name))
    assert seen == ["acme-hubspot"] * 5
    assert connections.list() == []


def test_a_connection_that_cannot_be_removed_stays_and_the_reason_is_told(
    connections: Connections, other: psycopg.Connection
) -> None:
    other.execute(GIVEN_UP.format(99).encode())
    with pytest.raises(StoreUnavailable, match="deadlock detected") as told:
        connections.remove("acme-hubspot")
    assert told.value.evidence == {"sqlstate": "40P01"}
    assert other.execute("SELECT last_value FROM tries").fetchone() == (5,)
    assert connections.get("acme-hubspot").name == "acme-hubspot"
