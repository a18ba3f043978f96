"""What of a connection is synced, as people choose it."""

from datetime import timedelta

import pytest

from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NotPermitted
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot

CONTACTS = Target("acme-hubspot", "contacts")
BY_ITSELF = SyncRequest(target=CONTACTS, automatic=True)


def sync(platform: Platform, request: SyncRequest) -> None:
    platform.sync(request).run(into=platform.destination)


def stopped(platform: Platform) -> tuple[bool, bool]:
    """Whether it waits for a person, as one connection's page has it, and as the list has it."""
    (contacts,) = [it for it in platform.objects(CONTACTS.connection) if it.obj.name == "contacts"]
    (overview,) = platform.overviews(CONTACTS.connection)
    return contacts.paused, "contacts" in overview.stopped


@pytest.fixture
def refused(platform: Platform, hubspot: HubSpot, acme: Connection) -> None:
    """HubSpot has not permitted the contacts, which stopped them; now it does."""
    platform.choose_objects(CONTACTS.connection, ["contacts", "companies"])
    hubspot.fail(kind="status", status=403, times=99, path="*contacts*")
    with pytest.raises(NotPermitted):
        sync(platform, BY_ITSELF)
    hubspot.faults.clear()


@pytest.mark.usefixtures("refused")
def test_an_object_that_failed_for_good_syncs_by_itself_once_it_is_left_out_and_chosen_again(
    platform: Platform, hubspot: HubSpot
) -> None:
    assert stopped(platform) == (True, True)
    platform.choose_objects(CONTACTS.connection, ["companies"])
    platform.choose_objects(CONTACTS.connection, ["companies", "contacts"])
    assert stopped(platform) == (False, False)
    assert platform.troubles("hubspot") == []
    resumed_at = platform.past.activity(CONTACTS.connection)[CONTACTS].resumed_at
    assert resumed_at == platform.store.resumed_at(CONTACTS) is not None
    assert platform.nothing_to_do(BY_ITSELF) is None
    assert platform.connection(CONTACTS.connection).status is ConnectionStatus.ACTIVE
    hubspot.add("contacts", email="ann@example.com")
    sync(platform, BY_ITSELF)
    assert platform.history(CONTACTS.connection)[0].counts.created == 1


@pytest.mark.usefixtures("refused")
def test_an_object_that_failed_for_good_stays_stopped_while_it_stays_chosen(
    platform: Platform,
) -> None:
    platform.choose_objects(CONTACTS.connection, ["contacts", "companies", "deals"])
    platform.set_filters(CONTACTS.connection, "contacts", {"lifecyclestage": "customer"})
    platform.set_interval(CONTACTS.connection, timedelta(hours=2))
    assert stopped(platform) == (True, True)
    assert "paused after a failure" in (platform.nothing_to_do(BY_ITSELF) or "")
