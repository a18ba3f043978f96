"""Exactly one daemon for a database: by a lock that its process holds for as long as it lives."""

import psycopg
import pytest

from sync_platform.errors import StoreUnavailable
from sync_platform.store.standing import Standing, held
from sync_platform_tests.environment import as_url
from sync_platform_tests.store.processes import process

CANDIDATE = """
import sys
from sync_platform.store.standing import Standing
from sync_platform.up.standby import DAEMON, end_when_lost, stand_by

lock = Standing(sys.argv[1], DAEMON)
stand_by(lock)
end_when_lost(lock)
"""


def test_one_is_the_daemon_and_another_stands_by_until_the_first_is_killed(database: str) -> None:
    with process(CANDIDATE, database) as first:
        assert first.hear() == "This process is the daemon now."
        with process(CANDIDATE, database) as second:
            assert second.hear().startswith("Another process runs the daemon; this one stands by")
            first.kill()
            assert second.hear() == "This process is the daemon now."


def test_a_daemon_that_loses_its_lock_ends(database: str) -> None:
    with process(CANDIDATE, database) as daemon:
        assert daemon.hear() == "This process is the daemon now."
        end_sessions(database)
        assert daemon.hear().startswith("The daemon's lock is lost, so this daemon ends.")
        assert daemon.popen.wait(timeout=20) == 75


def test_a_lock_is_seen_by_all_and_taken_once(database: str) -> None:
    first, second = Standing(database, "up 1"), Standing(as_url(database), "up 1")
    assert held(database, ["up 1", "up 2"]) == set()
    assert first.take()
    assert held(database, ["up 1", "up 2"]) == {"up 1"}
    assert not second.take()
    first.close()
    assert second.take()
    second.close()


def test_a_lock_whose_session_ended_says_so_and_can_be_taken_again(database: str) -> None:
    lock = Standing(database, "up 1")
    assert lock.take()
    lock.check()
    end_sessions(database)
    with pytest.raises(StoreUnavailable):
        lock.check()
    assert lock.take()
    lock.close()


def end_sessions(database: str) -> None:
    """As a restart of the server does."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
