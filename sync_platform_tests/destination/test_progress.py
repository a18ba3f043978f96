import traceback
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.modes import SyncWindow
from sync_platform.engine.results import Counts
from sync_platform.errors import (
    ConfigurationError,
    IncompleteRead,
    LeaseLost,
    StoreUnavailable,
)
from sync_platform.spec import Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    NONE,
    loading,
    people,
    progress,
    select,
)

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'sync_platform %'"
)


def interrupted(url: str) -> None:
    """A full sync that committed ten records and got no further."""
    with loading(url, sync="first", mode=FULL) as loader:
        loader.write(Page(people(10)))
        loader.commit(progress("first", FULL, {"page": "\0"}))
        loader.write(Page(people(5, 10)))


def test_a_table_without_an_unfinished_sync_has_no_progress(database: str) -> None:
    with PostgresDestination(database).open(CONTACTS, FIELDS, sync="x") as loader:
        loader.begin(progress("x"), resume=False)
        loader.finish()
        assert loader.progress() is None


def test_progress_comes_back_as_it_was(database: str) -> None:
    window = SyncWindow(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
    told = type(progress())(
        sync="s1",
        mode=progress().mode,
        window=window,
        started_at=datetime(2024, 3, 1, tzinfo=UTC),
        shape="x",
        position={"after": ["\ud800", 1]},
    )
    with loading(database) as loader:
        loader.commit(told)
        assert loader.progress() == told


def test_an_interrupted_full_sync_goes_on_where_it_was(database: str) -> None:
    interrupted(database)
    with PostgresDestination(database).open(CONTACTS, FIELDS, sync="second") as loader:
        found = loader.progress()
        assert found == progress("first", FULL, {"page": "\0"})
        loader.begin(progress("second", FULL, found.position), resume=True)
        loader.write(Page(people(2, 10)))
        loader.commit(progress("second", FULL))
        assert loader.reconcile(lookback=NONE, most=0.0) == Counts()
        loader.finish()
        assert loader.rows() == 12


def test_a_sync_that_starts_over_forgets_what_was_seen(database: str) -> None:
    interrupted(database)
    with loading(database, sync="second", mode=FULL) as loader:
        loader.write(Page(people(9)))
        loader.commit(progress("second", FULL))
        assert loader.reconcile(lookback=NONE, most=0.5) == Counts(deleted=1)


def test_a_sync_does_not_go_on_from_where_another_one_went_on_meanwhile(database: str) -> None:
    """Or it would reconcile without the keys that the part before it saw."""
    interrupted(database)
    destination = PostgresDestination(database)
    with destination.open(CONTACTS, FIELDS, sync="late") as late:
        left = late.progress()
        assert left is not None
        with loading(database, sync="quick", mode=FULL) as quick:
            quick.finish()
        with pytest.raises(LeaseLost, match="taken over"):
            late.begin(replace(left, sync="late"), resume=True)


def test_a_sync_that_was_overtaken_writes_nothing_more(database: str) -> None:
    with loading(database, sync="old", mode=FULL) as old:
        old.write(Page(people(1)))
        old.commit(progress("old", FULL))
        with loading(database, sync="new", mode=FULL) as new:
            old.write(Page(people(1, 1)))
            with pytest.raises(LeaseLost, match="taken over"):
                old.commit(progress("old", FULL))
            with pytest.raises(LeaseLost):
                old.reconcile(lookback=NONE, most=None)
            old.finish()
            new.write(Page(people(1)))
            new.commit(progress("new", FULL))
            assert new.rows() == 1
            assert new.reconcile(lookback=NONE, most=0.0) == Counts()


def test_seen_keys_that_were_lost_with_the_server_are_noticed(database: str) -> None:
    interrupted(database)
    select(database, "TRUNCATE acme._seen_contacts")  # as Postgres does after a crash
    with PostgresDestination(database).open(CONTACTS, FIELDS, sync="second") as loader:
        assert loader.progress() == progress("first", FULL)
        loader.begin(progress("second", FULL), resume=True)
        with pytest.raises(IncompleteRead, match="Sync it in full again"):
            loader.reconcile(lookback=NONE, most=None)
    select(database, "DROP TABLE acme._seen_contacts")
    with PostgresDestination(database).open(CONTACTS, FIELDS, sync="third") as loader:
        assert loader.progress() == progress("second", FULL)


def test_a_cut_connection_keeps_what_was_committed_and_nothing_else(database: str) -> None:
    with loading(database) as loader:
        loader.write(Page(people(10)))
        loader.commit(progress(position={"page": 1}))
        loader.write(Page(people(10, 10)))
        select(database, CUT)
        with pytest.raises(StoreUnavailable, match="tried again") as told:
            loader.commit(progress(position={"page": 2}))
        assert isinstance(told.value.__cause__, psycopg.Error)
    with PostgresDestination(database).open(CONTACTS, FIELDS, sync="s2") as loader:
        assert loader.progress() == progress(position={"page": 1})
        assert loader.rows() == 10


@pytest.mark.parametrize("url", ["hush word", "postgresql://u:hush%zz@localhost/db"])
def test_an_unreadable_url_is_told_and_not_shown(url: str) -> None:
    with (
        pytest.raises(ConfigurationError, match="cannot be read") as told,
        PostgresDestination(url).open(CONTACTS, FIELDS, sync="x"),
    ):
        pass
    assert "hush" not in "".join(traceback.format_exception(told.value))


def test_a_server_that_is_not_there_is_told(database: str) -> None:
    url = psycopg.conninfo.make_conninfo(database, dbname="nowhere")
    with (
        pytest.raises(StoreUnavailable),
        PostgresDestination(url).open(CONTACTS, FIELDS, sync="x"),
    ):
        pass
