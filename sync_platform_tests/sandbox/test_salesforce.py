"""The fake Salesforce does what Salesforce does, most of all where that is inconvenient."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.salesforce import Salesforce
from sync_platform.sandbox.salesforce_org import marks, whole_id
from sync_platform_tests.sandbox.asking import Clock

V = "/services/data/v62.0"
Json = dict[str, Any]
A_DAY = 86_400.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def org(clock: Clock) -> Iterator[Salesforce]:
    with serve(Salesforce(tokens=["t"], clock=clock)) as vendor:
        yield vendor


@pytest.fixture
def client(org: Salesforce) -> Iterator[httpx.Client]:
    signed = {"Authorization": "Bearer t"}
    with httpx.Client(base_url=org.url, headers=signed) as client:
        yield client


def query(client: httpx.Client, text: str, path: str = "query", **headers: str) -> Json:
    answer = client.get(f"{V}/{path}", params={"q": text}, headers=headers)
    found: Json = answer.raise_for_status().json()
    return found


def names(client: httpx.Client, where: str, path: str = "query") -> list[str]:
    found = query(client, f"SELECT Name FROM Account WHERE {where} ORDER BY Name", path)
    return [it["Name"] for it in found["records"]]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


# -- queries --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'ada'", ["Ada"]),
        ("Name != 'Ada'", ["Bob", "O'Neil"]),
        ("Name = 'O\\'Neil'", ["O'Neil"]),
        ("Name LIKE '%b%'", ["Bob"]),
        ("Type = null", ["Bob", "O'Neil"]),
        ("Type != 'Partner'", ["Ada", "Bob", "O'Neil"]),
        ("NumberOfEmployees > 5", ["Bob"]),
        ("NumberOfEmployees <= 5", ["Ada"]),
        ("Name IN ('Ada', 'Bob')", ["Ada", "Bob"]),
        ("Name NOT IN ('Ada', 'Bob')", ["O'Neil"]),
        ("Name = 'Ada' OR (Name = 'Bob' AND NumberOfEmployees = 9)", ["Ada", "Bob"]),
        ("NOT Name = 'Ada'", ["Bob", "O'Neil"]),
        ("CreatedDate >= 2023-11-14T22:13:20Z", ["Ada", "Bob", "O'Neil"]),
        ("CreatedDate > 2023-11-14T23:13:20+01:00", []),
    ],
)
def test_conditions_are_understood(
    org: Salesforce, client: httpx.Client, where: str, found: list[str]
) -> None:
    org.add("Account", Name="Ada", Type="Customer", NumberOfEmployees=5)
    org.add("Account", Name="Bob", NumberOfEmployees=9)
    org.add("Account", Name="O'Neil")
    assert names(client, where) == found


@pytest.mark.parametrize(
    ("text", "status", "error"),
    [
        ("SELECT Nope FROM Account", 400, "INVALID_FIELD"),
        ("SELECT Id FROM Nope", 400, "INVALID_TYPE"),
        ("SELECT Id FROM AccountChangeEvent", 400, "INVALID_TYPE"),
        ("SELECT Id FROM Account WHERE", 400, "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' OR Name = 'b' AND Name = 'c'", 400,
         "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2024-01-01'", 400, "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Description = 'x'", 400, "MALFORMED_QUERY"),
        ("SELECT Id, Id FROM Account", 400, "MALFORMED_QUERY"),
        ("SELECT Id FROM Account %", 400, "MALFORMED_QUERY"),
        ("", 400, "MALFORMED_QUERY"),
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused(
    client: httpx.Client, text: str, status: int, error: str
) -> None:
    assert code(client.get(f"{V}/query", params={"q": text})) == (status, error)


def test_pages_are_those_of_the_moment_of_the_query(
    org: Salesforce, client: httpx.Client, clock: Clock
) -> None:
    org.add_many("Account", 450)
    asked = {"Sforce-Query-Options": "batchSize=200"}
    page = query(client, "SELECT Id FROM Account", **asked)
    assert (page["totalSize"], page["done"], len(page["records"])) == (450, False, 200)
    org.add_many("Account", 5)
    sizes = [200]
    while not page["done"]:
        page = client.get(page["nextRecordsUrl"]).json()
        sizes.append(len(page["records"]))
    assert sizes == [200, 200, 50]


def test_a_locator_ends_after_two_days(org: Salesforce, client: httpx.Client, clock: Clock) -> None:
    org.answering.page_size = 2
    org.add_many("Account", 5)
    more = query(client, "SELECT Id FROM Account")["nextRecordsUrl"]
    clock.now += 2 * A_DAY + 1
    assert code(client.get(more)) == (400, "INVALID_QUERY_LOCATOR")


def test_only_query_all_finds_the_recycle_bin(org: Salesforce, client: httpx.Client) -> None:
    id = org.add("Account", Name="Gone")
    org.add("Account", Name="Here")
    org.delete("Account", id)
    assert names(client, "Name != null") == ["Here"]
    assert names(client, "Name != null", "queryAll") == ["Gone", "Here"]
    assert names(client, "IsDeleted = true", "queryAll") == ["Gone"]
    org.purge("Account", id)
    assert names(client, "Name != null", "queryAll") == ["Here"]


def test_an_address_may_not_be_too_long(org: Salesforce, client: httpx.Client) -> None:
    answer = client.get(f"{V}/query", params={"q": "x" * 16_384})
    assert answer.status_code == 414
    assert org.statuses[414] == 1


def test_queries_lag_behind_what_was_done(
    org: Salesforce, client: httpx.Client, clock: Clock
) -> None:
    org.org.lag = 60.0
    id = org.add("Account", Name="Late")
    assert names(client, "Name != null") == []
    assert client.get(f"{V}/sobjects/Account/{id}").json()["Name"] == "Late"
    clock.now += 61
    assert names(client, "Name != null") == ["Late"]
    moved = query(client, "SELECT SystemModstamp FROM Account")["records"][0]["SystemModstamp"]
    assert moved == "2023-11-14T22:13:20.000+0000"  # when it was done, not when it was seen


def test_formulas_change_in_silence(org: Salesforce, client: httpx.Client, clock: Clock) -> None:
    id = org.add("Account", Name="A")
    before = org.records("Account")[id]["SystemModstamp"]
    clock.now += 60
    org.recalculate("Account", id, OpenAmount__c=5.0)
    after = org.records("Account")[id]
    assert (after["SystemModstamp"], after["OpenAmount__c"]) == (before, 5.0)


# -- deletions ------------------------------------------------------------------------------------


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


# -- bulk -----------------------------------------------------------------------------------------


def job(client: httpx.Client, text: str, operation: str = "query") -> httpx.Response:
    return client.post(f"{V}/jobs/query", json={"operation": operation, "query": text})


def test_a_bulk_job_takes_a_while_and_gives_csv(org: Salesforce, client: httpx.Client) -> None:
    org.add("Account", Name='a "b"\n,', AnnualRevenue=1.5)
    org.add("Account", Name="B")
    text = "SELECT Name, AnnualRevenue, IsDeleted, SystemModstamp FROM Account"
    at = f"{V}/jobs/query/{job(client, text).json()['id']}"
    assert code(client.get(f"{at}/results")) == (400, "INVALIDJOBSTATE")
    assert [client.get(at).json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    first = client.get(f"{at}/results", params={"maxRecords": 1})
    assert first.text == (
        '"Name","AnnualRevenue","IsDeleted","SystemModstamp"\n'
        '"a ""b""\n,","1.5","false","2023-11-14T22:13:20.000Z"\n'
    )
    locator = first.headers["Sforce-Locator"]
    last = client.get(f"{at}/results", params={"maxRecords": 1, "locator": locator})
    assert '"B",""' in last.text
    assert last.headers["Sforce-Locator"] == "null"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT BillingAddress FROM Account", "FEATURENOTENABLED"),
        ("SELECT COUNT() FROM Account", "FEATURENOTENABLED"),
        ("SELECT Id FROM TaskStatus", "INVALIDENTITY"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
    ],
)
def test_not_everything_can_be_asked_in_bulk(client: httpx.Client, text: str, error: str) -> None:
    assert code(job(client, text)) == (400, error)


# -- writes and records ---------------------------------------------------------------------------


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


# -- the account ----------------------------------------------------------------------------------


def test_a_session_that_ended_or_never_was_is_refused(
    org: Salesforce, client: httpx.Client
) -> None:
    unknown = client.get(f"{V}/sobjects", headers={"Authorization": "Bearer x"})
    assert code(unknown) == (401, "INVALID_SESSION_ID")
    assert code(httpx.get(f"{org.url}{V}/sobjects")) == (401, "INVALID_AUTH_HEADER")


def test_the_daily_limit_is_told_with_every_answer_and_ends_in_a_403(
    org: Salesforce, client: httpx.Client
) -> None:
    org.limits["daily"].calls = 2
    used = [client.get(f"{V}/limits").headers["Sforce-Limit-Info"] for _ in range(2)]
    assert used == ["api-usage=1/2", "api-usage=2/2"]
    assert code(client.get(f"{V}/limits")) == (403, "REQUEST_LIMIT_EXCEEDED")


def test_what_is_hidden_is_as_if_it_was_not_there(org: Salesforce, client: httpx.Client) -> None:
    org.hide("Case")
    assert code(client.get(f"{V}/sobjects/Case/describe")) == (404, "NOT_FOUND")
    asked = client.get(f"{V}/query", params={"q": "SELECT Id FROM Case"})
    assert code(asked) == (400, "INVALID_TYPE")


def test_an_org_continues_after_a_restart(org: Salesforce, client: httpx.Client) -> None:
    org.add_many("Account", 3)
    fresh = Salesforce()
    fresh.resume(org.state())
    assert fresh.records("Account") == org.records("Account")
    assert fresh.add("Account", Name="A") not in org.records("Account")


def test_an_org_lives(org: Salesforce) -> None:
    before = org.version()
    for _ in range(5):
        org.live()
    assert org.version() > before
