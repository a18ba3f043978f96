"""Another account in the place of the one whose data the tables hold: told, and all of it or
nothing."""

from collections.abc import Iterator

import psycopg
import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import OtherAccount, SyncPlatformError, Unexpected
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform_tests.journeys.tables import sql

ACME, SCHEMA = "acme-hubspot", "acme_hubspot"
LONG_AGO = "2020-01-01T12:00:00Z"
SECRET = Secret({"token": "sandbox-token"})
LIVE = "SELECT email FROM acme_hubspot.contacts WHERE _deleted_at IS NULL ORDER BY 1"
pytestmark = pytest.mark.usefixtures("acme")


def sync(platform: Platform, object: str = "contacts", mode: str = "incremental") -> int:
    request = SyncRequest(target=Target(ACME, object), mode=SyncMode(mode), accept_deletes=True)
    return platform.sync(request).run(into=platform.destination).counts.fetched


@pytest.fixture
def another(platform: Platform) -> Iterator[HubSpot]:
    """Another account, whose records changed long before those that were read."""
    with serve(HubSpot(id=24117735, burst=None, search_per_second=None)) as it:
        it.add("contacts", email="ada@example.com", lastmodifieddate=LONG_AGO)
        it.add("companies", name="Ada Ltd", hs_lastmodifieddate=LONG_AGO)
        yield it


def takes_over(platform: Platform, another: HubSpot, *, confirmed: bool = True) -> Connection:
    return platform.reconnect(ACME, SECRET, base_url=another.url, confirmed=confirmed)


def connects(platform: Platform, another: HubSpot, *, confirmed: bool = False) -> Connection:
    return platform.connect("hubspot", ACME, SECRET, base_url=another.url, confirmed=confirmed)


def test_a_takeover_that_is_killed_is_asked_about_again_and_done_whole(
    platform: Platform, hubspot: HubSpot, another: HubSpot
) -> None:
    hubspot.add("contacts", email="grace@example.com")
    sync(platform)
    sql(
        platform,
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'killed'; END $$;
        CREATE TRIGGER refused BEFORE DELETE ON sync_platform.cursors
            FOR EACH ROW EXECUTE FUNCTION refuse();
        """,
    )
    with pytest.raises(Unexpected, match="killed"):
        takes_over(platform, another)
    assert platform.connection(ACME).account_id == "24117733"
    sql(platform, "DROP TRIGGER refused ON sync_platform.cursors")
    with pytest.raises(OtherAccount):
        takes_over(platform, another, confirmed=False)
    takes_over(platform, another)
    assert sync(platform) == 1


def test_a_takeover_forgets_the_cursors_of_objects_that_are_not_chosen_too(
    platform: Platform, hubspot: HubSpot, another: HubSpot
) -> None:
    hubspot.add("companies", name="Acme")
    sync(platform, "companies")
    platform.choose_objects(ACME, ["contacts"])
    sync(platform, "companies")  # by hand
    assert platform.cursors.of(ACME)
    takes_over(platform, another)
    assert platform.cursors.of(ACME) == {}
    assert sync(platform, "companies") == 1


def test_a_takeover_whose_fields_cannot_be_asked_for_changes_nothing(
    platform: Platform, hubspot: HubSpot, another: HubSpot
) -> None:
    sync(platform)
    before, cursors = platform.connection(ACME), platform.cursors.of(ACME)
    another.fail(path="/crm/v3/properties*", status=503, times=50)
    with pytest.raises(SyncPlatformError):
        takes_over(platform, another)
    assert platform.connection(ACME) == before
    assert platform.cursors.of(ACME) == cursors


def test_connecting_another_account_to_what_a_disconnected_one_left_is_refused_unless_confirmed(
    platform: Platform, hubspot: HubSpot, another: HubSpot
) -> None:
    hubspot.add("contacts", email="grace@example.com")
    sync(platform)
    platform.disconnect(ACME)
    told = "hubspot account 24117735, but the schema acme_hubspot holds .* hubspot account 24117733"
    with pytest.raises(OtherAccount, match=f"{told}, which acme-hubspot left"):
        connects(platform, another)
    assert platform.connections() == []
    assert connects(platform, another, confirmed=True).account_id == "24117735"
    sql(platform, "UPDATE acme_hubspot.contacts SET _synced_at = _synced_at - interval '1 day'")
    assert sync(platform, mode="full") == 1
    with psycopg.connect(platform.database_url) as postgres:
        assert postgres.execute(LIVE).fetchall() == [("ada@example.com",)]


def test_another_name_for_what_a_disconnected_one_left_is_no_way_around(
    platform: Platform, another: HubSpot
) -> None:
    sync(platform)
    platform.disconnect(ACME)
    with pytest.raises(OtherAccount):
        platform.connect("hubspot", "other", SECRET, base_url=another.url, schema=SCHEMA)


def test_what_was_left_is_remembered_until_something_else_is_put_there(
    platform: Platform, another: HubSpot
) -> None:
    sync(platform)
    platform.disconnect(ACME)
    connects(platform, another, confirmed=True)
    platform.disconnect(ACME)  # before its first sync
    with pytest.raises(OtherAccount):
        connects(platform, another)
    connects(platform, another, confirmed=True)
    sync(platform)
    platform.disconnect(ACME)
    connects(platform, another)


@pytest.mark.parametrize("left", ["no rows", "no schema", "the same account"])
def test_where_nothing_of_another_account_is_left_nothing_is_asked(
    platform: Platform, another: HubSpot, left: str
) -> None:
    if left == "the same account":
        platform.store.set_account(ACME, "24117735")
    if left != "no rows":
        sync(platform)
    platform.disconnect(ACME)
    if left == "no schema":
        sql(platform, "DROP SCHEMA acme_hubspot CASCADE")
    assert connects(platform, another).name == ACME
