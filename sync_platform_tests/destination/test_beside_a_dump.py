"""A pg_dump has every table locked until it ends, which may take hours: so that none is dropped.
Syncs neither wait for it nor have others wait."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.errors import StoreUnavailable
from sync_platform.spec import Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    INCREMENTAL,
    NONE,
    destination,
    full,
    load,
    loading,
    people,
    progress,
    select,
)

WAITS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'sync_platform %' AND wait_event_type = 'Lock'"
)


@pytest.fixture
def database(database: str) -> str:
    """A database where what waits for a dump gives up one day."""
    return make_conninfo(database, options="-c statement_timeout=15s")


@contextmanager
def dump(url: str) -> Iterator[None]:
    """What a pg_dump does, for the length of the block."""
    tables = select(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'acme'")
    with psycopg.connect(url) as connection:
        for it in tables:
            lock = SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(Identifier("acme", it))
            connection.execute(lock)
        yield


def interrupted(url: str, count: int) -> None:
    """A full sync that committed so many records and got no further."""
    with loading(url, sync="first", mode=FULL) as loader:
        loader.write(Page(people(count)))
        loader.commit(progress("first", FULL, {"page": 1}))


def is_there(url: str) -> bool:
    found: list[bool] = select(url, "SELECT to_regclass('acme._seen_contacts') IS NOT NULL")
    return found[0]


def test_a_full_sync_ends_beside_a_dump_and_the_next_ones_know_nothing_of_its_keys(
    database: str,
) -> None:
    with loading(database, sync="long", mode=FULL) as loader:
        loader.write(Page(people(4)))
        loader.commit(progress("long", FULL))
        with dump(database):
            assert loader.reconcile(lookback=NONE, most=0.0) == Counts()
            loader.finish()
            assert loader.progress() is None
            assert load(database, *people(1)) == Counts(fetched=1)
            assert full(database, *people(3), sync="beside") == Counts(fetched=3, deleted=1)
    assert is_there(database)
    assert full(database, *people(2), sync="after") == Counts(fetched=2, deleted=1)
    assert not is_there(database)


@pytest.mark.parametrize("mode", [FULL, INCREMENTAL])
def test_a_sync_that_takes_an_interrupted_ones_place_begins_beside_a_dump(
    database: str, mode: SyncMode
) -> None:
    interrupted(database, 4)
    with dump(database), loading(database, sync="second", mode=mode) as loader:
        loader.write(Page(people(2)))
        assert loader.commit(progress("second", mode)) == Counts(fetched=2)
        if mode is FULL:
            assert loader.reconcile(lookback=NONE, most=None) == Counts(deleted=2)
    seen = 2 if mode is FULL else 0
    assert select(database, "SELECT sync, seen FROM acme._progress") == [("second", seen)]
    assert select(database, "SELECT count(*) FROM acme._seen_contacts") == [seen]


def test_an_interrupted_sync_goes_on_beside_a_dump(database: str) -> None:
    interrupted(database, 4)
    with dump(database), destination(database).open(CONTACTS, FIELDS, sync="second") as loader:
        left = loader.progress()
        assert left == progress("first", FULL, {"page": 1})
        loader.begin(replace(left, sync="second"), resume=True)
        loader.write(Page(people(2, 4)))
        loader.commit(progress("second", FULL))
        assert loader.reconcile(lookback=NONE, most=0.0) == Counts()
        loader.finish()
        assert loader.progress() is None


def test_a_sync_whose_end_is_cut_off_while_it_waits_for_a_dump_can_be_gone_on_with(
    database: str,
) -> None:
    interrupted(database, 4)

    def finish() -> None:
        with destination(database).open(CONTACTS, FIELDS, sync="second") as loader:
            loader.begin(progress("second", FULL, {"page": 1}), resume=True)
            loader.finish()

    with dump(database), ThreadPoolExecutor(1) as thread:
        ending = thread.submit(finish)
        while not ending.done() and not (waiting := select(database, WAITS)):
            pass
        select(database, "SELECT pg_terminate_backend(%s)", waiting)
        with pytest.raises(StoreUnavailable):
            ending.result()
        with destination(database).open(CONTACTS, FIELDS, sync="third") as loader:
            assert loader.progress() == progress("second", FULL, {"page": 1})


def test_keys_that_a_backup_brought_back_are_not_taken_for_seen(database: str) -> None:
    full(database, *people(3))
    seen = "CREATE UNLOGGED TABLE acme._seen_contacts AS SELECT id FROM acme.contacts"
    select(database, seen)
    assert full(database, *people(2), sync="f2") == Counts(fetched=2, deleted=1)
    assert not is_there(database)


def test_keys_of_another_type_are_not_seen_in_a_table_that_cannot_be_dropped(
    database: str,
) -> None:
    full(database, *people(3))
    select(database, "CREATE UNLOGGED TABLE acme._seen_contacts (id bigint)")
    with dump(database), pytest.raises(StoreUnavailable, match="goes on by itself"):
        full(database, *people(2), sync="f2")
    assert full(database, *people(2), sync="f3") == Counts(fetched=2, deleted=1)
    assert not is_there(database)
