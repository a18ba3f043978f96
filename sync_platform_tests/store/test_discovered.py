from dataclasses import replace

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.errors import UnknownConnection
from sync_platform.spec import Discovered
from sync_platform.store.catalogs import Catalogs
from sync_platform.store.database import Database
from sync_platform.store.discovered import DiscoveredObjects, named

LEADS = Discovered(name="leads", label="Leads", id="tbl1", about={"base": "app1"})
DEALS = Discovered(name="deals", label="Deals", id="tbl2", about={"base": "app1"}, chosen=False)


@pytest.fixture
def objects(store: Database, acme: Connection) -> DiscoveredObjects:
    return DiscoveredObjects(store)


def kinds(objects: DiscoveredObjects, *found: Discovered) -> list[tuple[str, str]]:
    return [(it.object, it.kind) for it in objects.save("acme-hubspot", found)]


def test_what_was_found_comes_back_in_the_vendors_order(objects: DiscoveredObjects) -> None:
    assert objects.save("acme-hubspot", [LEADS, DEALS]) == []
    assert objects.of("acme-hubspot") == [LEADS, DEALS]
    assert objects.of("acme-other") == []


def test_a_new_object_is_told_and_one_that_vanished_stays(objects: DiscoveredObjects) -> None:
    objects.save("acme-hubspot", [LEADS])
    assert kinds(objects, DEALS) == [("deals", "added"), ("leads", "vanished")]
    assert objects.of("acme-hubspot") == [DEALS, LEADS]
    assert kinds(objects, DEALS) == []
    assert kinds(objects, LEADS, DEALS) == [("leads", "returned")]


def test_a_renamed_object_keeps_its_name_here(objects: DiscoveredObjects) -> None:
    objects.save("acme-hubspot", [LEADS])
    renamed = Discovered(name="prospects", label="Prospects", id="tbl1", about={"base": "app1"})
    (change,) = objects.save("acme-hubspot", [renamed])
    assert (change.object, change.kind, change.before, change.after) == (
        "leads", "renamed", "Leads", "Prospects"
    )  # fmt: skip
    (found,) = objects.of("acme-hubspot")
    assert (found.name, found.label) == ("leads", "Prospects")


@pytest.mark.parametrize("id", ["a\0", "\ud800", "\ud83d\ude00", "\x01[97]", "a"])
def test_an_object_is_known_by_whatever_id_it_has(objects: DiscoveredObjects, id: str) -> None:
    leads, other = Discovered(name="leads", id=id), Discovered(name="others", id="a\ud83d")
    objects.save("acme-hubspot", [leads, other])
    assert objects.of("acme-hubspot") == [leads, other]
    assert objects.all() == {"hubspot": [leads, other]}
    objects.save("acme-hubspot", [Discovered(name="prospects", id=id)])
    assert [it.name for it in objects.of("acme-hubspot")] == ["leads", "others"]


def test_another_object_that_takes_over_a_name_gets_a_number(objects: DiscoveredObjects) -> None:
    objects.save("acme-hubspot", [LEADS])
    renamed = Discovered(name="prospects", label="Prospects", id="tbl1")
    other = Discovered(name="leads", label="Leads", id="tbl9")
    objects.save("acme-hubspot", [renamed, other])
    assert [(it.name, it.id) for it in objects.of("acme-hubspot")] == [
        ("leads", "tbl1"),
        ("leads_2", "tbl9"),
    ]


def test_names_that_differ_only_in_case_get_a_number() -> None:
    found = [Discovered(name="Leads", id="1"), Discovered(name="leads", id="2"), LEADS]
    assert [it.name for it in named(found)] == ["Leads", "leads_2", "leads_3"]


def test_changes_of_objects_are_kept_with_those_of_fields(
    objects: DiscoveredObjects, store: Database
) -> None:
    objects.save("acme-hubspot", [LEADS])
    told = objects.save("acme-hubspot", [LEADS, DEALS])
    assert Catalogs(store).changes("acme-hubspot") == told


def test_one_of_several_of_a_name_stands_for_all(objects: DiscoveredObjects) -> None:
    objects.save("acme-hubspot", [LEADS, DEALS])
    assert objects.all() == {"hubspot": [DEALS, LEADS]}


def test_a_connection_that_is_gone_is_told(objects: DiscoveredObjects) -> None:
    with pytest.raises(UnknownConnection):
        objects.save("gone", [LEADS])


def places(objects: DiscoveredObjects) -> list[tuple[str, str | None]]:
    return [(it.name, it.id) for it in objects.of("acme-hubspot")]


def test_objects_of_known_ids_keep_their_names_for_another_account(
    objects: DiscoveredObjects,
) -> None:
    objects.save("acme-hubspot", [LEADS, DEALS])
    swapped = [replace(LEADS, name="deals"), replace(DEALS, name="leads")]
    named = objects.called("acme-hubspot", swapped, elsewhere=False)
    assert [(it.name, it.id) for it in named] == [("leads", "tbl1"), ("deals", "tbl2")]
    objects.save("acme-hubspot", swapped, another=True)
    assert places(objects) == [("leads", "tbl1"), ("deals", "tbl2")]


def test_another_accounts_object_takes_a_name_only_where_its_own_was_not_found(
    objects: DiscoveredObjects,
) -> None:
    objects.save("acme-hubspot", [LEADS, DEALS])
    found = [
        replace(LEADS, name="prospects"),
        replace(LEADS, id="tbl8"),
        replace(DEALS, id="tbl9"),
    ]
    objects.save("acme-hubspot", found, another=True)
    assert places(objects) == [("leads", "tbl1"), ("leads_2", "tbl8"), ("deals", "tbl9")]


def test_ids_of_elsewhere_tell_nothing_and_what_is_not_there_loses_its_own(
    objects: DiscoveredObjects,
) -> None:
    objects.save("acme-hubspot", [LEADS, DEALS])
    found = [Discovered(name="deals", id="tbl1")]
    objects.save("acme-hubspot", found, another=True, elsewhere=True)
    assert places(objects) == [("deals", "tbl1"), ("leads", None)]
    assert kinds(objects, *found) == []


def test_two_objects_that_an_older_version_gave_one_id_do_not_take_turns(
    objects: DiscoveredObjects, store: Database
) -> None:
    objects.save("acme-hubspot", [LEADS, DEALS])
    assert kinds(objects, LEADS) == [("deals", "vanished")]
    with store.statement() as session:
        session.execute("UPDATE sync_platform.discovered_objects SET id = 'tbl1'")
    for _ in range(4):
        assert kinds(objects, LEADS) == []
    assert kinds(objects) == [("leads", "vanished")]
    assert kinds(objects, LEADS) == [("leads", "returned")]


def test_of_another_account_without_objects_all_have_vanished_and_lost_their_ids(
    objects: DiscoveredObjects,
) -> None:
    objects.save("acme-hubspot", [LEADS, DEALS])
    told = objects.save("acme-hubspot", [], another=True, elsewhere=True)
    assert [(it.object, it.kind) for it in told] == [("leads", "vanished"), ("deals", "vanished")]
    assert places(objects) == [("leads", None), ("deals", None)]
    assert kinds(objects, replace(LEADS, name="invoices")) == [("invoices", "added")]


def test_that_nothing_was_found_on_a_connection_that_is_gone_is_told_too(
    objects: DiscoveredObjects,
) -> None:
    with pytest.raises(UnknownConnection):
        objects.save("gone", [])
