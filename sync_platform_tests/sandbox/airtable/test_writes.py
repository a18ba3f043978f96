"""The fake Airtable takes writes as Airtable does."""

import httpx
import pytest

from sync_platform.sandbox.airtable import Airtable
from sync_platform_tests.sandbox.airtable.asking import Json, refused


def test_ten_records_are_written_at_once_and_no_more(client: httpx.Client, path: str) -> None:
    new = [{"fields": {"Name": f"N{number}"}} for number in range(11)]
    assert client.post(path, json={"records": new}).status_code == 422
    made = client.post(path, json={"records": new[:10]}).json()["records"]
    changed = [{"id": each["id"], "fields": {"Stars": 2}} for each in made[:2]]
    assert client.patch(path, json={"records": changed}).status_code == 200
    ids = [each["id"] for each in made[2:4]]
    gone = client.delete(path, params={"records[]": ids}).json()
    assert gone == {"records": [{"id": id, "deleted": True} for id in ids]}
    assert client.delete(f"{path}/{ids[0]}").status_code == 404


def test_nothing_of_a_refused_call_is_written(client: httpx.Client, path: str) -> None:
    new = [{"fields": {"Name": "Ada"}}, {"fields": {"Stars": 9}}]
    assert refused(client.post(path, json={"records": new})) == (422, "INVALID_VALUE_FOR_COLUMN")
    assert client.get(path).json() == {"records": []}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"Gone": 1}, "UNKNOWN_FIELD_NAME"),
        ({"Loud": "ADA"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Name": 5}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Due": "soon"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Stage": "Nowhere"}, "INVALID_MULTIPLE_CHOICE_OPTIONS"),
        ({"Team": ["recNowhere"]}, "ROW_DOES_NOT_EXIST"),
        ({"Boss": {"email": "nobody@example.com"}}, "INVALID_VALUE_FOR_COLUMN"),
    ],
)
def test_what_does_not_fit_is_refused(
    client: httpx.Client, path: str, fields: Json, why: str
) -> None:
    assert refused(client.post(path, json={"fields": fields})) == (422, why)


def test_typecast_makes_it_fit(client: httpx.Client, path: str) -> None:
    fields = {"Name": 5, "Stage": "Nowhere"}
    made = client.post(path, json={"fields": fields, "typecast": True}).json()["fields"]
    assert (made["Name"], made["Stage"]) == ("5", "Nowhere")


def test_put_empties_what_is_not_named(airtable: Airtable, client: httpx.Client, path: str) -> None:
    id = airtable.add("People", Name="Ada", Stars=3)
    client.put(f"{path}/{id}", json={"fields": {"Name": "Grace"}})
    assert "Stars" not in airtable.records("People")[id]


def test_an_upsert_creates_or_updates(airtable: Airtable, client: httpx.Client, path: str) -> None:
    id = airtable.add("People", Name="Ada")
    both = [{"fields": {"Name": "Ada", "Stars": 3}}, {"fields": {"Name": "Bob"}}]
    asked = {"performUpsert": {"fieldsToMergeOn": ["Name"]}, "records": both}
    told = client.patch(path, json=asked).json()
    assert told["updatedRecords"] == [id]
    assert len(told["createdRecords"]) == 1
