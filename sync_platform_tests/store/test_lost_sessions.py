"""Sessions of the pool that the server ended, or that something on the way there has lost."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import psycopg
import pytest

from sync_platform.store.pool import AT_ONCE, Pool
from sync_platform_tests.store.pools import Forgetful, at_once, end, used


@pytest.fixture
def forgetful(database: str) -> Iterator[Forgetful]:
    with closing(Forgetful(database)) as it:
        yield it


def test_sessions_that_the_server_ended_while_they_idled_are_replaced(
    pool: Pool, other: psycopg.Connection
) -> None:
    """They idled shortly: nobody asks, their end has come to the socket."""
    sessions = at_once(pool, 3)
    for each in sessions:
        end(other, each)
    assert used(pool) not in sessions
    assert all(each.closed for each in sessions)


def test_a_session_that_was_forgotten_on_the_way_while_it_idled_long_is_replaced(
    forgetful: Forgetful, pools: Callable[..., Pool]
) -> None:
    pool = pools(forgetful.conninfo, asked_after=0)
    sessions = at_once(pool, 2)
    forgetful.forget()
    assert used(pool) not in sessions
    assert all(each.closed for each in sessions)


def test_a_session_that_was_forgotten_just_now_fails_once(
    forgetful: Forgetful, pools: Callable[..., Pool]
) -> None:
    pool = pools(forgetful.conninfo)
    session = used(pool)
    forgetful.forget()
    with pytest.raises(psycopg.OperationalError):
        used(pool)
    assert session.closed
    used(pool)


def test_a_session_whose_end_was_overheard_is_not_kept(
    pool: Pool, other: psycopg.Connection
) -> None:
    with pool.session() as session:
        end(other, session)
        with suppress(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert used(pool) is not session


def test_a_server_that_is_not_there_takes_no_places(pools: Callable[..., Pool]) -> None:
    pool = pools("host=127.0.0.1 port=1", patience=0)
    for _ in range(AT_ONCE + 1):
        with pytest.raises(psycopg.OperationalError):
            used(pool)
