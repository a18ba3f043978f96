"""Disconnecting: whatever happens meanwhile, the tables are people's own in the end."""

from collections.abc import Callable
from contextlib import closing, suppress

import psycopg
import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.connections import Connection
from sync_platform.engine.fields import Found
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret, VendorApi
from sync_platform.engine.results import Target
from sync_platform.engine.sync import Sync, SyncRequest
from sync_platform.errors import UnknownConnection
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.spec import get
from sync_platform_tests.journeys.removing import Removing

ACME = "acme-hubspot"
LOCKED = "SELECT table_name FROM sync_platform.locked_tables ORDER BY 1"


class Killed(BaseException):
    """As if the process were gone from here on."""


def kill() -> None:
    raise Killed


class Unlocking(PostgresDestination):
    """Something happens before it unlocks for that time."""

    def __init__(self, url: str, time: int, happens: Callable[[], object]) -> None:
        super().__init__(url)
        self._left, self._happens = time, happens

    def unlock(self, schema: str) -> None:
        self._left -= 1
        if not self._left:
            self._happens()
        super().unlock(schema)


def planned(platform: Platform, object: str = "contacts") -> Sync:
    return platform.sync(SyncRequest(target=Target(ACME, object)))


def sync(platform: Platform, object: str = "contacts") -> None:
    planned(platform, object).run(into=PostgresDestination(platform.database_url))


def meanwhile(it: Sync, happens: Callable[[], object]) -> Sync:
    """The sync, with something that happens once it has called the vendor and before it opens its
    table."""
    find = it.find_fields

    def finding(api: VendorApi, anew: bool) -> Found:
        api.send(get("/account-info/v3/details"))
        found = find(api, anew)
        happens()
        return found

    it.find_fields = finding
    return it


@pytest.fixture(autouse=True)
def synced(platform: Platform, acme: Connection, hubspot: HubSpot) -> None:
    """Its contacts have a table, which is locked."""
    hubspot.add("contacts", email="ada@example.com")
    sync(platform)
    assert "contacts" in locked(platform)


def locked(platform: Platform) -> list[str]:
    with psycopg.connect(platform.database_url) as postgres:
        return [name for (name,) in postgres.execute(LOCKED).fetchall()]


def test_a_sync_that_opens_its_table_while_it_is_disconnected_leaves_no_lock(
    platform: Platform,
) -> None:
    platform.store = Removing(platform, lambda: sync(platform))
    assert platform.disconnect(ACME)
    assert locked(platform) == []


@pytest.mark.parametrize("object", ["contacts", "owners"])
def test_a_sync_that_opens_its_table_once_it_is_disconnected_leaves_no_lock(
    platform: Platform, object: str
) -> None:
    seen: list[list[str]] = []
    it = meanwhile(planned(platform, object), lambda: platform.disconnect(ACME))
    it.on_progress = lambda sentence, counts: seen.append(locked(platform))
    with suppress(UnknownConnection):  # it may find out
        it.run(into=platform.destination)
    assert object in seen[-1]
    assert locked(platform) == []


def test_a_sync_that_fails_once_it_is_disconnected_leaves_no_lock_and_says_so(
    platform: Platform, hubspot: HubSpot
) -> None:
    def happens() -> None:
        platform.disconnect(ACME)
        hubspot.fail(path="/crm/v3/objects/contacts*", status=401, times=9)

    with pytest.raises(UnknownConnection, match="acme-hubspot has been removed meanwhile"):
        meanwhile(planned(platform), happens).run(into=platform.destination)
    assert locked(platform) == []


def test_the_locks_of_a_new_connection_in_the_schema_stay(
    platform: Platform, hubspot: HubSpot
) -> None:
    """Whoever is in the schema now answers for it."""
    secret = platform.credentials.read(ACME)

    def happens() -> None:
        platform.disconnect(ACME)
        platform.connect("hubspot", ACME, secret, base_url=hubspot.url)
        sync(platform, "owners")

    meanwhile(planned(platform), happens).run(into=platform.destination)
    assert "owners" in locked(platform)


@pytest.mark.parametrize("step", ["before", "unlocked", "removed"])
def test_disconnecting_that_is_killed_is_finished_by_the_next(
    platform: Platform, step: str
) -> None:
    with closing(Platform(platform.settings, platform.clock)) as dying:
        if step == "unlocked":
            dying.store = Removing(dying, kill)
        else:  # and a sync comes in between
            dying.store = Removing(dying, lambda: sync(platform))
            dying.destination = Unlocking(dying.database_url, 1 if step == "before" else 2, kill)
        with pytest.raises(Killed):
            dying.disconnect(ACME)
    assert ("contacts" in locked(platform)) is (step != "unlocked")
    assert platform.disconnect(ACME) is (step != "removed")
    assert platform.connections() == []
    assert locked(platform) == []
    with pytest.raises(UnknownConnection):
        platform.disconnect(ACME)


def test_what_other_connections_have_locked_is_not_unlocked_by_a_name_that_is_gone(
    platform: Platform, hubspot: HubSpot
) -> None:
    platform.store.remove(ACME)
    secret = Secret({"token": "sandbox-token"})
    other = platform.connect("hubspot", "other", secret, base_url=hubspot.url)
    request = SyncRequest(target=Target(other.name, "owners"), mode=SyncMode.FULL)
    platform.sync(request).run(into=platform.destination)
    assert not platform.disconnect(ACME)
    assert "owners" in locked(platform)
    assert "contacts" not in locked(platform)
