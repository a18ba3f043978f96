from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.results import Target
from sync_platform.errors import UnknownConnection
from sync_platform.store.connections import Connections
from sync_platform.store.cursors import Cursors
from sync_platform.store.database import Database

CONTACTS = Target("acme-hubspot", "contacts")
NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def test_an_object_that_was_never_read_has_no_cursor(store: Database, acme: Connection) -> None:
    assert Cursors(store).get(CONTACTS) is None


def test_a_cursor_comes_back_to_the_microsecond_in_utc(store: Database, acme: Connection) -> None:
    cursors = Cursors(store)
    cursors.save(CONTACTS, NOON.astimezone(timezone(timedelta(hours=2))))
    kept = cursors.get(CONTACTS)
    assert kept == NOON
    assert kept is not None
    assert kept.utcoffset() == timedelta(0)


def test_a_cursor_never_goes_back(store: Database, acme: Connection) -> None:
    cursors = Cursors(store)
    cursors.save(CONTACTS, NOON)
    cursors.save(CONTACTS, NOON - timedelta(days=300))
    assert cursors.get(CONTACTS) == NOON
    cursors.save(CONTACTS, NOON + timedelta(microseconds=1))
    assert cursors.get(CONTACTS) == NOON + timedelta(microseconds=1)


def test_another_accounts_cursors_start_anew_whatever_is_chosen(
    store: Database, acme: Connection
) -> None:
    connections, cursors = Connections(store), Cursors(store)
    cursors.save(CONTACTS, NOON)
    cursors.save(Target("acme-hubspot", "unchosen"), NOON)
    for known in ("4711", "4711"):  # whose account it is was not known before
        connections.set_account("acme-hubspot", known)
        assert cursors.of("acme-hubspot") == {"contacts": NOON, "unchosen": NOON}
    connections.set_account("acme-hubspot", "4712")
    assert cursors.of("acme-hubspot") == {}
    cursors.save(CONTACTS, NOON - timedelta(days=1))
    assert cursors.get(CONTACTS) == NOON - timedelta(days=1)


def test_a_cursor_is_kept_while_what_was_read_is_what_is_asked_for(
    store: Database, acme: Connection
) -> None:
    connections, cursors = Connections(store), Cursors(store)
    customers = {"stage": "customer"}
    assert not cursors.save_if_asked(CONTACTS, NOON, account=None, filters=customers)
    assert not cursors.save_if_asked(CONTACTS, NOON, account="4711", filters={})
    assert cursors.get(CONTACTS) is None
    assert cursors.save_if_asked(CONTACTS, NOON, account=None, filters={})
    assert cursors.get(CONTACTS) == NOON
    earlier = NOON - timedelta(days=1)
    assert cursors.save_if_asked(CONTACTS, earlier, account=None, filters={})
    assert cursors.get(CONTACTS) == NOON
    connections.set_account("acme-hubspot", "4711")
    connections.choose_objects("acme-hubspot", [ObjectChoice(object="contacts", filters=customers)])
    assert not cursors.save_if_asked(CONTACTS, NOON, account="4711", filters={})
    assert cursors.save_if_asked(CONTACTS, NOON, account="4711", filters=customers)


def test_what_is_not_chosen_is_asked_for_without_filters(store: Database, acme: Connection) -> None:
    cursors, tickets = Cursors(store), Target("acme-hubspot", "tickets")
    assert not cursors.save_if_asked(tickets, NOON, account=None, filters={"stage": "open"})
    assert cursors.save_if_asked(tickets, NOON, account=None, filters={})
    assert cursors.get(tickets) == NOON


def test_a_cursor_waits_for_a_choice_that_is_being_made_and_does_not_come_back_after_it(
    store: Database, acme: Connection, database: str, other: psycopg.Connection
) -> None:
    waiting = (
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND query LIKE '%sync_platform.c%' AND datname = current_database()"
    )
    cursors = Cursors(store)
    with psycopg.connect(database) as chooser, ThreadPoolExecutor(1) as sync:
        chooser.execute("SELECT 1 FROM sync_platform.connections FOR UPDATE")
        chooser.execute("""UPDATE sync_platform.connection_objects SET filters = '{"a": "b"}'""")
        saved = sync.submit(cursors.save_if_asked, CONTACTS, NOON, account=None, filters={})
        while not saved.done() and not other.execute(waiting).fetchone():
            pass
        chooser.commit()
        assert saved.result() is False
    assert cursors.get(CONTACTS) is None


def test_a_cursor_without_a_time_zone_is_refused(store: Database, acme: Connection) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Cursors(store).save(CONTACTS, NOON.replace(tzinfo=None))


def test_a_removed_connection_gets_no_cursor(store: Database) -> None:
    with pytest.raises(UnknownConnection):
        Cursors(store).save(CONTACTS, NOON)
    with pytest.raises(UnknownConnection):
        Cursors(store).save_if_asked(CONTACTS, NOON, account=None, filters={})
