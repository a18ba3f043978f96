"""The fake HubSpot searches as HubSpot does, most of all where that is inconvenient."""

import time

import httpx
import pytest

from sync_platform.sandbox import HubSpot
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.hubspot.asking import (
    CONTACTS,
    Json,
    Searcher,
    ids,
    where,
)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (where("city", "EQ", "cork"), "a"),
        (where("city", "NEQ", "Cork"), "b"),
        (where("annualrevenue", "GT", "9"), "ab"),
        (where("annualrevenue", "GTE", 100), "b"),
        (where("annualrevenue", "LT", "100"), "a"),
        (where("annualrevenue", "BETWEEN", "10", highValue="99"), "a"),
        (where("city", "IN", values=["cork", "Rome"]), "ab"),
        (where("city", "NOT_IN", values=["cork"]), "b"),
        (where("city", "HAS_PROPERTY"), "ab"),
        (where("city", "NOT_HAS_PROPERTY"), "c"),
        (where("email", "CONTAINS_TOKEN", "*@lovelace.example"), "a"),
        (where("email", "CONTAINS_TOKEN", "hopper"), "b"),
        (where("closedate", "LT", "1704067200001"), "a"),
        (where("closedate", "GT", "2024-01-01T00:00:00Z"), "b"),
        (where("date_of_birth", "EQ", "1815-12-10"), "a"),
        (where("lifecyclestage", "EQ", "lead"), "c"),
        (where("hs_email_optout", "EQ", "true"), "c"),
    ],
)
def test_a_filter_finds_what_it_says(
    hubspot: HubSpot, search: Searcher, filter: Json, expected: str
) -> None:
    people = {
        hubspot.add(
            "contacts",
            email="ada@lovelace.example",
            city="Cork",
            annualrevenue="10",
            closedate="2024-01-01",
            date_of_birth="1815-12-10",
        ): "a",
        hubspot.add(
            "contacts",
            email="grace@hopper.example",
            city="Rome",
            annualrevenue="100",
            closedate="2024-02-01",
        ): "b",
        hubspot.add("contacts", lifecyclestage="lead", hs_email_optout=True): "c",
    }
    found = search(filter)
    assert "".join(people[id] for id in ids(found)) == expected
    assert found["total"] == len(expected)


def test_groups_widen_filters_narrow_and_a_query_looks_everywhere(
    hubspot: HubSpot, client: httpx.Client, search: Searcher
) -> None:
    ada = hubspot.add("contacts", firstname="Ada", city="Cork")
    bob = hubspot.add("contacts", firstname="Bob", city="Cork")
    cyd = hubspot.add("contacts", firstname="Cyd", city="Rome")
    groups = [
        {"filters": [where("city", "EQ", "Cork"), where("firstname", "EQ", "Bob")]},
        {"filters": [where("city", "EQ", "Rome")]},
    ]
    assert ids(client.post(f"{CONTACTS}/search", json={"filterGroups": groups}).json()) == [
        bob,
        cyd,
    ]
    assert ids(search(query="ADA")) == [ada]
    many = {"filterGroups": groups[:1] * 7}
    assert client.post(f"{CONTACTS}/search", json=many).status_code == 400


def test_one_sort_orders_numbers_as_numbers_and_puts_the_missing_last(
    hubspot: HubSpot, client: httpx.Client, search: Searcher
) -> None:
    ten, none, nine = (
        hubspot.add("contacts", annualrevenue=10),
        hubspot.add("contacts"),
        hubspot.add("contacts", annualrevenue=9),
    )
    assert ids(search(sorts=["annualrevenue"])) == [nine, ten, none]
    down = [{"propertyName": "annualrevenue", "direction": "DESCENDING"}]
    assert ids(search(sorts=down)) == [ten, nine, none]
    two = client.post(f"{CONTACTS}/search", json={"sorts": ["city", "zip"]})
    assert two.status_code == 400


def test_search_ends_at_ten_thousand(
    hubspot: HubSpot, client: httpx.Client, search: Searcher
) -> None:
    hubspot.add_many("contacts", 10_300)
    last = search(limit=200, after=9_800)
    assert (last["total"], len(last["results"])) == (10_300, 200)
    beyond = client.post(f"{CONTACTS}/search", json={"limit": 200, "after": "10000"})
    assert beyond.status_code == 400
    assert client.post(f"{CONTACTS}/search", json={"limit": 201}).status_code == 400
    after = where("hs_object_id", "GT", last["results"][-1]["id"])
    rest = search(after, limit=200, sorts=["hs_object_id"])
    assert (rest["total"], len(rest["results"])) == (300, 200)


@pytest.mark.parametrize(
    "asked",
    [
        {"filterGroups": {"filters": []}},
        {"filterGroups": ["x"]},
        {"filterGroups": [{"filters": ["x"]}]},
        {"filterGroups": [{"filters": [where("no_such_property", "EQ", "x")]}]},
        {"filterGroups": [{"filters": [where("city", "LIKE", "x")]}]},
        {"filterGroups": [{"filters": [where("city", "IN", "x")]}]},
        {"filterGroups": [{"filters": [where("closedate", "GT", "yesterday")]}]},
        {"filterGroups": [{"filters": [where("annualrevenue", "GT")]}]},
        {"sorts": "city"},
        {"sorts": ["no_such_property"]},
        {"sorts": [{"propertyName": "city", "direction": "UP"}]},
        {"limit": "many"},
        {"properties": "city"},
    ],
)
def test_a_search_that_makes_no_sense_is_refused(client: httpx.Client, asked: Json) -> None:
    refused = client.post(f"{CONTACTS}/search", json=asked)
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")


def test_search_sees_the_old_until_its_index_catches_up(
    hubspot: HubSpot, clock: Clock, search: Searcher
) -> None:
    edited = hubspot.add("contacts", city="Cork")
    archived = hubspot.add("contacts", city="Cork")
    hubspot.search_lag = 5.0
    clock.now += 60
    hubspot.edit("contacts", edited, city="Rome")
    hubspot.archive("contacts", archived)
    created = hubspot.add("contacts", city="Rome")
    old = search(where("city", "EQ", "Cork"), properties=["city"])
    assert ids(old) == [edited, archived]
    assert old["results"][0]["properties"]["lastmodifieddate"] == "2023-11-14T22:13:20.000Z"
    clock.now += 4.9
    assert ids(search(where("city", "EQ", "Rome"))) == []
    clock.now += 0.1
    assert ids(search(where("city", "EQ", "Rome"))) == [edited, created]
    assert ids(search(where("city", "EQ", "Cork"))) == []


def test_paging_by_id_through_100_000_contacts_is_quick() -> None:
    hubspot = HubSpot(contacts=100_000)
    search = hubspot.portal.search("contacts")
    began, last, seen = time.monotonic(), "0", 0
    while True:
        asked = {
            "filterGroups": [{"filters": [where("hs_object_id", "GT", last)]}],
            "sorts": ["hs_object_id"],
            "limit": 200,
        }
        found = search.find(asked, hubspot.portal.properties["contacts"])
        if not found.records:
            break
        assert found.total == 100_000 - seen
        seen += len(found.records)
        last = str(found.records[-1].id)
    assert seen == 100_000
    assert time.monotonic() - began < 3.0
