"""One transaction of what several stores are asked for by one thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import psycopg
import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.results import Target
from sync_platform.errors import StoreUnavailable, SyncPlatformError, UnknownConnection
from sync_platform.spec import Field
from sync_platform.store.catalogs import Catalogs
from sync_platform.store.connections import Connections
from sync_platform.store.database import Database
from sync_platform.store.pool import Session
from sync_platform_tests.store.pools import end

CONTACTS = Target("acme-hubspot", "contacts")
WHO = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
def connections(store: Database, acme: Connection) -> Connections:
    return Connections(store)


@pytest.fixture
def catalogs(store: Database, acme: Connection) -> Catalogs:
    return Catalogs(store)


def fails(store: Database, does: Callable[[], object], error: type[BaseException]) -> BaseException:
    """What a block that `does` this was ended by."""
    with pytest.raises(error) as failed, store.together():
        does()
    return failed.value


def pid(store: Database) -> int:
    with store.statement() as session:
        row = session.execute(WHO).fetchone()
    assert row is not None
    return int(row["pid"])


def lost(store: Database, other: psycopg.Connection) -> None:
    """The server ends the session of this thread's block."""
    with store.transaction() as session:
        mine: Session = session
    end(other, mine)


def test_what_several_stores_are_asked_for_is_kept_at_the_end_and_seen_by_nobody_before(
    store: Database, connections: Connections, catalogs: Catalogs, other: psycopg.Connection
) -> None:
    seen = "SELECT label, fields FROM sync_platform.connections, sync_platform.catalogs"
    with store.together():
        connections.set_label("acme-hubspot", "Acme")
        catalogs.save(CONTACTS, [Field("email")])
        assert connections.get("acme-hubspot").label == "Acme"
        assert catalogs.fields(CONTACTS) == [Field("email")]
        assert other.execute(seen).fetchall() == []
    assert other.execute(seen).fetchall() == [("Acme", [{"name": "email"}])]


def test_of_a_block_that_an_exception_ends_nothing_is_kept(
    store: Database, connections: Connections, catalogs: Catalogs
) -> None:
    def half() -> None:
        connections.set_label("acme-hubspot", "Acme")
        catalogs.save(CONTACTS, [Field("email")])
        raise KeyError

    fails(store, half, KeyError)
    assert connections.get("acme-hubspot").label is None
    assert catalogs.fields(CONTACTS) is None


@pytest.mark.parametrize("error", [None, KeyError, UnknownConnection])
def test_after_a_block_each_transaction_is_one_of_its_own_again(
    store: Database, connections: Connections, error: type[BaseException] | None
) -> None:
    with suppress(*([error] if error else [])), store.together():
        if error is not None:
            raise error
    connections.set_label("acme-hubspot", "Acme")
    assert connections.get("acme-hubspot").label == "Acme"


@pytest.mark.parametrize("way", ["transaction", "statement"])
def test_what_fails_in_a_block_that_goes_on_takes_nothing_else_with_it(
    store: Database, connections: Connections, way: str
) -> None:
    with store.together():
        connections.set_label("acme-hubspot", "Acme")
        with suppress(SyncPlatformError), getattr(store, way)() as session:
            session.execute("UPDATE sync_platform.connections SET label = 'Other'")
            session.execute("SELECT 1 / 0")
        connections.set_base_url("acme-hubspot", "https://example.com")
    kept = connections.get("acme-hubspot")
    assert (kept.label, kept.base_url) == ("Acme", "https://example.com")


def test_a_block_in_a_block_is_part_of_it(store: Database, connections: Connections) -> None:
    def half() -> None:
        with store.together():
            connections.set_label("acme-hubspot", "Acme")
        raise KeyError

    fails(store, half, KeyError)
    assert connections.get("acme-hubspot").label is None


def test_an_error_of_postgres_is_told_as_everywhere_and_once(
    store: Database, catalogs: Catalogs
) -> None:
    none = Target("none", "contacts")
    error = fails(store, lambda: catalogs.save(none, [Field("email")]), UnknownConnection)
    assert isinstance(error.__cause__, psycopg.Error)


def test_a_session_that_an_error_of_postgres_ended_a_block_in_is_not_used_again(
    store: Database, catalogs: Catalogs
) -> None:
    used: list[int] = []

    def half() -> None:
        used.append(pid(store))
        catalogs.save(Target("none", "contacts"), [Field("email")])

    fails(store, half, UnknownConnection)
    assert pid(store) not in used


def test_a_session_that_is_lost_in_a_block_makes_the_store_unavailable(
    store: Database, connections: Connections, other: psycopg.Connection
) -> None:
    def half() -> None:
        connections.set_label("acme-hubspot", "Acme")
        lost(store, other)
        connections.set_base_url("acme-hubspot", "https://example.com")

    fails(store, half, StoreUnavailable)
    kept = connections.get("acme-hubspot")
    assert (kept.label, kept.base_url) == (None, None)


def test_a_block_whose_session_is_lost_does_not_end_well_whoever_goes_on(
    store: Database, connections: Connections, other: psycopg.Connection
) -> None:
    def half() -> None:
        connections.set_label("acme-hubspot", "Acme")
        lost(store, other)
        with suppress(StoreUnavailable):
            connections.set_base_url("acme-hubspot", "https://example.com")

    fails(store, half, StoreUnavailable)
    assert connections.get("acme-hubspot").label is None


def test_a_transaction_apart_is_none_of_the_block(
    store: Database, connections: Connections
) -> None:
    def half() -> None:
        with store.apart() as session:
            session.execute("UPDATE sync_platform.connections SET label = 'Apart'")
        connections.set_base_url("acme-hubspot", "https://example.com")
        raise KeyError

    fails(store, half, KeyError)
    kept = connections.get("acme-hubspot")
    assert (kept.label, kept.base_url) == ("Apart", None)


def test_two_threads_have_blocks_of_their_own(store: Database, catalogs: Catalogs) -> None:
    both = Barrier(2, timeout=20)

    def block(object: str, keeps: bool) -> tuple[int, list[str]]:
        """Its session, and which catalogs it sees once both have saved one."""
        with suppress(KeyError), store.together():
            catalogs.save(Target("acme-hubspot", object), [Field("email")])
            both.wait()
            with store.transaction() as session:
                rows = session.execute("SELECT object FROM sync_platform.catalogs").fetchall()
            found = pid(store), [row["object"] for row in rows]
            both.wait()
            if not keeps:
                raise KeyError
        return found

    with ThreadPoolExecutor(2) as threads:
        kept = threads.submit(block, "contacts", True)
        dropped = threads.submit(block, "deals", False)
        assert kept.result()[0] != dropped.result()[0]
        assert (kept.result()[1], dropped.result()[1]) == (["contacts"], ["deals"])
    assert catalogs.fields(CONTACTS) == [Field("email")]
    assert catalogs.fields(Target("acme-hubspot", "deals")) is None


def test_a_thread_that_a_block_starts_is_none_of_it(
    store: Database, connections: Connections
) -> None:
    with store.together(), ThreadPoolExecutor(1) as threads:
        connections.set_label("acme-hubspot", "Acme")
        seen = threads.submit(connections.get, "acme-hubspot").result()
    assert seen.label is None
