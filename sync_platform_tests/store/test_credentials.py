from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Secret
from sync_platform.errors import ConfigurationError, NeedsReauth, SignedInAnew, UnknownConnection
from sync_platform.store.connections import Connections
from sync_platform.store.credentials import Credentials
from sync_platform.store.database import Database
from sync_platform.store.lock import Renewed
from sync_platform_tests.store.pools import end_other_sessions, wait_for_a_locked_session

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
SIGN_IN = Secret({"access_token": "hush-1", "refresh_token": "hush-r", "expires_at": 1.5})


def test_a_secret_comes_back_and_is_not_readable_in_the_table(
    store: Database, acme: Connection
) -> None:
    credentials = Credentials(store, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)
    assert credentials.read("acme-hubspot") == SIGN_IN
    with store.statement() as session:
        (kept,) = session.execute("SELECT secret FROM sync_platform.credentials")
    assert b"hush" not in kept["secret"]
    assert "hush" not in repr((credentials, credentials.read("acme-hubspot")))


def test_a_secret_is_replaced_by_the_next(store: Database, acme: Connection) -> None:
    credentials = Credentials(store, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)
    credentials.save("acme-hubspot", Secret({"token": "ümläut"}))
    assert credentials.read("acme-hubspot") == {"token": "ümläut"}


def test_without_a_secret_a_person_must_sign_in(store: Database, acme: Connection) -> None:
    with pytest.raises(NeedsReauth, match="acme-hubspot has no sign-in saved"):
        Credentials(store, [NEW]).read("acme-hubspot")


def test_a_secret_needs_a_connection(store: Database) -> None:
    with pytest.raises(UnknownConnection):
        Credentials(store, [NEW]).save("acme-hubspot", SIGN_IN)


def test_a_secret_that_no_key_opens_names_the_setting(store: Database, acme: Connection) -> None:
    Credentials(store, [OLD]).save("acme-hubspot", SIGN_IN)
    with pytest.raises(ConfigurationError, match="SYNC_PLATFORM_KEYS"):
        Credentials(store, [NEW]).read("acme-hubspot")


def test_old_keys_open_until_all_is_encrypted_with_the_new(
    store: Database, acme: Connection
) -> None:
    Credentials(store, [OLD]).save("acme-hubspot", SIGN_IN)
    both = Credentials(store, [NEW, OLD])
    assert both.read("acme-hubspot") == SIGN_IN
    assert both.locked.old() == ["acme-hubspot"]
    assert both.locked.renew() == Renewed(count=1)
    assert both.locked.old() == []
    assert Credentials(store, [NEW]).read("acme-hubspot") == SIGN_IN


def test_a_refresh_that_is_refused_changes_nothing(store: Database, acme: Connection) -> None:
    credentials = Credentials(store, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)

    def refuse(current: Secret) -> Secret:
        raise NeedsReauth

    with pytest.raises(NeedsReauth):
        credentials.rotate("acme-hubspot", refuse)
    assert credentials.read("acme-hubspot") == SIGN_IN


def test_two_that_find_the_sign_in_expired_renew_it_once(store: Database, acme: Connection) -> None:
    """The second waits for the lock, is given what the first got, and leaves it so."""
    credentials = Credentials(store, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)
    refreshing, go_on = Event(), Event()
    refreshed = []

    def refresh(current: Secret) -> Secret:
        if current["access_token"] != "hush-1":
            return current
        refreshed.append(current)
        refreshing.set()
        assert go_on.wait(10)
        return Secret({**current, "access_token": "hush-2"})

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(credentials.rotate, "acme-hubspot", refresh)
        assert refreshing.wait(10)
        second = threads.submit(credentials.rotate, "acme-hubspot", refresh)
        try:
            wait_for_a_locked_session(store)
        finally:
            go_on.set()
        assert first.result()["access_token"] == second.result()["access_token"] == "hush-2"
    assert len(refreshed) == 1
    assert credentials.read("acme-hubspot")["access_token"] == "hush-2"


def test_a_fresh_secret_outlives_the_loss_of_the_connection_it_came_over(
    store: Database, acme: Connection, database: str
) -> None:
    """A vendor that rotates refresh tokens has thrown the old one away by now."""
    credentials = Credentials(store, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)

    def refresh(current: Secret) -> Secret:
        end_other_sessions(database)
        return Secret({**current, "refresh_token": "hush-new"})

    assert credentials.rotate("acme-hubspot", refresh)["refresh_token"] == "hush-new"
    assert credentials.read("acme-hubspot")["refresh_token"] == "hush-new"


