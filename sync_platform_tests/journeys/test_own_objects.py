"""Objects that one account has and others do not: found again, told, synced, shown in Dagster."""

from collections.abc import Iterator

import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import UnknownObject
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.airtable import Airtable

SECRET = Secret({"token": "sandbox-token"})


@pytest.fixture
def airtable() -> Iterator[Airtable]:
    with serve(Airtable()) as vendor:
        base = vendor.add_base("CRM")
        vendor.add_table(base, "Teams", Name="singleLineText")
        yield vendor


@pytest.fixture
def acme(platform: Platform, airtable: Airtable) -> Platform:
    """Connected, with one table."""
    platform.connect("airtable", "acme", SECRET, base_url=airtable.url)
    return platform


def told(platform: Platform) -> list[tuple[str, str]]:
    return [(name, str(change)) for name, change in platform.list_objects()]


def add_people(airtable: Airtable) -> str:
    base = next(iter(airtable.workspace.bases))
    return airtable.add_table(base, "People", Name="singleLineText")


def test_a_new_table_is_told_once_and_chosen_by_nobody(acme: Platform, airtable: Airtable) -> None:
    assert told(acme) == []
    add_people(airtable)
    assert told(acme) == [("acme", "There is a new object 'people' (People (CRM)).")]
    assert told(acme) == []
    assert [each.object for each in acme.connection("acme").objects] == ["teams"]
    assert [str(each) for each in acme.schema_changes("acme")] == [
        "There is a new object 'people' (People (CRM))."
    ]


def test_what_was_found_can_be_chosen_and_synced(acme: Platform, airtable: Airtable) -> None:
    table = add_people(airtable)
    airtable.add(table, Name="Ada")
    with pytest.raises(UnknownObject):
        acme.choose_objects("acme", ["teams", "people"])
    acme.list_objects()
    acme.choose_objects("acme", ["teams", "people"])
    sync = acme.sync(SyncRequest(target=Target("acme", "people"), mode=SyncMode.FULL))
    assert sync.run(into=acme.destination).counts.created == 1


def test_dagster_gets_an_asset_for_what_any_connection_has(
    acme: Platform, airtable: Airtable
) -> None:
    add_people(airtable)
    acme.list_objects()
    (found,) = [each for each in acme.whole_connectors() if each.name == "airtable"]
    assert sorted(obj.name for obj in found.objects) == ["people", "teams"]
    assert acme.is_object(["airtable", "people"])


def test_a_connection_that_is_paused_is_not_asked(acme: Platform, airtable: Airtable) -> None:
    acme.pause("acme")
    before = airtable.calls.total()
    assert told(acme) == []
    assert airtable.calls.total() == before


def test_a_sign_in_that_is_not_accepted_any_more_is_flagged(
    acme: Platform, airtable: Airtable
) -> None:
    airtable.tokens.clear()
    assert told(acme) == []
    assert acme.connection("acme").status is ConnectionStatus.NEEDS_REAUTH


def test_that_they_cannot_be_listed_is_told_until_they_can_whatever_syncs_meanwhile(
    acme: Platform, airtable: Airtable
) -> None:
    airtable.fail("status", path="/v0/meta/*", status=403)
    assert told(acme) == []
    by_itself = SyncRequest(target=Target("acme", "teams"), automatic=True)
    acme.sync(by_itself).run(into=acme.destination)
    connection = acme.connection("acme")
    assert connection.status is ConnectionStatus.NEEDS_ATTENTION
    assert (connection.status_reason or "").startswith("Its objects could not be listed: ")
    assert told(acme) == []
    assert acme.connection("acme").status is ConnectionStatus.ACTIVE
