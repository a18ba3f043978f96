"""The fake Salesforce's answers, held against those that the client library restforce recorded.

Only names and kinds of values are compared: what the sandbox answers must have all that the
recorded answer of the same call has, of the same kinds. Salesforce publishes no description of its
API to hold it against; samples say nothing of paging, errors' statuses or limits.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from sync_platform.connectors._salesforce_fields import TYPES
from sync_platform.connectors.salesforce import discovered
from sync_platform.sandbox import serve
from sync_platform.sandbox.oauth_words import challenge_of
from sync_platform.sandbox.salesforce import Salesforce
from sync_platform.spec import Answer, Discovered
from sync_platform_tests.consenting import allowed

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "salesforce"
V = "/services/data/v62.0"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
HERE = "http://127.0.0.1:8000/callback"

pytestmark = pytest.mark.skipif(
    not SAMPLES.exists(), reason=f"needs the recorded answers of Salesforce at {SAMPLES}"
)


def sample(name: str) -> Any:
    return orjson.loads((SAMPLES / f"{name}_response.json").read_bytes())


@pytest.fixture(scope="module")
def org() -> Iterator[Salesforce]:
    with serve(Salesforce(tokens=["t"], records=4)) as vendor:
        yield vendor


@pytest.fixture(scope="module")
def client(org: Salesforce) -> Iterator[httpx.Client]:
    signed = {"Authorization": "Bearer t"}
    with httpx.Client(base_url=f"{org.url}{V}", headers=signed) as client:
        yield client


def lacking(recorded: Any, answered: Any, place: str = "") -> list[str]:
    """Where the answer has not what the recorded one has."""
    if recorded is None or answered is None:
        return []  # a field without a value tells nothing
    if isinstance(recorded, dict):
        if not isinstance(answered, dict):
            return [f"{place} is {type(answered).__name__}"]
        found = [f"{place}.{name}" for name in recorded if name not in answered]
        for name in recorded.keys() & answered.keys():
            found += lacking(recorded[name], answered[name], f"{place}.{name}")
        return found
    if isinstance(recorded, list):
        if not isinstance(answered, list):
            return [f"{place} is {type(answered).__name__}"]
        both = zip(recorded[:1], answered[:1], strict=False)
        return [each for one, other in both for each in lacking(one, other, f"{place}[0]")]
    if isinstance(recorded, bool | str):
        same = isinstance(answered, type(recorded))
    else:
        same = isinstance(answered, int | float) and not isinstance(answered, bool)
    return [] if same else [f"{place} is {answered!r}, not like {recorded!r}"]


def soql(client: httpx.Client, text: str) -> Any:
    return client.get("/query", params={"q": text}).json()


def test_objects_are_listed_as_recorded(client: httpx.Client) -> None:
    assert lacking(sample("sobject__list_sobjects_success"), client.get("/sobjects").json()) == []


def test_an_object_is_described_as_recorded(client: httpx.Client) -> None:
    told = client.get("/sobjects/Account/describe").json()
    assert lacking(sample("sobject__sobject_describe_success"), told) == []


def test_queries_are_answered_as_recorded(org: Salesforce, client: httpx.Client) -> None:
    org.answering.page_size = 2
    first = soql(client, "SELECT Name FROM Account")
    recorded = sample("sobject__query_paginated_first_page")
    for page in (recorded, first):  # the recorded object has other fields
        page["records"] = [page["records"][0]["attributes"]]
    assert lacking(recorded, first) == []
    assert first["nextRecordsUrl"].startswith(f"{V}/query/01g")
    org.answering.page_size = 2000
    empty = soql(client, "SELECT Name FROM Account WHERE Name = 'nobody'")
    assert empty == sample("sobject__query_empty")
    assert lacking(sample("sobject__org_query"), soql(client, "SELECT Id, Name FROM Organization"))\
        == []  # fmt: skip


def test_values_are_written_as_recorded(org: Salesforce, client: httpx.Client) -> None:
    (recorded,) = sample("sobject__query_success")["records"]
    org.add("Invoice__c", Tags__c="four;six", Due__c="2010-01-01", Paid__c=False, Amount__c=23.0)
    (found,) = soql(
        client, "SELECT Paid__c, Due__c, Tags__c, SystemModstamp FROM Invoice__c"
        " WHERE Tags__c = 'four;six'",
    )["records"]  # fmt: skip
    assert found["Tags__c"] == recorded["Picklist_Multiselect_Label"]
    assert found["Due__c"] == recorded["Date_Label"]
    assert found["Paid__c"] is recorded["Checkbox_Label"]
    like = recorded["DateTime_Label"]
    assert [c.isdigit() for c in found["SystemModstamp"]] == [c.isdigit() for c in like]
    assert found["SystemModstamp"][-9:] == like[-9:] == ".000+0000"


def test_deletions_are_told_as_recorded(org: Salesforce, client: httpx.Client) -> None:
    org.delete("Lead", next(iter(org.records("Lead"))))
    now = org.clock()
    start, end = (httpx.QueryParams({"t": t}).get("t") for t in (_iso(now - 3600), _iso(now + 120)))
    told = client.get("/sobjects/Lead/deleted/", params={"start": start, "end": end}).json()
    assert len(told["deletedRecords"]) == 1
    assert lacking(sample("sobject__get_deleted_success"), told) == []


def _iso(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()


def test_writes_are_answered_as_recorded(client: httpx.Client) -> None:
    made = client.post("/sobjects/Account", json={"Name": "A"})
    assert lacking(sample("sobject__create_success"), made.json()) == []
    upserted = client.patch("/sobjects/Account/Number__c/7", json={"Name": "A"})
    assert lacking(sample("sobject__upsert_created_success"), upserted.json()) == []


@pytest.mark.parametrize(
    ("name", "method", "path", "json"),
    [
        ("sobject__sobject_describe_error", "GET", "/sobjects/Nope/describe", None),
        ("sobject__write_error", "POST", "/sobjects/Account", {"foo": 1}),
        ("sobject__upsert_error", "PATCH", "/sobjects/Account/Namez/1", {}),
        ("sobject__query_error", "GET", "/query?q=SELECT+foo+FROM+Account", None),
    ],
)
def test_errors_are_told_as_recorded(
    client: httpx.Client, name: str, method: str, path: str, json: Any
) -> None:
    answer = client.request(method, path, json=json)
    (recorded,), (told,) = sample(name), answer.json()
    assert answer.is_error
    assert told["errorCode"] == recorded["errorCode"]
    assert lacking(recorded, told) == []


def test_a_session_that_expired_is_told_as_recorded(org: Salesforce) -> None:
    signed = {"Authorization": "Bearer over"}
    answer = httpx.get(f"{org.url}{V}/sobjects", headers=signed)
    assert answer.json() == sample("expired_session")


def test_tokens_are_given_and_refused_as_recorded(org: Salesforce) -> None:
    params = {
        "response_type": "code", "client_id": "sandbox-client", "redirect_uri": HERE,
        "scope": "api refresh_token", "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }  # fmt: skip
    code = allowed(str(httpx.URL(f"{org.url}/services/oauth2/authorize", params=params)))["code"]
    app = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    token = f"{org.url}/services/oauth2/token"
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": HERE}
    given = httpx.post(token, data={**app, **form, "code_verifier": VERIFIER}).json()
    assert lacking(sample("auth_success"), given) == []
    assert "expires_in" not in given
    again = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    fresh = httpx.post(token, data={**app, **again}).json()
    assert lacking(sample("refresh_success"), fresh) == []
    refused = httpx.post(token, data={**app, "grant_type": "refresh_token", "refresh_token": "x"})
    assert (refused.status_code, refused.json()) == (400, sample("refresh_error"))


class Describing:
    """An Api that answers with the recorded describe."""

    settings: dict[str, str] = {}

    def get(self, path: str, **params: str) -> Any:
        return sample("sobject__sobject_describe_success")

    def send(self, request: object, asked: object = None) -> Any:
        raise AssertionError("not asked")

    def ask(self, request: object, asked: object = None) -> Answer:
        raise AssertionError("not asked")

    def pause(self, seconds: float) -> None:
        raise AssertionError("not asked")


def test_the_connector_understands_the_recorded_describe() -> None:
    flags = dict.fromkeys(("replicateable", "createable", "updateable", "deletable"), True)
    about = {"sobject": "Whizbang", **flags}
    it = discovered(Discovered(name="Whizbang", about=about))
    assert callable(it.fields)
    found = {each.name: each for each in it.fields(Describing())}
    recorded = sample("sobject__sobject_describe_success")["fields"]
    assert list(found) == [each["name"] for each in recorded]
    assert {each["type"] for each in recorded} <= TYPES.keys()
    assert found["SystemModstamp"].type == "timestamp"
    assert found["Auto_Number"].read_only
    assert found["Currency_Field"].type == "number"
    assert not found["CreateableButNotUpdateableField"].read_only
