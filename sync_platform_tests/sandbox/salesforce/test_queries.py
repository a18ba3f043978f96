"""The fake Salesforce answers queries as Salesforce does, also where that is inconvenient."""

import httpx
import pytest

from sync_platform.sandbox.salesforce import Salesforce
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.salesforce.asking import A_DAY, V, code, names, query


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
