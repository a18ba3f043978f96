"""Another account in the place of the one whose bases were read."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.errors import ObjectGone, Refused
from sync_platform.sandbox import serve
from sync_platform.sandbox.airtable import Airtable
from sync_platform_tests.journeys.airtable.stage import Stage

PEOPLE = Target("acme", "people")


@pytest.fixture
def another(crm: Stage) -> Iterator[Airtable]:
    """Another account, whose people are in a base and a table with other ids."""
    with serve(Airtable(clock=crm.clock.seconds)) as vendor:
        before = vendor.add_base("Before")  # ids are counted: so that those after it are others
        for name in ("Teams", "Persons", "Things"):
            vendor.add_table(before, name, Name="singleLineText")
        vendor.add_table(vendor.add_base("Sales"), "People", Name="singleLineText")
        # Both sandboxes are one account; so what is read until now is said to be another's.
        crm.platform.store.set_account("acme", "before")
        yield vendor


def takes_over(crm: Stage, another: Airtable, base: str = "Sales") -> None:
    crm.platform.connecting.by_secret(
        "airtable",
        Secret({"token": "sandbox-token"}),
        connection="acme",
        settings={"bases": another.base(base).id},
        base_url=another.url,
        again=True,
        confirmed=True,
    )


def test_another_accounts_table_takes_the_place_of_the_one_with_its_name(
    crm: Stage, another: Airtable
) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.sync("people")
    another.add("People", Name="Grace")
    takes_over(crm, another)
    assert crm.sync("people").fetched == 1
    assert [it["name"] for it in crm.rows("people")] == ["Grace"]
    found = {it.name: it.id for it in crm.platform.discovered_objects.of("acme")}
    assert found["people"] == another.workspace.find("People")[1].id


def test_a_sync_that_waited_while_another_account_took_over_reads_nothing_by_the_old_ids(
    crm: Stage, another: Airtable
) -> None:
    planned = crm.plan("people", wait=timedelta(minutes=1))
    with ThreadPoolExecutor(1) as threads:
        with crm.platform.leases.hold(PEOPLE, wait=timedelta(0)):
            running = threads.submit(planned.run, into=crm.platform.destination)
            takes_over(crm, another)
            assert not running.done()
        with pytest.raises(Refused, match="acme was signed in as another account while"):
            running.result()
    assert crm.platform.connection("acme").status is ConnectionStatus.ACTIVE
    assert crm.platform.history("acme") == []
    assert crm.sync("people", automatic=True).fetched == 0


def test_the_tables_that_a_colleague_sees_too_stay_where_they_are(crm: Stage) -> None:
    vendor, platform = crm.vendor, crm.platform
    vendor.add("People", Name="Ada")
    vendor.add("Things", Name="Lamp", Price=3)
    crm.sync("people")
    crm.sync("things")
    before = {it.name: it.id for it in platform.discovered_objects.of("acme")}
    vendor.workspace.find("People")[1].name = "Persons"
    vendor.workspace.find("Things")[1].name = "People"
    crm.age("people")
    platform.store.set_account("acme", "colleague")
    takes_over(crm, vendor, base="CRM")
    assert {it.name: it.id for it in platform.discovered_objects.of("acme")} == before
    names = [it.name for it in platform.catalogs.fields(PEOPLE) or ()]
    assert "Mail" in names
    assert "Price" not in names
    assert crm.sync("people").deleted == 0
    assert [it["name"] for it in crm.rows("people")] == ["Ada"]
    assert platform.discover("acme") == []


def test_at_another_address_the_same_ids_are_of_other_tables(crm: Stage) -> None:
    before = {it.name: it.id for it in crm.platform.discovered_objects.of("acme")}
    with serve(Airtable(clock=crm.clock.seconds)) as vendor:
        base = vendor.add_base("CRM")
        for name, id in (("People", before["things"]), ("Things", before["people"])):
            assert id is not None
            vendor.add_table(base, name, Name="singleLineText")
            vendor.workspace.find(name)[1].id = id
        crm.platform.store.set_account("acme", "before")
        takes_over(crm, vendor, base="CRM")
    after = {it.name: it.id for it in crm.platform.discovered_objects.of("acme")}
    assert after == {"people": before["things"], "things": before["people"], "teams": None}


def test_a_table_with_an_old_id_of_an_account_elsewhere_that_had_none_at_first_is_another(
    crm: Stage, another: Airtable
) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.sync("people")
    before = {it.name: it.id for it in crm.platform.discovered_objects.of("acme")}
    empty = another.add_base("Empty")
    takes_over(crm, another, base="Empty")
    assert {it.id for it in crm.platform.discovered_objects.of("acme")} == {None}
    another.add_table(empty, "Invoices", Name="singleLineText")
    table = another.workspace.find("Invoices")[1]
    assert before["people"] is not None
    table.id = before["people"]
    assert "invoices" in [it.object for _, it in crm.platform.list_objects()]
    found = {it.name: it.id for it in crm.platform.discovered_objects.of("acme")}
    assert (found["people"], found["invoices"]) == (None, before["people"])
    with pytest.raises(ObjectGone):
        crm.sync("people")
    assert [it["name"] for it in crm.rows("people")] == ["Ada"]
