"""The fake Salesforce's sessions, limits and permissions."""

import httpx

from sync_platform.sandbox.salesforce import Salesforce
from sync_platform_tests.sandbox.salesforce.asking import V, code


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
