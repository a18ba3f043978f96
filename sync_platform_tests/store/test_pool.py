"""The pool, by itself: which session is used, kept and closed, whatever is done with it."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from random import Random

import psycopg
import pytest
from psycopg import errors

from sync_platform.store.addresses import conninfo
from sync_platform.store.pool import AT_ONCE, KEPT, AllInUse, Pool, Session
from sync_platform_tests.store.pools import at_once, used


class Interrupted(BaseException):
    """As Dagster's is, when a run is to stop: psycopg does not know it."""


def fails(pool: Pool, error: BaseException) -> Session:
    """The session of a block that this error ended."""
    with pytest.raises(type(error)), pool.session() as session:
        raise error
    return session


# -- which is used, and which are kept ---------------------------------------------------------


def test_no_session_is_opened_before_one_is_used() -> None:
    Pool("host=127.0.0.1 port=1").close()


def test_the_session_that_was_used_last_is_used_next(pool: Pool) -> None:
    *_, last = at_once(pool, 3)
    with pool.session() as first, pool.session() as second:
        assert second is not first
    assert used(pool) is first
    assert not last.closed


def test_of_the_sessions_that_nobody_uses_four_are_kept(pool: Pool) -> None:
    sessions = at_once(pool, KEPT + 2)
    assert sum(not each.closed for each in sessions) == KEPT


def test_a_session_that_is_too_old_is_replaced(database: str, pools: Callable[..., Pool]) -> None:
    pool = pools(conninfo(database), longest=0)
    first = used(pool)
    assert not first.closed
    assert used(pool) is not first
    assert first.closed


# -- what happened in the block ----------------------------------------------------------------


def test_a_session_whose_transaction_was_left_open_is_closed_and_rolled_back(pool: Pool) -> None:
    with pool.session() as session:
        session.execute("BEGIN")
        session.execute("CREATE TABLE public.half (id int)")
    assert session.closed
    with pool.session() as next_one:
        row = next_one.execute("SELECT to_regclass('public.half') AS half").fetchone()
    assert row == {"half": None}


def test_a_session_whose_transaction_has_failed_is_closed(pool: Pool) -> None:
    with pool.session() as session:
        session.execute("BEGIN")
        with suppress(errors.DivisionByZero):
            session.execute("SELECT 1 / 0")
    assert session.closed


def test_a_session_is_kept_after_an_error_that_is_not_of_postgres(pool: Pool) -> None:
    session = fails(pool, KeyError())
    assert used(pool) is session


def test_a_session_in_which_the_server_refused_something_is_closed(pool: Pool) -> None:
    """As it does from then on where a standby was put in the place of the server."""
    with pool.session() as session:
        session.execute("SET default_transaction_read_only = on")
    with pytest.raises(errors.ReadOnlySqlTransaction), pool.session() as again:
        again.execute("CREATE TABLE public.new (id int)")
    assert again is session
    assert session.closed
    with pool.session() as next_one:
        next_one.execute("CREATE TABLE public.new (id int)")


@contextmanager
def interrupting(other: psycopg.Connection, error: type[BaseException]) -> Iterator[int]:
    """Raises the error in this thread as soon as a session waits for the lock that it yields."""

    def interrupt(*_: object) -> None:
        raise error

    def watch() -> None:
        waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"
        while not other.execute(waits).fetchall():
            pass
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    other.execute("SELECT pg_advisory_lock(7)")
    before = signal.signal(signal.SIGUSR1, interrupt)
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield 7
    finally:
        watching.join()
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("error", [KeyboardInterrupt, Interrupted])
@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_session_that_was_interrupted_while_the_server_worked_is_closed(
    pool: Pool, other: psycopg.Connection, error: type[BaseException], in_transaction: bool
) -> None:
    def wait() -> None:
        with pool.session() as session, ExitStack() as transaction:
            sessions.append(session)
            if in_transaction:
                transaction.enter_context(session.transaction())
            session.execute("SELECT pg_advisory_lock(%s)", (lock,))

    sessions: list[Session] = []
    with interrupting(other, error) as lock, pytest.raises(error):
        wait()
    assert sessions[0].closed
    assert used(pool) is not sessions[0]
    at_once(pool, AT_ONCE)  # no place was lost