def test_a_refused_refresh_gives_what_someone_else_put_there_meanwhile(
    store: Database, acme: Connection, database: str
) -> None:
    """The lock was lost with its session, another process took it and won: its secret counts."""
    credentials = Credentials(store, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)

    def refresh(current: Secret) -> Secret:
        end_other_sessions(database)
        credentials.save("acme-hubspot", Secret({"access_token": "of-another"}))
        raise NeedsReauth

    assert credentials.rotate("acme-hubspot", refresh)["access_token"] == "of-another"


def test_a_fresh_secret_does_not_replace_that_of_someone_who_was_quicker(
    store: Database, acme: Connection, database: str
) -> None:
    credentials = Credentials(store, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)

    def refresh(current: Secret) -> Secret:
        end_other_sessions(database)
        credentials.save("acme-hubspot", Secret({"access_token": "of-another"}))
        return Secret({"access_token": "too-late"})

    assert credentials.rotate("acme-hubspot", refresh)["access_token"] == "of-another"
    assert credentials.read("acme-hubspot")["access_token"] == "of-another"


def test_a_secret_that_comes_late_is_none_of_another_connection_of_the_name(
    store: Database, acme: Connection, database: str
) -> None:
    credentials, connections = Credentials(store, [NEW]), Connections(store)
    credentials.save("acme-hubspot", SIGN_IN)

    def refresh(current: Secret) -> Secret:
        end_other_sessions(database)
        connections.remove("acme-hubspot")
        connections.register(replace(acme, account_id="another", created_at=None))
        credentials.save("acme-hubspot", Secret({"access_token": "of-another"}))
        return Secret({"access_token": "too-late"})

    with pytest.raises(SignedInAnew):
        credentials.rotate(acme, refresh)
    assert credentials.read("acme-hubspot")["access_token"] == "of-another"


@pytest.mark.parametrize(
    "known",
    [
        {"account_id": "7"},
        {"base_url": "https://elsewhere.example"},
        {"settings": {"region": "eu"}},
        {"connector": "stripe"},
        {"created_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_secret_is_given_for_what_it_was_kept_for_alone(
    store: Database, acme: Connection, known: dict[str, Any]
) -> None:
    credentials = Credentials(store, [NEW])
    Connections(store).set_account("acme-hubspot", "8")
    credentials.save("acme-hubspot", SIGN_IN)
    assert credentials.read(acme) == SIGN_IN  # whose account was not known yet
    with pytest.raises(SignedInAnew, match="the next sync goes by the new sign-in"):
        credentials.read(replace(acme, **known))
    with pytest.raises(SignedInAnew):
        credentials.rotate(replace(acme, **known), lambda current: Secret({"access_token": "x"}))
    assert credentials.read("acme-hubspot") == SIGN_IN


def test_a_vendor_that_takes_its_time_does_not_lose_the_lock(
    store: Database, acme: Connection, database: str
) -> None:
    """Servers end sessions that are idle in a transaction; this one may be, for as long as told."""
    impatient = "-c idle_in_transaction_session_timeout=200 -c statement_timeout=5000"
    hasty = Database(psycopg.conninfo.make_conninfo(database, options=impatient))
    credentials = Credentials(hasty, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)
    shown: list[object] = []

    def refresh(current: Secret) -> Secret:
        with psycopg.connect(database) as other:  # slower than this server's patience
            shown.append(other.execute("SELECT pg_sleep(0.4)").fetchone())
        return Secret({**current, "access_token": "hush-2"})

    assert credentials.rotate("acme-hubspot", refresh)["access_token"] == "hush-2"
    with store.statement() as session:
        (kept,) = session.execute("SELECT version FROM sync_platform.credentials")
        assert kept["version"] == 2
    hasty.close()


def test_renewals_that_wait_take_no_connection_from_others(
    store: Database, acme: Connection
) -> None:
    credentials = Credentials(store, [NEW])
    credentials.save("acme-hubspot", SIGN_IN)
    held, go_on = Event(), Event()

    def refresh(current: Secret) -> Secret:
        held.set()
        assert go_on.wait(20)
        return current

    with ThreadPoolExecutor(16) as threads:
        waiting = [threads.submit(credentials.rotate, "acme-hubspot", refresh) for _ in range(16)]
        assert held.wait(20)
        try:
            wait_for_a_locked_session(store, 15)
            assert credentials.read("acme-hubspot") == SIGN_IN
        finally:
            go_on.set()
        assert {each.result()["access_token"] for each in waiting} == {"hush-1"}
