"""Only the records that a person asked for."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import ConfigurationError, Refused
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot

CONTACTS = Target("acme-hubspot", "contacts")
Choose = Callable[[Platform, Mapping[str, str] | None], object]
pytestmark = pytest.mark.usefixtures("acme")


def emails(platform: Platform, mode: SyncMode = SyncMode.INCREMENTAL) -> set[str]:
    request = SyncRequest(target=CONTACTS, mode=mode, accept_deletes=True)
    platform.sync(request).run(into=platform.destination)
    with psycopg.connect(platform.database_url) as postgres:
        query = "SELECT email FROM acme_hubspot.contacts WHERE _deleted_at IS NULL"
        return {email for (email,) in postgres.execute(query)}


def adjusted(platform: Platform, filters: Mapping[str, str] | None) -> None:
    """Choose companies, and contacts with these filters or (None) not, as the pages do."""
    contacts = [] if filters is None else [ObjectChoice(object="contacts", filters=filters)]
    platform.adjust("acme-hubspot", objects=[*contacts, ObjectChoice(object="companies")])


def chosen(platform: Platform, filters: Mapping[str, str] | None) -> None:
    """The same, as the command line does."""
    contacts = [] if filters is None else ["contacts"]
    platform.choose_objects("acme-hubspot", [*contacts, "companies"])
    if filters:
        platform.set_filters("acme-hubspot", "contacts", filters)


@pytest.fixture
def three(hubspot: HubSpot) -> None:
    hubspot.add("contacts", email="lead@a.test", lifecyclestage="lead")
    hubspot.add("contacts", email="customer@a.test", lifecyclestage="customer")
    old = "2020-01-01T00:00:00.000Z"
    about = {"lifecyclestage": "lead", "createdate": old, "lastmodifieddate": old}
    hubspot.add("contacts", email="old@a.test", **about)


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


@pytest.mark.parametrize("choose", [adjusted, chosen])
@pytest.mark.usefixtures("three")
def test_an_object_that_is_unticked_and_ticked_again_without_its_filter_is_read_from_the_beginning(
    choose: Choose, platform: Platform
) -> None:
    choose(platform, {"created_within": "90"})
    assert len(emails(platform)) == 2
    choose(platform, None)
    choose(platform, {})
    assert len(emails(platform)) == 3


@pytest.mark.parametrize("choose", [adjusted, chosen])
@pytest.mark.usefixtures("three")
def test_a_sync_of_an_object_that_was_unticked_reads_what_its_filter_left_out(
    choose: Choose, platform: Platform
) -> None:
    choose(platform, {"created_within": "90"})
    assert len(emails(platform)) == 2
    choose(platform, None)
    assert len(emails(platform)) == 3


@pytest.mark.usefixtures("three")
def test_rows_that_a_new_filter_leaves_out_are_marked_by_the_next_sync(platform: Platform) -> None:
    assert len(emails(platform)) == 3
    platform.set_filters("acme-hubspot", "contacts", {"lifecyclestage": "customer"})
    assert emails(platform) == {"customer@a.test"}


def test_a_filter_that_there_is_not_is_refused_with_those_there_are(platform: Platform) -> None:
    with pytest.raises(Refused, match=r"no filter 'colour'\. It has: created_within"):
        platform.set_filters("acme-hubspot", "contacts", {"colour": "red"})
    with pytest.raises(Refused, match="number of days"):
        platform.set_filters("acme-hubspot", "contacts", {"created_within": "a while"})


def keep(platform: Platform, filters: str) -> None:
    """As another version of the platform kept them."""
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute(
            "UPDATE sync_platform.connection_objects SET filters = %s WHERE object = 'contacts'",
            [filters],
        )


@pytest.mark.parametrize(
    "choose",
    [
        adjusted,
        chosen,
        lambda platform, filters: keep(platform, json.dumps(filters)),
    ],
    ids=["adjusted", "chosen", "kept before"],
)
@pytest.mark.usefixtures("three")
def test_values_may_have_blanks_between(choose: Choose, platform: Platform) -> None:
    choose(platform, {"lifecyclestage": "customer, lead"})
    assert emails(platform) == {"lead@a.test", "customer@a.test", "old@a.test"}
    assert platform.cursors.get(CONTACTS) is not None


@pytest.mark.parametrize("choose", [adjusted, chosen])
@pytest.mark.parametrize("kept", ["customer, lead", "lead,customer"])
@pytest.mark.usefixtures("three")
def test_the_same_values_written_otherwise_are_no_other_filter(
    choose: Choose, kept: str, platform: Platform
) -> None:
    choose(platform, {"lifecyclestage": "customer"})
    keep(platform, f'{{"lifecyclestage": "{kept}"}}')
    emails(platform)
    cursor = platform.cursors.get(CONTACTS)
    choose(platform, {"lifecyclestage": " lead, customer"})
    assert platform.cursors.get(CONTACTS) == cursor is not None


@pytest.mark.usefixtures("three")
def test_a_filter_that_the_connector_has_no_more_ends_the_sync_until_it_is_chosen_anew(
    platform: Platform, hubspot: HubSpot
) -> None:
    keep(platform, '{"colour": "red"}')
    before = hubspot.calls["POST", "/crm/v3/objects/contacts/search"]
    with pytest.raises(ConfigurationError, match=r"no filter 'colour'.* Choose its filters anew"):
        emails(platform)
    assert hubspot.calls["POST", "/crm/v3/objects/contacts/search"] == before
    assert platform.history("acme-hubspot")[0].error_code == "configuration_error"
    platform.set_filters("acme-hubspot", "contacts", {})
    assert len(emails(platform)) == 3


CHANGES: list[Callable[[Platform], object]] = [
    lambda platform: platform.set_filters("acme-hubspot", "deals", {"created_within": "9"}),
    lambda platform: platform.choose_objects("acme-hubspot", ["contacts", "deals"]),
]


@pytest.mark.parametrize("change", CHANGES, ids=["filters", "objects"])
def test_who_changes_one_object_takes_nothing_back_that_another_person_just_changed(
    change: Callable[[Platform], object], platform: Platform
) -> None:
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND %s = ANY(pg_blocking_pids(pid))"
    url = platform.database_url
    with (
        psycopg.connect(url) as another,
        psycopg.connect(url, autocommit=True) as looking,
        ThreadPoolExecutor(1) as threads,
    ):
        another.execute("SELECT FROM sync_platform.connections FOR UPDATE")
        another.execute(
            """UPDATE sync_platform.connection_objects SET filters = '{"created_within": "7"}'
            WHERE object = 'contacts'"""
        )
        changing = threads.submit(change, platform)
        while not looking.execute(waits, [another.info.backend_pid]).fetchone():
            assert not changing.done()
        another.commit()
        changing.result()
    choice = platform.connection("acme-hubspot").choice("contacts")
    assert choice is not None
    assert choice.filters == {"created_within": "7"}
