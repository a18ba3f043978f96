"""HubSpot into Postgres, through the platform's verbs: real HTTP, real Postgres."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from sync_platform.demo.compare import differences
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import (
    NeedsReauth,
    Refused,
    SyncPlatformError,
    TooManyDeletes,
    VendorUnavailable,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.sandbox.faults import Kind

CONTACTS = Target("acme-hubspot", "contacts")
pytestmark = pytest.mark.usefixtures("acme")


def sync(
    platform: Platform,
    mode: SyncMode = SyncMode.INCREMENTAL,
    object: str = "contacts",
    **asked: Any,
) -> SyncResult:
    request = SyncRequest(target=Target("acme-hubspot", object), mode=mode, **asked)
    return platform.sync(request).run(into=platform.destination)


def rows(platform: Platform, object: str = "contacts") -> list[dict[str, Any]]:
    with psycopg.connect(platform.database_url, row_factory=dict_row) as postgres:
        return postgres.execute(f"SELECT * FROM acme_hubspot.{object} ORDER BY 1").fetchall()


def equal(platform: Platform, hubspot: HubSpot, object: str = "contacts") -> bool:
    return not list(differences(platform, hubspot.url, Target("acme-hubspot", object)))


def test_the_first_sync_reads_everything_into_typed_columns(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com", firstname="Ada", annualrevenue="1200.50")
    result = sync(platform)
    assert (result.counts.fetched, result.counts.created) == (1, 1)
    (row,) = rows(platform)
    assert row["email"] == "ada@example.com"
    assert str(row["annualrevenue"]) == "1200.50"
    assert row["createdate"].tzinfo is not None


def test_an_incremental_sync_brings_what_changed_and_nothing_else(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 300)
    sync(platform)
    edited = next(iter(hubspot.records("contacts")))
    hubspot.edit("contacts", edited, firstname="Grace")
    hubspot.add("contacts", email="new@example.com")
    result = sync(platform)
    assert (result.counts.created, result.counts.updated, result.counts.deleted) == (1, 1, 0)
    assert equal(platform, hubspot)


def test_a_record_archived_at_the_vendor_is_marked_by_the_next_incremental_sync(
    platform: Platform, hubspot: HubSpot
) -> None:
    gone = hubspot.add("contacts", email="gone@example.com")
    hubspot.add("contacts", email="stays@example.com")
    sync(platform)
    hubspot.archive("contacts", gone)
    assert sync(platform).counts.deleted == 1
    marked = [row for row in rows(platform) if row["_deleted_at"]]
    assert [(row["email"], row["_deleted_by"]) for row in marked] == [
        ("gone@example.com", "vendor")
    ]


def test_a_restored_record_is_undeleted(platform: Platform, hubspot: HubSpot) -> None:
    back = hubspot.add("contacts", email="back@example.com")
    sync(platform)
    hubspot.archive("contacts", back)
    sync(platform)
    hubspot.restore("contacts", back)
    sync(platform)
    assert [row["_deleted_at"] for row in rows(platform)] == [None]


def test_a_full_sync_marks_what_it_did_not_see(platform: Platform, hubspot: HubSpot) -> None:
    purged = hubspot.add("contacts", email="purged@example.com")
    hubspot.add_many("contacts", 10)
    sync(platform)
    age(platform, timedelta(hours=2))
    hubspot.purge("contacts", purged)  # leaves no trace in the list of archived records
    assert sync(platform).counts.deleted == 0
    assert sync(platform, SyncMode.FULL).counts.deleted == 1
    (marked,) = [row for row in rows(platform) if row["_deleted_at"]]
    assert (marked["email"], marked["_deleted_by"]) == ("purged@example.com", "reconcile")
    assert equal(platform, hubspot)


def test_a_full_sync_that_would_empty_the_table_marks_nothing_until_a_person_accepts_it(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 20)
    sync(platform)
    age(platform, timedelta(hours=2))
    for id in list(hubspot.records("contacts")):
        hubspot.purge("contacts", id)
    with pytest.raises(TooManyDeletes, match="20"):
        sync(platform, SyncMode.FULL)
    assert not any(row["_deleted_at"] for row in rows(platform))
    assert platform.connection("acme-hubspot").status is ConnectionStatus.NEEDS_ATTENTION
    assert sync(platform, SyncMode.FULL, accept_deletes=True).counts.deleted == 20
    assert platform.connection("acme-hubspot").status is ConnectionStatus.ACTIVE


def test_unchanged_rows_are_not_written_again(platform: Platform, hubspot: HubSpot) -> None:
    hubspot.add_many("contacts", 50)
    sync(platform)
    before = {row["hs_object_id"]: row["_synced_at"] for row in rows(platform)}
    result = sync(platform, SyncMode.FULL)
    assert (result.counts.unchanged, result.counts.updated) == (50, 0)
    assert {row["hs_object_id"]: row["_synced_at"] for row in rows(platform)} == before


def test_a_from_date_sync_reads_exactly_its_window_and_moves_no_cursor_back(
    platform: Platform, hubspot: HubSpot
) -> None:
    days = [datetime(2024, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
    for day in days:
        stamp = day.isoformat().replace("+00:00", "Z")
        hubspot.add("contacts", email=f"{day:%d}@example.com", lastmodifieddate=stamp)
    window = SyncWindow(days[1], days[2])
    assert sync(platform, SyncMode.FROM_DATE, window=window).counts.fetched == 1
    assert [row["email"] for row in rows(platform)] == ["02@example.com"]
    sync(platform)
    cursor = platform.cursors.get(CONTACTS)
    sync(platform, SyncMode.FROM_DATE, window=window)
    assert platform.cursors.get(CONTACTS) == cursor


def test_more_than_ten_thousand_records_are_all_read(platform: Platform, hubspot: HubSpot) -> None:
    hubspot.add_many("contacts", 10_001)
    assert sync(platform).counts.created == 10_001


def test_owners_have_no_cursor_so_every_sync_of_them_is_a_full_one(
    platform: Platform, hubspot: HubSpot
) -> None:
    assert sync(platform, object="owners").mode is SyncMode.FULL
    with pytest.raises(Refused, match="only be synced in full"):
        sync(platform, SyncMode.FROM_DATE, "owners")
    assert equal(platform, hubspot, "owners")


@pytest.mark.parametrize("kind", ["reset", "cut", "malformed"])
def test_a_spoilt_answer_is_asked_for_again(
    platform: Platform, hubspot: HubSpot, kind: Kind
) -> None:
    hubspot.add_many("contacts", 500)
    hubspot.fail(kind=kind, times=1, path="*/search")
    assert sync(platform).counts.created == 500
    assert equal(platform, hubspot)


def test_a_vendor_that_stays_down_fails_the_sync_keeps_what_came_and_the_next_goes_on(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 600)
    hubspot.fail(kind="status", status=503, times=6, path="*/search", after=2)
    with pytest.raises(VendorUnavailable):
        sync(platform, SyncMode.FULL)
    (failed,) = platform.history("acme-hubspot")
    assert failed.status is SyncStatus.FAILED
    assert failed.error
    assert "HubSpot" in failed.error
    assert sync(platform, SyncMode.FULL).counts.rejected == 0
    assert equal(platform, hubspot)


def test_a_revoked_sign_in_stops_the_connection_until_it_is_reconnected(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    platform.credentials.save("acme-hubspot", Secret({"token": "revoked-0123456789"}))
    with pytest.raises(NeedsReauth) as told:
        sync(platform)
    assert "revoked-0123456789" not in str(told.value) + repr(told.value.evidence)
    assert platform.connection("acme-hubspot").status is ConnectionStatus.NEEDS_REAUTH
    assert platform.due() == []
    platform.reconnect("acme-hubspot", Secret({"token": "sandbox-token"}))
    assert [each.connection.name for each in platform.due()] == ["acme-hubspot"]


def test_a_sign_in_that_does_not_work_is_not_kept(platform: Platform, hubspot: HubSpot) -> None:
    with pytest.raises(NeedsReauth):
        platform.connect("hubspot", "other", Secret({"token": "wrong"}), base_url=hubspot.url)
    assert [each.name for each in platform.connections()] == ["acme-hubspot"]


def test_five_failures_in_a_row_pause_the_object_and_resuming_it_lets_it_go_on(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.fail(kind="status", status=400, times=100, path="*/contacts/search")
    for _ in range(5):
        with pytest.raises(SyncPlatformError):
            sync(platform)
    due = {name for each in platform.due() for name in each.objects}
    assert "contacts" not in due
    assert "deals" in due
    automatic = SyncRequest(target=CONTACTS, automatic=True)
    assert "resume" in (platform.nothing_to_do(automatic) or "")
    platform.resume("acme-hubspot", "contacts")
    assert "contacts" in {name for each in platform.due() for name in each.objects}


def test_a_field_added_at_the_vendor_becomes_a_column_at_the_next_full_sync(
    platform: Platform, hubspot: HubSpot
) -> None:
    id = hubspot.add("contacts", email="ada@example.com")
    sync(platform)
    hubspot.add_property("contacts", "favourite_number", "number")
    hubspot.edit("contacts", id, favourite_number="7")
    sync(platform, SyncMode.FULL)
    assert rows(platform)[0]["favourite_number"] == 7
    (change,) = platform.schema_changes("acme-hubspot")
    assert (change.field, change.kind) == ("favourite_number", "added")


def test_history_keeps_the_last_fifty_syncs_of_a_connection(
    platform: Platform, hubspot: HubSpot
) -> None:
    for _ in range(52):
        sync(platform, object="deals")
    assert len(platform.history("acme-hubspot", limit=100)) == 50


def test_a_disconnected_connection_leaves_its_tables(platform: Platform, hubspot: HubSpot) -> None:
    hubspot.add("contacts", email="ada@example.com")
    sync(platform)
    platform.disconnect("acme-hubspot")
    assert platform.connections() == []
    assert len(rows(platform)) == 1


def age(platform: Platform, by: timedelta) -> None:
    """Make the rows look as old as rows of yesterday: a reconcile spares very new ones."""
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("UPDATE acme_hubspot.contacts SET _synced_at = _synced_at - %s", [by])


def test_computed_fields_are_read_again_into_the_rows_that_are_there(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_property("contacts", "score", "number", calculated=True)
    id = hubspot.add("contacts", email="ada@example.com")
    with pytest.raises(Refused, match="has not been synced yet"):
        sync(platform, SyncMode.COMPUTED)
    platform.discover("acme-hubspot", ["contacts"])
    sync(platform)
    hubspot.recalculate("contacts", id, score="7")
    assert sync(platform, SyncMode.COMPUTED).counts.updated == 1
    assert equal(platform, hubspot)
