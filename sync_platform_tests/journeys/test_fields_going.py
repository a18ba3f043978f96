"""HubSpot properties that somebody deletes while a sync reads: their values stay in Postgres."""

from collections.abc import Callable
from functools import partial

import psycopg
import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts, SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import VendorUnavailable
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot

pytestmark = pytest.mark.usefixtures("acme")
CONTACTS = 1_500  # several pages more than are read ahead
BOTH = pytest.mark.parametrize("mode", [SyncMode.FULL, SyncMode.INCREMENTAL])


def sync(
    platform: Platform, mode: SyncMode, meanwhile: Callable[[], object] = lambda: None
) -> SyncResult:
    """A sync that commits page by page; `meanwhile` happens when an attempt has its first page."""
    it = platform.sync(SyncRequest(target=Target("acme-hubspot", "contacts"), mode=mode))
    it.commit_bytes = 1

    def told(sentence: str, counts: Counts) -> None:
        if sentence.startswith("Page 1:"):
            meanwhile()

    it.on_progress = told
    return it.run(into=platform.destination)


def filled(platform: Platform, column: str) -> int:
    with psycopg.connect(platform.database_url) as postgres:
        counted = postgres.execute(f"SELECT count({column}) FROM acme_hubspot.contacts".encode())
        return int(counted.fetchall()[0][0])


@pytest.fixture
def going(hubspot: HubSpot, platform: Platform) -> list[str]:
    """All contacts have a hat and a cap, were synced, and edited since. These properties are to
    be deleted, one after the other."""
    for name in ("hat", "cap"):
        hubspot.add_property("contacts", name)
    ids = [hubspot.add("contacts", hat="top", cap="flat") for _ in range(CONTACTS)]
    sync(platform, SyncMode.FULL)
    for id in ids:
        hubspot.edit("contacts", id, email=f"{id}@example.com")
    return []


def delete_next(hubspot: HubSpot, going: list[str]) -> None:
    if going:
        hubspot.remove_property("contacts", going.pop(0))


@BOTH
def test_a_property_that_is_deleted_while_a_sync_reads_keeps_its_values(
    platform: Platform, hubspot: HubSpot, acme: Connection, going: list[str], mode: SyncMode
) -> None:
    going.append("hat")
    deleting = partial(delete_next, hubspot, going)
    assert sync(platform, mode, deleting).counts.deleted == 0
    assert filled(platform, "hat") == filled(platform, "email") == CONTACTS
    change, *_ = platform.schema_changes(acme.name, "contacts")
    assert (change.field, change.kind) == ("hat", "vanished")
    sync(platform, SyncMode.FULL)
    assert filled(platform, "hat") == CONTACTS


@BOTH
def test_where_one_after_the_other_is_deleted_the_sync_ends_and_all_keep_their_values(
    platform: Platform, hubspot: HubSpot, going: list[str], mode: SyncMode
) -> None:
    going += ["hat", "cap"]
    deleting = partial(delete_next, hubspot, going)
    with pytest.raises(VendorUnavailable, match="fields of contacts keep changing"):
        sync(platform, mode, deleting)
    assert (filled(platform, "hat"), filled(platform, "cap")) == (CONTACTS, CONTACTS)
    sync(platform, SyncMode.INCREMENTAL)
    assert (filled(platform, "hat"), filled(platform, "cap")) == (CONTACTS, CONTACTS)
    assert filled(platform, "email") == CONTACTS
