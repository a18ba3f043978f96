"""What a sync may keep once what it reads is not what is asked for any more."""

from collections.abc import Callable

import pytest

from sync_platform.engine.results import Counts, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot

ACME, CONTACTS = "acme-hubspot", Target("acme-hubspot", "contacts")
pytestmark = pytest.mark.usefixtures("acme")


def sync(platform: Platform, meanwhile: Callable[[], object] = lambda: None) -> int:
    """Sync the contacts, and do that while they are read; how many were fetched."""
    planned = platform.sync(SyncRequest(target=CONTACTS))
    done: list[object] = []

    def tell(sentence: str, counts: Counts) -> None:
        if sentence.startswith("Page ") and not done:
            done.append(meanwhile())

    planned.on_progress = tell
    fetched = planned.run(into=platform.destination).counts.fetched
    assert done
    return fetched


def test_a_filter_that_changes_while_a_sync_runs_is_read_from_the_beginning_by_the_next(
    platform: Platform, hubspot: HubSpot
) -> None:
    platform.set_filters(ACME, "contacts", {"lifecyclestage": "customer"})
    hubspot.add("contacts", lifecyclestage="lead", lastmodifieddate="2024-01-01T12:00:00Z")
    hubspot.add("contacts", lifecyclestage="customer")
    assert sync(platform, lambda: platform.set_filters(ACME, "contacts", {})) == 1
    assert platform.cursors.get(CONTACTS) is None
    assert sync(platform) == 2


def test_another_account_that_takes_over_while_a_sync_runs_is_read_from_the_beginning(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    sync(platform, lambda: platform.store.set_account(ACME, "another"))
    assert platform.cursors.get(CONTACTS) is None


def test_what_changes_nothing_about_what_is_read_moves_the_cursor(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    sync(platform, lambda: platform.choose_objects(ACME, ["contacts", "deals"]))
    assert platform.cursors.get(CONTACTS) is not None
