from datetime import UTC, datetime, timedelta, timezone

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.results import Target
from sync_platform.errors import UnknownConnection
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


def test_a_forgotten_cursor_starts_anew(store: Database, acme: Connection) -> None:
    cursors = Cursors(store)
    cursors.save(CONTACTS, NOON)
    cursors.save(Target("acme-hubspot", "deals"), NOON)
    cursors.forget(CONTACTS)
    assert cursors.get(CONTACTS) is None
    assert cursors.get(Target("acme-hubspot", "deals")) == NOON
    cursors.save(CONTACTS, NOON - timedelta(days=1))
    assert cursors.get(CONTACTS) == NOON - timedelta(days=1)


def test_a_cursor_without_a_time_zone_is_refused(store: Database, acme: Connection) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Cursors(store).save(CONTACTS, NOON.replace(tzinfo=None))


def test_a_removed_connection_gets_no_cursor(store: Database) -> None:
    with pytest.raises(UnknownConnection):
        Cursors(store).save(CONTACTS, NOON)
