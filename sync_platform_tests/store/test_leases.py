from contextlib import ExitStack
from datetime import timedelta
from threading import Timer
from time import monotonic

import psycopg
import pytest

from sync_platform.engine.results import Target
from sync_platform.errors import AlreadySyncing, StoreUnavailable
from sync_platform.store.leases import Leases
from sync_platform_tests.store.processes import process

CONTACTS = Target("acme-hubspot", "contacts")
DEALS = Target("acme-hubspot", "deals")
TICKETS = Target("acme-hubspot", "tickets")
AT_ONCE = timedelta(0)

HOLD = """
import sys
from datetime import timedelta
from sync_platform.engine.results import Target
from sync_platform.store.leases import Leases
url, connection, object = sys.argv[1:]
with Leases(url).hold(Target(connection, object), wait=timedelta(0)):
    print("held", flush=True)
    input()
print("released", flush=True)
"""


def taken(leases: Leases, target: Target) -> bool:
    """Whether it can be held at once."""
    try:
        with leases.hold(target, wait=AT_ONCE):
            return True
    except AlreadySyncing:
        return False


def test_an_object_syncs_once_across_processes(database: str) -> None:
    leases = Leases(database)
    with process(HOLD, database, "acme-hubspot", "contacts") as other:
        assert other.hear() == "held"
        with (
            pytest.raises(AlreadySyncing, match="acme-hubspot/contacts is being synced already"),
            leases.hold(CONTACTS, wait=AT_ONCE),
        ):
            raise AssertionError("it was held twice")
        assert leases.busy(CONTACTS)
        assert not leases.busy(DEALS)
        other.go_on()
        assert other.hear() == "released"
    assert not leases.busy(CONTACTS)
    assert taken(leases, CONTACTS)


def test_a_connection_syncs_two_objects_at_a_time(database: str) -> None:
    leases = Leases(database)
    with (
        process(HOLD, database, "acme-hubspot", "contacts") as one,
        process(HOLD, database, "acme-hubspot", "deals") as two,
    ):
        assert (one.hear(), two.hear()) == ("held", "held")
        with (
            pytest.raises(AlreadySyncing, match="acme-hubspot runs 2 syncs already"),
            leases.hold(TICKETS, wait=AT_ONCE),
        ):
            raise AssertionError("a third was let in")
        assert not leases.busy(TICKETS)
        assert "runs 2 syncs already" in (leases.why_not(TICKETS) or "")
        assert "contacts is being synced already" in (leases.why_not(CONTACTS) or "")
        assert leases.why_not(Target("other-hubspot", "tickets")) is None
        assert taken(leases, Target("other-hubspot", "tickets"))
        two.go_on()
        assert two.hear() == "released"
        assert leases.why_not(TICKETS) is None
        assert taken(leases, TICKETS)


def test_a_killed_process_s_lease_is_free_at_once(database: str) -> None:
    with process(HOLD, database, "acme-hubspot", "contacts") as other:
        assert other.hear() == "held"
        other.kill()
        began = monotonic()
        with Leases(database).hold(CONTACTS, wait=timedelta(seconds=10)):
            assert monotonic() - began < 5


def test_one_that_waits_gets_its_turn(database: str) -> None:
    leases = Leases(database)
    with ExitStack() as held:
        held.enter_context(leases.hold(CONTACTS, wait=AT_ONCE))
        held.enter_context(leases.hold(DEALS, wait=AT_ONCE))
        soon = Timer(0.3, held.close)
        soon.start()
        with leases.hold(TICKETS, wait=timedelta(seconds=10)):
            assert leases.busy(TICKETS)
        soon.join()


def test_waiting_has_an_end(database: str) -> None:
    leases = Leases(database)
    with (
        leases.hold(CONTACTS, wait=AT_ONCE),
        pytest.raises(AlreadySyncing, match=r"waited 0\.25 s"),
        leases.hold(CONTACTS, wait=timedelta(seconds=0.25)),
    ):
        raise AssertionError("it was held twice")


def test_a_failed_sync_frees_its_lease(database: str) -> None:
    leases = Leases(database)

    def fail() -> None:
        with leases.hold(CONTACTS, wait=AT_ONCE):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert taken(leases, CONTACTS)


def test_a_lease_that_was_let_go_is_free_at_once(database: str) -> None:
    leases = Leases(database)
    assert all(taken(leases, CONTACTS) for _ in range(100))


def test_a_lost_session_does_not_hide_how_the_sync_ended(database: str) -> None:
    leases = Leases(database)
    with leases.hold(CONTACTS, wait=AT_ONCE):
        with psycopg.connect(database, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert not leases.busy(CONTACTS)
    assert taken(leases, CONTACTS)


def test_no_server_makes_the_store_unavailable() -> None:
    leases = Leases("postgresql://ann:hushhush@127.0.0.1:1/main")
    with pytest.raises(StoreUnavailable) as failed, leases.hold(CONTACTS, wait=AT_ONCE):
        raise AssertionError("it was held nowhere")
    assert "hushhush" not in str(failed.value)
    with pytest.raises(StoreUnavailable):
        leases.busy(CONTACTS)


def test_the_session_outlives_a_limit_on_idle_sessions_and_is_kept_alive(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as owner:
        name = owner.info.dbname
        owner.execute(f"ALTER DATABASE {name} SET idle_session_timeout = '1h'")
    session = Leases(database)._connect()
    timeout = session.execute("SHOW idle_session_timeout").fetchone()
    session.close()
    assert timeout == ("0",)