def test_locks_of_a_session_that_is_interrupted_between_two_statements_go_with_it(
    pool: Pool, other: psycopg.Connection
) -> None:
    def take() -> None:
        with pool.session() as session:
            session.execute("SELECT pg_advisory_lock(7)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take()
    other.execute("SET lock_timeout = '10s'")
    other.execute("SELECT pg_advisory_lock(7)")


# -- closed and opened again -------------------------------------------------------------------


def test_a_pool_that_is_closed_closes_those_in_use_when_they_are_given_back(pool: Pool) -> None:
    idle, _ = at_once(pool, 2)[::-1]
    with pool.session() as in_use:
        pool.close()
        assert in_use.execute("SELECT 1 AS one").fetchall() == [{"one": 1}]
        with pool.session() as opened_since:
            pass
    assert in_use.closed
    assert idle.closed
    assert used(pool) is opened_since


# -- many threads ------------------------------------------------------------------------------


def test_a_thread_that_waits_in_vain_is_told_that_all_are_in_use(
    database: str, pools: Callable[..., Pool]
) -> None:
    pool = pools(conninfo(database), patience=0.01)
    with ExitStack() as in_use:
        for _ in range(AT_ONCE):
            in_use.enter_context(pool.session())
        with pytest.raises(AllInUse):
            used(pool)
    at_once(pool, AT_ONCE)


def test_a_thread_that_waits_gets_the_session_that_another_gives_back(pool: Pool) -> None:
    with ThreadPoolExecutor(1) as threads, ExitStack() as in_use:
        sessions = [in_use.enter_context(pool.session()) for _ in range(AT_ONCE)]
        waiting = threads.submit(used, pool)
        in_use.close()
        assert waiting.result(timeout=20) in sessions


def test_whatever_many_threads_do_each_has_a_session_to_itself_and_no_place_is_lost(
    database: str, pools: Callable[..., Pool]
) -> None:
    pool = pools(conninfo(database), patience=20)
    busy: set[Session] = set()
    most: list[int] = []
    guard = threading.Lock()

    def use(number: int) -> None:
        chance = Random(number)
        for _ in range(15):
            with suppress(KeyError, psycopg.Error, Interrupted), pool.session() as session:
                with guard:
                    assert session not in busy
                    busy.add(session)
                    most.append(len(busy))
                try:
                    session.execute("SELECT 1")
                    match chance.randrange(8):
                        case 0:
                            raise KeyError
                        case 1:
                            raise Interrupted
                        case 2:
                            session.execute("SELECT 1 / 0")
                        case 3:
                            session.execute("BEGIN")
                        case 4:
                            pool.close()
                finally:
                    with guard:
                        busy.remove(session)

    with ThreadPoolExecutor(2 * AT_ONCE) as threads:
        list(threads.map(use, range(2 * AT_ONCE)))
    assert max(most) <= AT_ONCE
    assert len(set(at_once(pool, AT_ONCE))) == AT_ONCE
    pool.close()


# -- prepared statements -----------------------------------------------------------------------


def prepared(session: Session) -> str:
    """A statement that the session has prepared."""
    session.execute("CREATE TABLE public.things (id int)")
    for _ in range(7):
        session.execute("SELECT id FROM public.things WHERE id > %s", (0,))
    rows = session.execute("SELECT FROM pg_prepared_statements WHERE statement LIKE '%things%'")
    assert rows.rowcount == 1
    return "SELECT id FROM public.things WHERE id > %s"


def test_a_prepared_statement_outlives_a_migration_that_adds_a_column(
    pool: Pool, other: psycopg.Connection
) -> None:
    with pool.session() as session:
        query = prepared(session)
    other.execute("ALTER TABLE public.things ADD COLUMN name text")
    with pool.session() as again:
        again.execute(query, (0,))
    assert again is session


def test_a_prepared_statement_fails_once_after_a_migration_that_changes_what_it_gives(
    pool: Pool, other: psycopg.Connection
) -> None:
    with pool.session() as session:
        query = prepared(session)
    other.execute("ALTER TABLE public.things ALTER id TYPE bigint")
    with pytest.raises(errors.FeatureNotSupported), pool.session() as again:
        again.execute(query, (0,))
    assert again is session
    with pool.session() as next_one:
        next_one.execute(query, (0,))
