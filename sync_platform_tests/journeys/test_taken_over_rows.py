"""What becomes of rows when another account takes the place of the one that they are from, or when
other filters are set."""

from collections.abc import Iterator

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import TooManyDeletes
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform_tests.journeys.tables import sql

ACME = "acme-hubspot"
SECRET = Secret({"token": "sandbox-token"})
ROWS = """
    SELECT email, nickname FROM acme_hubspot.contacts WHERE _deleted_at IS NULL ORDER BY 1
"""
LIVE = "SELECT email FROM acme_hubspot.contacts WHERE _deleted_at IS NULL ORDER BY 1"


@pytest.fixture(autouse=True)
def grace(acme: object, hubspot: HubSpot, platform: Platform) -> None:
    """The account that is read first: its contacts have a nickname."""
    hubspot.add_property("contacts", "nickname")
    hubspot.add("contacts", email="grace@a.example", nickname="Amazing Grace")
    platform.discover(ACME)
    sync(platform)
    assert sql(platform, ROWS) == [("grace@a.example", "Amazing Grace")]


@pytest.fixture
def another() -> Iterator[HubSpot]:
    """Another account, which counts its contacts from the same id, and knows no nicknames."""
    with serve(HubSpot(id=24117735, burst=None, search_per_second=None)) as it:
        it.add("contacts", email="zoe@b.example")
        yield it


def sync(
    platform: Platform, mode: str = "incremental", *, object: str = "contacts", accept: bool = True
) -> SyncResult:
    request = SyncRequest(target=Target(ACME, object), mode=SyncMode(mode), accept_deletes=accept)
    return platform.sync(request).run(into=platform.destination)


def test_no_row_of_the_account_that_took_over_holds_a_value_of_the_other_one(
    platform: Platform, another: HubSpot
) -> None:
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    sync(platform)
    assert sql(platform, ROWS) == [("zoe@b.example", None)]


def test_nor_where_it_was_connected_to_what_a_disconnected_one_left(
    platform: Platform, another: HubSpot
) -> None:
    platform.disconnect(ACME)
    platform.connect("hubspot", ACME, SECRET, base_url=another.url, confirmed=True)
    sync(platform)
    assert sql(platform, ROWS) == [("zoe@b.example", None)]


