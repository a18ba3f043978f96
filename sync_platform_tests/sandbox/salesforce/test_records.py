"""The fake Salesforce deletes and writes records as Salesforce does."""

import httpx
import pytest

from sync_platform.sandbox.salesforce import Salesforce
from sync_platform.sandbox.salesforce_org import marks, whole_id
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.salesforce.asking import Json, V, code, names


def deleted(client: httpx.Client, start: str, end: str) -> httpx.Response:
    params = {"start": start, "end": end}
    return client.get(f"{V}/sobjects/Account/deleted/", params=params)


def test_get_deleted_tells_by_the_minute(
    org: Salesforce, client: httpx.Client, clock: Clock
) -> None:
    id = org.add("Account", Name="A")
    org.delete("Account", id)  # 22:13:20
    clock.now += 600
    told = deleted(client, "2023-11-14T22:13:59Z", "2023-11-14T22:20:59Z").json()
    assert [it["id"] for it in told["deletedRecords"]] == [id]  # the seconds were cut off
    assert told["latestDateCovered"] == "2023-11-14T22:20:00.000+0000"
    assert deleted(client, "2023-11-14T22:14:00Z", "2023-11-14T22:20:00Z").json()[
        "deletedRecords"
    ] == []  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "error"),
    [
        ("2023-10-30T00:00:00Z", "2023-11-14T22:00:00Z", "INVALID_REPLICATION_DATE"),
        ("2023-11-14T22:00:00Z", "2023-11-14T22:00:59Z", "INVALID_REPLICATION_DATE"),
        ("yesterday", "2023-11-14T22:00:59Z", "INVALID_FIELD"),
    ],
)
def test_get_deleted_has_its_horizons(
    client: httpx.Client, start: str, end: str, error: str
) -> None:
    assert code(deleted(client, start, end)) == (400, error)


def test_get_deleted_tells_only_so_many(org: Salesforce, client: httpx.Client) -> None:
    org.answering.most_deleted = 1
    for id in org.add_many("Account", 2):
        org.purge("Account", id)
    told = deleted(client, "2023-11-14T22:00:00Z", "2023-11-14T23:00:00Z")
    assert code(told) == (400, "EXCEEDED_ID_LIMIT")


def test_what_comes_back_is_not_deleted(org: Salesforce, client: httpx.Client) -> None:
    id = org.add("Account", Name="A")
    org.delete("Account", id)
    org.undelete("Account", id)
    told = deleted(client, "2023-11-14T22:00:00Z", "2023-11-14T23:00:00Z").json()
    assert told["deletedRecords"] == []
    assert names(client, "Name != null") == ["A"]


def test_records_are_written(org: Salesforce, client: httpx.Client) -> None:
    at = f"{V}/sobjects/Account"
    made = client.post(at, json={"Name": "A"})
    assert (made.status_code, made.json()["success"]) == (201, True)
    id = made.json()["id"]
    assert client.patch(f"{at}/{id}", json={"Name": "B"}).status_code == 204
    assert org.records("Account")[id]["Name"] == "B"
    assert client.delete(f"{at}/{id}").status_code == 204
    assert code(client.delete(f"{at}/{id}")) == (404, "ENTITY_IS_DELETED")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "A", "Nope": 1}, "INVALID_FIELD"),
        ({"Name": "A", "OpenAmount__c": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "A", "Number__c": "taken"}, "DUPLICATE_VALUE"),
    ],
)
def test_what_cannot_be_written_is_refused(
    org: Salesforce, client: httpx.Client, values: Json, error: str
) -> None:
    org.add("Account", Name="There", Number__c="taken")
    assert code(client.post(f"{V}/sobjects/Account", json=values)) == (400, error)


def test_an_external_id_finds_or_makes(org: Salesforce, client: httpx.Client) -> None:
    at = f"{V}/sobjects/Account/Number__c/K%2F1"
    made, found = (client.patch(at, json={"Name": name}) for name in ("A", "B"))
    assert (made.status_code, found.status_code) == (201, 200)
    (record,) = org.records("Account").values()
    assert (record["Number__c"], record["Name"]) == ("K/1", "B")
    wrong = client.patch(f"{V}/sobjects/Account/Name/A", json={})
    assert code(wrong) == (404, "NOT_FOUND")


def test_collections_are_read_by_post_and_what_is_gone_is_null(
    org: Salesforce, client: httpx.Client
) -> None:
    there, gone = (org.add("Account", Name=name) for name in ("A", "B"))
    org.delete("Account", gone)
    at = f"{V}/composite/sobjects/Account"
    found = client.post(at, json={"ids": [gone, there], "fields": ["Name"]}).json()
    assert found[0] is None
    assert (found[1]["Id"], found[1]["Name"]) == (there, "A")
    most = client.post(at, json={"ids": ["x"] * 2001, "fields": ["Name"]})
    assert code(most) == (400, "INVALID_INPUT")


@pytest.mark.parametrize(("prefix", "number"), [("001", 1), ("a00", 61), ("003", 10**6)])
def test_ids_have_eighteen_characters_that_tell_their_case(prefix: str, number: int) -> None:
    id = whole_id(prefix, number)
    assert len(id) == 18
    assert id.startswith(prefix)


def test_the_checksum_is_that_of_a_recorded_id() -> None:
    """restforce's recorded getDeleted has a00D0000008pQRAIA2."""
    assert marks("a00D0000008pQRA") == "IA2"
