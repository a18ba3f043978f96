"""The fake HubSpot lists and changes records as HubSpot does."""

from typing import Any

import httpx
import pytest

from sync_platform.sandbox import HubSpot
from sync_platform_tests.sandbox.hubspot.asking import (
    CONTACTS,
    Json,
    detail,
    ids,
)


def test_pages_follow_each_other_to_the_end(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.add_many("contacts", 25)
    seen, url = [], f"{hubspot.url}{CONTACTS}?limit=10&properties=email&properties=city,zip"
    while url:
        page = client.get(url).json()
        seen += ids(page)
        assert set(page["results"][0]["properties"]) == {
            *("email", "city", "zip"),
            *("hs_object_id", "createdate", "lastmodifieddate"),
        }
        url = page.get("paging", {}).get("next", {}).get("link")
    assert seen == list(hubspot.records("contacts"))


def test_a_page_of_more_than_100_is_refused(client: httpx.Client) -> None:
    refused = client.get(CONTACTS, params={"limit": 101})
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")


def test_values_are_text_and_missing_ones_null(hubspot: HubSpot, client: httpx.Client) -> None:
    id = hubspot.add(
        "contacts", annualrevenue=5.0, hs_email_optout=True, closedate=1_704_067_200_000
    )
    asked = {"properties": "annualrevenue,hs_email_optout,closedate,city,no_such_property"}
    properties = client.get(f"{CONTACTS}/{id}", params=asked).json()["properties"]
    assert properties == {
        "annualrevenue": "5",
        "hs_email_optout": "true",
        "closedate": "2024-01-01T00:00:00.000Z",
        "city": None,
        "hs_object_id": id,
        "createdate": "2023-11-14T22:13:20.000Z",
        "lastmodifieddate": "2023-11-14T22:13:20.000Z",
    }


def test_an_archived_record_is_only_in_the_bin(hubspot: HubSpot, client: httpx.Client) -> None:
    id, kept = hubspot.add("contacts"), hubspot.add("contacts")
    assert [client.delete(f"{CONTACTS}/{id}").status_code for _ in range(2)] == [204, 204]
    assert ids(client.get(CONTACTS).json()) == [kept]
    binned = client.get(CONTACTS, params={"archived": True}).json()["results"]
    assert [(one["id"], one["archived"]) for one in binned] == [(id, True)]
    assert binned[0]["archivedAt"] == "2023-11-14T22:13:20.000Z"
    assert client.get(f"{CONTACTS}/{id}").status_code == 404
    assert client.get(f"{CONTACTS}/{id}", params={"archived": True}).status_code == 200
    assert client.patch(f"{CONTACTS}/{id}", json={"properties": {}}).status_code == 404
    hubspot.restore("contacts", id)
    assert ids(client.get(CONTACTS).json()) == [id, kept]


def test_pages_of_the_bin_stay_in_the_bin(hubspot: HubSpot, client: httpx.Client) -> None:
    for id in hubspot.add_many("contacts", 3):
        hubspot.archive("contacts", id)
    first = client.get(CONTACTS, params={"archived": True, "limit": 2}).json()
    second = client.get(first["paging"]["next"]["link"]).json()
    assert ids(first) + ids(second) == ["151", "152", "153"]


def test_a_purged_record_is_nowhere(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.purge("contacts", hubspot.add("contacts"))
    assert client.get(CONTACTS).json()["results"] == []
    assert client.get(CONTACTS, params={"archived": True}).json()["results"] == []


def test_a_record_is_found_by_a_unique_property(hubspot: HubSpot, client: httpx.Client) -> None:
    id = hubspot.add("contacts", email="Ada@Lovelace.example")
    by_email = {"idProperty": "email"}
    found = client.get(f"{CONTACTS}/ada@lovelace.example", params=by_email)
    assert found.json()["id"] == id
    assert client.get(f"{CONTACTS}/x", params={"idProperty": "city"}).status_code == 400


def test_a_write_moves_the_modified_date_even_within_a_millisecond(
    hubspot: HubSpot, client: httpx.Client
) -> None:
    id = hubspot.add("contacts")
    patched = client.patch(f"{CONTACTS}/{id}", json={"properties": {"city": "Cork"}})
    assert patched.status_code == 200
    assert patched.json()["properties"]["city"] == "Cork"
    assert patched.json()["updatedAt"] == "2023-11-14T22:13:20.001Z"


def test_a_calculated_value_changes_in_silence(hubspot: HubSpot) -> None:
    id = hubspot.add("contacts")
    before = hubspot.records("contacts")[id]
    hubspot.recalculate("contacts", id, num_associated_deals=3)
    assert hubspot.records("contacts")[id] == {**before, "num_associated_deals": "3"}


@pytest.mark.parametrize(
    ("property", "value", "code"),
    [
        ("no_such_property", "x", "PROPERTY_DOESNT_EXIST"),
        ("createdate", "2024-01-01", "READ_ONLY_VALUE"),
        ("num_associated_deals", "1", "READ_ONLY_VALUE"),
        ("annualrevenue", "lots", "INVALID_DOUBLE"),
        ("closedate", "tomorrow", "INVALID_LONG"),
        ("closedate", "9" * 30, "INVALID_LONG"),
        ("date_of_birth", "1704067200001", "INVALID_DATE"),
        ("lifecyclestage", "friend", "INVALID_OPTION"),
        ("favorite_channels", "email;pigeon", "INVALID_OPTION"),
        ("hs_email_optout", "maybe", "INVALID_OPTION"),
        ("hubspot_owner_id", "1", "INVALID_OWNER_ID"),
        ("email", "nobody", "INVALID_EMAIL"),
        ("city", ["Cork"], "INVALID_VALUE"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    hubspot: HubSpot, client: httpx.Client, property: str, value: Any, code: str
) -> None:
    id = hubspot.add("contacts")
    wanted = {"properties": {property: value}}
    for refused in (
        client.post(CONTACTS, json=wanted),
        client.patch(f"{CONTACTS}/{id}", json=wanted),
    ):
        assert detail(refused) == (400, code)
        assert code in refused.json()["message"]
    assert len(hubspot.records("contacts")) == 1


def test_an_email_belongs_to_one_contact(hubspot: HubSpot, client: httpx.Client) -> None:
    id = hubspot.add("contacts", email="ada@lovelace.example")
    again = {"properties": {"email": "ADA@lovelace.example"}}
    refused = client.post(CONTACTS, json=again)
    assert refused.status_code == 409
    assert refused.json()["message"] == f"Contact already exists. Existing ID: {id}"
    hubspot.archive("contacts", id)
    assert client.post(CONTACTS, json=again).status_code == 201


def test_a_batch_reads_what_there_is_and_names_the_rest(
    hubspot: HubSpot, client: httpx.Client
) -> None:
    id = hubspot.add("contacts", city="Cork")
    inputs = [{"id": id}, {"id": "999999"}]
    answered = client.post(
        f"{CONTACTS}/batch/read", json={"inputs": inputs, "properties": ["city"]}
    )
    assert answered.status_code == 207
    assert answered.json()["results"][0]["properties"]["city"] == "Cork"
    assert answered.json()["errors"][0]["context"] == {"ids": ["999999"]}


def test_a_batch_of_more_than_100_is_refused(client: httpx.Client) -> None:
    inputs = [{"id": str(number)} for number in range(101)]
    assert client.post(f"{CONTACTS}/batch/read", json={"inputs": inputs}).status_code == 400


def test_one_wrong_value_refuses_a_whole_batch(hubspot: HubSpot, client: httpx.Client) -> None:
    inputs = [{"properties": {"city": "Cork"}}, {"properties": {"citty": "Cork"}}]
    refused = client.post(f"{CONTACTS}/batch/create", json={"inputs": inputs})
    assert detail(refused) == (400, "PROPERTY_DOESNT_EXIST")
    assert hubspot.records("contacts") == {}


def test_batches_create_update_and_archive(hubspot: HubSpot, client: httpx.Client) -> None:
    inputs: list[Json] = [
        {"properties": {"city": "Cork"}, "objectWriteTraceId": "a"},
        {"properties": {"city": "Rome"}, "objectWriteTraceId": "b"},
    ]
    created = client.post(f"{CONTACTS}/batch/create", json={"inputs": inputs})
    assert created.status_code == 201
    assert [one["objectWriteTraceId"] for one in created.json()["results"]] == ["a", "b"]
    first, second = ids(created.json())
    inputs = [{"id": first, "properties": {"city": "Bern"}}, {"id": "1", "properties": {}}]
    updated = client.post(f"{CONTACTS}/batch/update", json={"inputs": inputs})
    assert (updated.status_code, ids(updated.json())) == (207, [first])
    archived = client.post(f"{CONTACTS}/batch/archive", json={"inputs": [{"id": second}]})
    assert archived.status_code == 204
    assert {id: one["city"] for id, one in hubspot.records("contacts").items()} == {first: "Bern"}
