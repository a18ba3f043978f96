"""What a sync goes by once it has its lease, and what it may keep once what it reads is not what is
asked for any more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import ObjectChoice, Secret
from sync_platform.engine.results import Counts, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import ConnectionPaused, Refused, Unexpected, UnknownConnection
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve

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


@pytest.mark.parametrize(("object", "declared"), [("owners", True), ("contacts", False)])
def test_what_a_connector_declares_is_told_from_what_its_vendor_tells(
    platform: Platform, object: str, declared: bool
) -> None:
    planned = platform.sync(SyncRequest(target=Target(ACME, object)))
    api = planned.open_api()
    try:
        for anew in (True, False, True):
            assert planned.find_fields(api, anew).declared is declared
    finally:
        api.close()


def test_a_filter_that_changes_while_a_sync_runs_is_read_from_the_beginning_by_the_next(
    platform: Platform, hubspot: HubSpot
) -> None:
    platform.set_filters(ACME, "contacts", {"lifecyclestage": "customer"})
    hubspot.add("contacts", lifecyclestage="lead", lastmodifieddate="2024-01-01T12:00:00Z")
    hubspot.add("contacts", lifecyclestage="customer")
    assert sync(platform, lambda: platform.set_filters(ACME, "contacts", {})) == 1
    assert platform.cursors.get(CONTACTS) is None
    assert sync(platform) == 2


def adjusted(platform: Platform, *objects: str) -> None:
    platform.adjust(ACME, objects=[ObjectChoice(object=each) for each in objects])


def chosen(platform: Platform, *objects: str) -> None:
    platform.choose_objects(ACME, objects)


both_verbs = pytest.mark.parametrize("choose", [adjusted, chosen])


@pytest.fixture
def narrowed(acme: Connection, platform: Platform, hubspot: HubSpot) -> None:
    """Contacts that are filtered, and one of two that the filter leaves out."""
    platform.set_filters(ACME, "contacts", {"lifecyclestage": "customer"})
    hubspot.add("contacts", lifecyclestage="lead", lastmodifieddate="2024-01-01T12:00:00Z")
    hubspot.add("contacts", lifecyclestage="customer")


@both_verbs
@pytest.mark.usefixtures("narrowed")
def test_an_object_that_is_unticked_and_ticked_again_while_a_sync_runs_is_read_from_the_beginning(
    choose: Callable[..., None], platform: Platform
) -> None:
    def meanwhile() -> None:
        choose(platform, "deals")
        choose(platform, "contacts", "deals")

    assert sync(platform) == 1
    assert sync(platform, meanwhile) == 1
    assert platform.cursors.get(CONTACTS) is None
    assert sync(platform) == 2


@both_verbs
@pytest.mark.usefixtures("narrowed")
def test_an_object_that_was_unticked_while_a_sync_ran_is_read_from_the_beginning_once_it_is_ticked(
    choose: Callable[..., None], platform: Platform
) -> None:
    assert sync(platform, lambda: choose(platform, "deals")) == 1
    assert platform.cursors.get(CONTACTS) is None
    choose(platform, "contacts", "deals")
    assert sync(platform) == 2


@both_verbs
def test_ticking_other_objects_forgets_no_cursor(
    choose: Callable[..., None], platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    choose(platform, "contacts", "deals")
    sync(platform)
    cursor = platform.cursors.get(CONTACTS)
    choose(platform, "companies", "contacts")
    choose(platform, "contacts")
    assert platform.cursors.get(CONTACTS) == cursor is not None


@pytest.mark.usefixtures("narrowed")
def test_filters_that_stay_as_they_are_forget_no_cursor(platform: Platform) -> None:
    sync(platform)
    cursor = platform.cursors.get(CONTACTS)
    platform.choose_objects(ACME, ["companies", "contacts"])
    platform.adjust(ACME, objects=platform.connection(ACME).objects)
    platform.set_filters(ACME, "contacts", {"lifecyclestage": "customer"})
    assert platform.cursors.get(CONTACTS) == cursor is not None


@pytest.mark.usefixtures("narrowed")
@pytest.mark.parametrize(
    "widen",
    [
        lambda platform: platform.set_filters(ACME, "contacts", {}),
        lambda platform: platform.adjust(ACME, objects=[ObjectChoice(object="contacts")]),
        lambda platform: platform.choose_objects(ACME, ["deals"]),
    ],
    ids=["other filters", "adjusted", "unticked"],
)
def test_a_choice_whose_cursor_cannot_be_forgotten_is_not_made(
    widen: Callable[[Platform], object], platform: Platform
) -> None:
    sync(platform)
    before, cursor = platform.connection(ACME).objects, platform.cursors.get(CONTACTS)
    with psycopg.connect(platform.database_url) as postgres:  # as if killed in between
        postgres.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN RAISE 'killed'; END $$;
            CREATE TRIGGER refused BEFORE DELETE ON sync_platform.cursors
                FOR EACH ROW EXECUTE FUNCTION refuse();
            """
        )
    with pytest.raises(Unexpected, match="killed"):
        widen(platform)
    assert platform.connection(ACME).objects == before
    assert platform.cursors.get(CONTACTS) == cursor is not None


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


