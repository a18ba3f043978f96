import logging

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sync_platform.errors import (
    ConfigurationError,
    Refused,
    StoreUnavailable,
    Unexpected,
    UnknownConnection,
)
from sync_platform.store.database import Database


def one(database: Database, query: str) -> object:
    with database.statement() as session:
        (row,) = session.execute(query)
    (value,) = row.values()
    return value


def test_sessions_are_in_utc_and_bear_our_name(store: Database) -> None:
    assert one(store, "SHOW timezone") == "UTC"
    assert one(store, "SHOW application_name") == "sync_platform"


def test_transactions_see_what_others_commit_whatever_the_servers_default(database: str) -> None:
    strict = "-c default_transaction_isolation=serializable"
    store = Database(make_conninfo(database, options=strict))
    with store.transaction() as transaction:
        row = transaction.execute("SHOW transaction_isolation").fetchone()
    with store.apart() as transaction:
        apart = transaction.execute("SHOW transaction_isolation").fetchone()
    store.close()
    assert row == apart == {"transaction_isolation": "read committed"}


def test_a_transaction_is_rolled_back_by_an_exception(store: Database) -> None:
    def half() -> None:
        with store.transaction() as session:
            session.execute("CREATE TABLE public.half (id int)")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert one(store, "SELECT to_regclass('public.half')") is None


def test_a_server_that_is_not_there_makes_the_store_unavailable_and_hides_the_password() -> None:
    database = Database("postgresql://ann:hushhush@127.0.0.1:1/main")
    with pytest.raises(StoreUnavailable) as failed:
        database.apply_migrations()
    database.close()
    assert "'main' at 127.0.0.1:1 cannot be reached" in str(failed.value)
    assert "SYNC_PLATFORM_DATABASE_URL" in str(failed.value)
    chain = repr((failed.value, failed.value.__cause__, failed.value.evidence, database))
    assert "hushhush" not in chain


@pytest.mark.parametrize("typed", ["a\0b", "\ud800"])
def test_a_text_that_cannot_be_kept_is_refused(store: Database, typed: str) -> None:
    with pytest.raises(Refused, match="cannot keep"), store.statement() as session:
        session.execute("SELECT %s::text", (typed,))
    with pytest.raises(Refused, match="cannot keep"), store.transaction() as session:
        session.execute("SELECT %s::text", (typed,))


def test_a_connection_that_the_server_ended_is_replaced(store: Database, database: str) -> None:
    assert one(store, "SELECT 1") == 1
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert one(store, "SELECT 1") == 1


def test_a_connection_lost_in_a_transaction_makes_the_store_unavailable(
    store: Database, database: str
) -> None:
    def lose() -> None:
        with store.transaction() as session:
            with psycopg.connect(database, autocommit=True) as other:
                pid = session.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            session.execute("SELECT 1")

    with pytest.raises(StoreUnavailable):
        lose()
    assert one(store, "SELECT 1") == 1


def test_missing_tables_are_told_as_missing_migrations(empty_database: str) -> None:
    empty = Database(empty_database)
    with pytest.raises(ConfigurationError, match="Apply the migrations"):
        one(empty, "SELECT count(*) FROM sync_platform.syncs")
    empty.close()


def test_a_row_of_a_connection_that_is_not_there_is_refused(store: Database) -> None:
    with pytest.raises(UnknownConnection, match="it has been removed"):
        one(
            store,
            "INSERT INTO sync_platform.cursors VALUES ('none', 'contacts', now(), now())",
        )


def test_another_refusal_of_the_server_is_unexpected_and_shows_no_values(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(Unexpected) as failed,
        store.statement() as session,
    ):
        session.execute("SELECT 1 / %s, %s", (0, "hushhush"))
    assert "division by zero" in str(failed.value)
    assert failed.value.evidence == {"sqlstate": "22012"}
    assert "hushhush" not in repr(failed.value.__cause__)
    assert "hushhush" not in str(failed.value.__cause__)


def test_a_session_that_the_server_ended_for_idling_is_a_store_that_was_unavailable(
    database: str,
) -> None:
    impatient = Database(
        make_conninfo(database, options="-c idle_in_transaction_session_timeout=50")
    )

    def idle() -> None:
        with impatient.transaction() as session:
            session.execute("SELECT 1")
            with psycopg.connect(database) as other:
                other.execute("SELECT pg_sleep(0.2)")
            session.execute("SELECT 1")

    with pytest.raises(StoreUnavailable, match="idle-in-transaction timeout"):
        idle()
    impatient.close()
