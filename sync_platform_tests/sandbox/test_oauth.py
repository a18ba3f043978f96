"""The consent page of sandbox vendors, and its codes, are as strict as the strictest vendor."""

import httpx
import pytest

from sync_platform_tests.consenting import allowed, decide
from sync_platform_tests.sandbox.acme import REDIRECT_URI
from sync_platform_tests.sandbox.asking import Clock, Serve, me, page_of, redeem, refresh

# -- the consent page -----------------------------------------------------------------------------


def test_the_page_shows_who_asks_for_what_and_for_which_account(serving: Serve) -> None:
    page = httpx.get(page_of(serving(), scope="read <all>")).text
    assert "sync_platform would like to use your Acme account" in page
    assert "<li>read</li><li>&lt;all&gt;</li>" in page
    assert "One Ltd (1)" in page
    assert "Two &amp; Sons (2)" in page


def test_yes_gives_a_code_and_the_state_back(serving: Serve) -> None:
    vendor = serving(called_back=lambda grant: {"realmId": grant.accounts[0]})
    back = allowed(page_of(vendor), "2")
    assert (back["state"], back["realmId"]) == ("s&1", "2")
    token = redeem(vendor, back["code"]).json()["access_token"]
    assert me(vendor, token).json() == {"accounts": ["2"], "scopes": ["read", "write"]}


def test_no_is_told_without_a_code(serving: Serve) -> None:
    back = decide(page_of(serving()), "deny")
    assert str(back).startswith(f"{REDIRECT_URI}?")
    assert (back.params["error"], back.params["state"]) == ("access_denied", "s&1")
    assert "code" not in back.params


def test_several_accounts_can_be_chosen_where_the_vendor_lets_one(serving: Serve) -> None:
    vendor = serving(choose="many")
    token = redeem(vendor, allowed(page_of(vendor), "1", "2")["code"]).json()["access_token"]
    assert me(vendor, token).json()["accounts"] == ["1", "2"]
    only_one = serving()
    refused = httpx.post(page_of(only_one), data={"decision": "allow", "account": ["1", "2"]})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "other"}, {"redirect_uri": f"{REDIRECT_URI}/"}, {"redirect_uri": None}],
)
def test_nobody_is_sent_back_to_an_address_that_is_not_registered(
    serving: Serve, wrong: dict[str, str | None]
) -> None:
    for answer in (
        httpx.get(page_of(vendor := serving(), **wrong)),
        httpx.post(page_of(vendor, **wrong), data={"decision": "allow"}),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    "wrong", [{"code_challenge": None}, {"code_challenge_method": "plain"}, {"response_type": "x"}]
)
def test_pkce_is_demanded(serving: Serve, wrong: dict[str, str | None]) -> None:
    back = httpx.URL(httpx.get(page_of(serving(), **wrong)).headers["location"])
    assert "error" in back.params


# -- codes ----------------------------------------------------------------------------------------


def test_a_code_needs_its_verifier_and_its_redirect_address(serving: Serve) -> None:
    vendor = serving()
    for wrong in ({"code_verifier": "other"}, {"redirect_uri": "http://127.0.0.1:8000/other"}):
        refused = redeem(vendor, allowed(page_of(vendor))["code"], **wrong)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_code_that_comes_again_ends_what_came_of_it(serving: Serve) -> None:
    vendor = serving()
    code = allowed(page_of(vendor))["code"]
    first = redeem(vendor, code).json()
    assert redeem(vendor, code).json()["error"] == "invalid_grant"
    assert me(vendor, first["access_token"]).status_code == 401
    assert refresh(vendor, first["refresh_token"]).status_code == 400


def test_a_code_does_not_last(serving: Serve, clock: Clock) -> None:
    vendor = serving()
    code = allowed(page_of(vendor))["code"]
    clock.now += 61
    assert redeem(vendor, code).json()["error"] == "invalid_grant"