def waited(platform: Platform, meanwhile: Callable[[], object], *, automatic: bool = False) -> int:
    """Sync the contacts in full, and do that while the sync waits for another session that has its
    lease; how many were fetched."""
    request = SyncRequest(
        target=CONTACTS, mode=SyncMode.FULL, wait=timedelta(minutes=1), automatic=automatic
    )
    planned = platform.sync(request)
    with ThreadPoolExecutor(1) as threads:
        with platform.leases.hold(CONTACTS, wait=timedelta(0)):
            running = threads.submit(planned.run, into=platform.destination)
            meanwhile()
            assert not running.done()
        return running.result().counts.fetched


@pytest.mark.usefixtures("narrowed")
def test_a_sync_that_waited_reads_by_the_filters_of_now(platform: Platform) -> None:
    assert waited(platform, lambda: platform.set_filters(ACME, "contacts", {})) == 2
    assert platform.cursors.get(CONTACTS) is not None


@pytest.mark.usefixtures("narrowed")
def test_a_sync_that_waited_has_no_filters_of_an_object_that_is_ticked_anew(
    platform: Platform,
) -> None:
    def meanwhile() -> None:
        chosen(platform, "deals")
        chosen(platform, "contacts", "deals")

    assert waited(platform, meanwhile) == 2


def test_a_sync_that_waited_reads_the_account_of_now(platform: Platform, hubspot: HubSpot) -> None:
    hubspot.add_many("contacts", 3)
    with serve(HubSpot(burst=None, search_per_second=None)) as another:
        another.add("contacts", email="ada@example.com")

        def meanwhile() -> None:
            platform.store.set_account(ACME, "another")
            platform.store.set_base_url(ACME, another.url)

        assert waited(platform, meanwhile) == 1
    assert platform.cursors.get(CONTACTS) is not None


def test_a_sync_whose_object_was_unticked_while_it_waited_reads_nothing(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    with pytest.raises(Refused, match="contacts was taken out of what acme-hubspot syncs"):
        waited(platform, lambda: chosen(platform, "deals"))
    assert platform.history(ACME) == []


def test_a_sync_whose_connection_was_removed_while_it_waited_reads_nothing(
    platform: Platform, hubspot: HubSpot
) -> None:
    with pytest.raises(UnknownConnection, match="acme-hubspot has been removed meanwhile"):
        waited(platform, lambda: platform.store.remove(ACME))


def test_a_connection_that_has_the_name_of_a_removed_one_is_another(
    platform: Platform, hubspot: HubSpot
) -> None:
    def meanwhile() -> None:
        platform.store.remove(ACME)
        secret = Secret({"token": "sandbox-token"})
        platform.connect("hubspot", ACME, secret, base_url=hubspot.url, schema="elsewhere")

    with pytest.raises(UnknownConnection, match="acme-hubspot has been removed meanwhile"):
        waited(platform, meanwhile)


def test_an_automatic_sync_does_not_start_where_its_connection_was_paused_while_it_waited(
    platform: Platform,
) -> None:
    with pytest.raises(ConnectionPaused):
        waited(platform, lambda: platform.pause(ACME), automatic=True)


def test_an_object_that_nobody_chose_is_synced_for_who_asks(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    chosen(platform, "deals")
    assert waited(platform, lambda: None) == 1
