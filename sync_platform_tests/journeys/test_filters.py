"""Only the records that a person asked for."""

import psycopg
import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import Refused
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot

CONTACTS = Target("acme-hubspot", "contacts")
pytestmark = pytest.mark.usefixtures("acme")


def emails(platform: Platform, mode: SyncMode = SyncMode.INCREMENTAL) -> set[str]:
    request = SyncRequest(target=CONTACTS, mode=mode, accept_deletes=True)
    platform.sync(request).run(into=platform.destination)
    with psycopg.connect(platform.database_url) as postgres:
        query = "SELECT email FROM acme_hubspot.contacts WHERE _deleted_at IS NULL"
        return {email for (email,) in postgres.execute(query)}


@pytest.fixture
def three(hubspot: HubSpot) -> None:
    hubspot.add("contacts", email="lead@a.test", lifecyclestage="lead")
    hubspot.add("contacts", email="customer@a.test", lifecyclestage="customer")
    old = "2020-01-01T00:00:00.000Z"
    hubspot.add("contacts", email="old@a.test", lifecyclestage="lead", createdate=old)


@pytest.mark.usefixtures("three")
def test_a_filter_by_values_is_the_vendors_to_apply(platform: Platform, hubspot: HubSpot) -> None:
    platform.set_filters("acme-hubspot", "contacts", {"lifecyclestage": "customer"})
    assert emails(platform) == {"customer@a.test"}


@pytest.mark.usefixtures("three")
def test_a_filter_by_days_counts_from_the_syncs_start(platform: Platform) -> None:
    platform.set_filters("acme-hubspot", "contacts", {"created_within": "90"})
    assert emails(platform) == {"lead@a.test", "customer@a.test"}


@pytest.mark.usefixtures("three")
def test_a_wider_filter_brings_older_records_at_the_next_sync(platform: Platform) -> None:
    platform.set_filters("acme-hubspot", "contacts", {"created_within": "90"})
    emails(platform)
    platform.set_filters("acme-hubspot", "contacts", {})
    assert len(emails(platform)) == 3


@pytest.mark.usefixtures("three")
def test_rows_that_leave_the_filter_are_marked_by_the_next_full_sync(platform: Platform) -> None:
    assert len(emails(platform)) == 3
    platform.set_filters("acme-hubspot", "contacts", {"lifecyclestage": "customer"})
    assert len(emails(platform)) == 3
    with psycopg.connect(platform.database_url) as postgres:  # as if loaded long ago
        postgres.execute(
            "UPDATE acme_hubspot.contacts SET _synced_at = _synced_at - interval '1 day'"
        )
    assert emails(platform, SyncMode.FULL) == {"customer@a.test"}


def test_a_filter_that_there_is_not_is_refused_with_those_there_are(platform: Platform) -> None:
    with pytest.raises(Refused, match=r"no filter 'colour'\. It has: created_within"):
        platform.set_filters("acme-hubspot", "contacts", {"colour": "red"})
    with pytest.raises(Refused, match="number of days"):
        platform.set_filters("acme-hubspot", "contacts", {"created_within": "a while"})