def test_where_the_same_account_is_connected_again_values_of_vanished_fields_stay(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.remove_property("contacts", "nickname")
    platform.disconnect(ACME)
    platform.connect("hubspot", ACME, SECRET, base_url=hubspot.url)
    sync(platform)
    sync(platform, "full")
    assert sql(platform, ROWS) == [("grace@a.example", "Amazing Grace")]


def test_values_of_the_other_account_are_owed_until_a_full_sync_went_well(
    platform: Platform, another: HubSpot, hubspot: HubSpot
) -> None:
    for number in range(9):
        hubspot.add("contacts", email=f"{number}@a.example")
    sync(platform)
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    with pytest.raises(TooManyDeletes):
        sync(platform, accept=False)
    sync(platform, "full")
    assert sql(platform, ROWS) == [("zoe@b.example", None)]


def test_later_full_syncs_leave_values_of_fields_that_vanish_then(
    platform: Platform, another: HubSpot
) -> None:
    another.add_property("contacts", "nickname")
    another.add("contacts", email="yan@b.example", nickname="Yannie")
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    sync(platform)
    another.remove_property("contacts", "nickname")
    sync(platform, "full")
    assert sql(platform, ROWS) == [("yan@b.example", "Yannie"), ("zoe@b.example", None)]


def test_a_key_that_only_the_other_account_had_brings_none_of_its_values_back(
    platform: Platform, hubspot: HubSpot, another: HubSpot
) -> None:
    hubspot.add("contacts", email="alan@a.example", nickname="Al")
    sync(platform)
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    assert sync(platform).counts.deleted == 1
    another.add("contacts", email="yan@b.example")
    sync(platform)
    assert sql(platform, ROWS) == [("yan@b.example", None), ("zoe@b.example", None)]


def test_the_account_that_is_back_before_another_one_was_read_keeps_its_values(
    platform: Platform, hubspot: HubSpot, another: HubSpot
) -> None:
    hubspot.remove_property("contacts", "nickname")
    sync(platform, "full")
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    platform.reconnect(ACME, SECRET, base_url=hubspot.url, confirmed=True)
    sync(platform)
    assert sql(platform, ROWS) == [("grace@a.example", "Amazing Grace")]


def test_what_the_account_is_the_first_to_read_is_its_own(
    platform: Platform, another: HubSpot
) -> None:
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    another.add_property("companies", "nickname")
    another.add("companies", name="Zoe Inc", nickname="Zed")
    platform.discover(ACME)
    sync(platform, object="companies")
    another.remove_property("companies", "nickname")
    sync(platform, "full", object="companies")
    assert sql(platform, "SELECT name, nickname FROM acme_hubspot.companies") == [
        ("Zoe Inc", "Zed")
    ]


def test_nor_does_it_help_to_disconnect_the_account_before_all_of_it_was_read(
    platform: Platform, another: HubSpot
) -> None:
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    platform.disconnect(ACME)
    platform.connect("hubspot", ACME, SECRET, base_url=another.url, confirmed=True)
    sync(platform)
    sync(platform, "full")
    assert sql(platform, ROWS) == [("zoe@b.example", None)]


def test_rows_that_only_the_other_account_has_go_at_once_however_new_they_are(
    platform: Platform, another: HubSpot, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="alan@a.example")
    sync(platform)
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    assert sync(platform).counts.deleted == 1
    assert sql(platform, LIVE) == [("zoe@b.example",)]


def test_rows_that_a_new_filter_leaves_out_go_at_once_however_new_they_are(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="old@a.example", createdate="2020-01-01T00:00:00Z")
    sync(platform)
    obj = platform.connector_of(platform.connection(ACME))["contacts"]
    platform.set_filters(ACME, "contacts", {obj.filters[0].name: "30"})
    assert sync(platform).counts.deleted == 1
    assert sql(platform, LIVE) == [("grace@a.example",)]


def test_a_row_whose_values_postgres_keeps_is_rejected_and_fails_no_sync(
    platform: Platform, hubspot: HubSpot, another: HubSpot
) -> None:
    hubspot.add("contacts", email="alan@a.example", nickname="Al")
    sync(platform)
    sql(
        platform,
        """
        UPDATE acme_hubspot.contacts SET _deleted_at = now() WHERE nickname = 'Al';
        ALTER TABLE acme_hubspot.contacts
            ADD CONSTRAINT rule CHECK (email <> 'alan@a.example') NOT VALID;
        """,
    )
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    assert sync(platform).counts.rejected == 1
    assert sync(platform).counts.rejected == 0  # an incremental one
    assert sync(platform, "full").counts.rejected == 1
    assert sql(platform, ROWS) == [("zoe@b.example", None)]
    sql(platform, "ALTER TABLE acme_hubspot.contacts DROP CONSTRAINT rule")
    assert sync(platform, "full").counts.rejected == 0
    assert sql(platform, "SELECT 1 FROM acme_hubspot.contacts WHERE nickname IS NOT NULL") == []


def test_a_row_that_postgres_would_not_mark_does_not_become_the_accounts_own(
    platform: Platform, hubspot: HubSpot, another: HubSpot
) -> None:
    for number in range(8):
        hubspot.add("contacts", email=f"{number}@a.example")
        another.add("contacts", email=f"{number}@b.example")
    hubspot.add("contacts", email="alan@a.example")
    sync(platform)
    sql(
        platform,
        """
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'not while invoiced'; END $$;
        CREATE TRIGGER keep BEFORE UPDATE ON acme_hubspot.contacts FOR EACH ROW
            WHEN (NEW._deleted_at IS NOT NULL) EXECUTE FUNCTION keep();
        """,
    )
    platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=True)
    assert sync(platform).counts.rejected == 1
    assert ("alan@a.example",) in sql(platform, LIVE)
    sql(platform, "DROP FUNCTION keep CASCADE")
    assert sync(platform, "full", accept=False).counts.deleted == 1  # however new it is
    assert ("alan@a.example",) not in sql(platform, LIVE)
