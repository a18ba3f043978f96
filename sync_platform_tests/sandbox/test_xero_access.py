"""Who may call the fake Xero, and how often."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.xero import Xero
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.xero_asking import SECOND, calling, got

READING = ("accounting.contacts.read", "accounting.transactions.read")


@pytest.fixture
def xero(clock: Clock) -> Iterator[Xero]:
    with serve(Xero(tokens={"all": None, "reads": READING}, clock=clock)) as xero:
        yield xero


def test_every_call_names_an_organisation_that_the_token_opens(xero: Xero) -> None:
    xero.add("contacts", tenant=SECOND.id, Name="Only there", ContactStatus="ACTIVE")
    assert got(xero, "/Contacts").json()["Contacts"] == []
    assert len(got(xero, "/Contacts", tenant=SECOND.id).json()["Contacts"]) == 1
    refused = got(xero, "/Contacts", tenant="")
    assert (refused.status_code, refused.json()["Detail"]) == (403, "AuthenticationUnsuccessful")


def test_the_connections_are_those_of_the_consent(xero: Xero) -> None:
    token = grant(xero, code=xero.oauth.consent(None, accounts=[SECOND.id]))["access_token"]
    with calling(xero, token=token) as client:
        (listed,) = client.get(f"{xero.url}/connections").json()
        assert (listed["tenantId"], listed["tenantName"]) == (SECOND.id, SECOND.name)
        assert client.get("/Contacts").status_code == 403


def grant(xero: Xero, **form: str) -> Any:
    kind = "authorization_code" if "code" in form else "refresh_token"
    answer = httpx.post(
        f"{xero.url}/connect/token",
        data={"grant_type": kind, **form},
        auth=("sandbox-client", "sandbox-secret"),
    )
    return answer.json()


def test_a_refresh_token_works_once_and_dies_unused_after_sixty_days(
    xero: Xero, clock: Clock
) -> None:
    first = grant(xero, code=xero.oauth.consent(None))
    assert first["expires_in"] == 1800
    second = grant(xero, refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    clock.now += 61 * 86_400
    assert grant(xero, refresh_token=second["refresh_token"])["error"] == "invalid_grant"


def test_an_expired_token_and_a_missing_scope_are_both_401(xero: Xero, clock: Clock) -> None:
    token = grant(xero, code=xero.oauth.consent(None))["access_token"]
    clock.now += 1801
    expired = got(xero, "/Contacts", token=token)
    assert (expired.status_code, expired.json()["Detail"][:12]) == (401, "TokenExpired")
    refused = got(xero, "/Accounts", token="reads")
    assert (refused.status_code, refused.json()["Detail"]) == (401, "AuthorizationUnsuccessful")


def test_the_broad_scope_of_older_apps_reads_documents_but_writes_none(xero: Xero) -> None:
    with calling(xero, token="reads") as client:
        assert client.get("/Invoices").status_code == 200
        assert client.put("/Invoices", json={"Invoices": []}).status_code == 401


# -- limits ---------------------------------------------------------------------------------------


def test_each_organisation_has_its_limits_and_answers_tell_what_is_left(
    xero: Xero, clock: Clock
) -> None:
    xero.set_limits({"minute": 2, "day": 100})
    with calling(xero) as client:
        answers = [client.get("/Contacts") for _ in range(3)]
        assert [it.status_code for it in answers] == [200, 200, 429]
        assert [it.headers["X-MinLimit-Remaining"] for it in answers] == ["1", "0", "0"]
        assert answers[0].headers["X-DayLimit-Remaining"] == "99"
        refused = answers[2]
        assert refused.headers["X-Rate-Limit-Problem"] == "minute"
        assert 55 < int(refused.headers["Retry-After"]) < 62
        assert got(xero, "/Contacts", tenant=SECOND.id).status_code == 200
        clock.now += 61
        assert client.get("/Contacts").status_code == 200


def test_of_eight_calls_at_the_same_time_three_are_refused(xero: Xero) -> None:
    xero.fail("slow", times=8, seconds=0.5)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: got(xero, "/Contacts"), range(8)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [it.headers["X-Rate-Limit-Problem"] for it in refused] == ["concurrent"] * 3
    assert got(xero, "/Contacts").status_code == 200
