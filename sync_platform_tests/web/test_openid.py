"""Signing in through an OpenID provider that enforces what a good one does."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sync_platform.engine.access import Role
from sync_platform.platform import Platform
from sync_platform.sandbox.openid import OpenId, User
from sync_platform.sandbox.serving import serve
from sync_platform_tests.web.serving import Visitor, served, visitor

ANN = User(subject="1", email="Ann@Example.com", name="Ann")
BOB = User(subject="2", email="bob@example.com", name="Bob")
EVE = User(subject="3", email="eve@elsewhere.example", name="Eve")
NEW = User(subject="4", email="new@example.com", name="New", email_verified=False)


@pytest.fixture
def provider() -> Iterator[OpenId]:
    with serve(OpenId([ANN, BOB, EVE, NEW])) as it:
        yield it


Web = Callable[..., AbstractContextManager[Visitor]]


@pytest.fixture
def web_with(platform: Platform, provider: OpenId) -> Web:
    """Serves the web face with that provider and these settings; a new visitor to it."""

    @contextmanager
    def serving(**settings: Any) -> Iterator[Visitor]:
        platform.settings = replace(
            platform.settings,
            openid_issuer=provider.url,
            openid_client_id=provider.client_id,
            openid_client_secret=provider.client_secret,
            openid_domains=("example.com",),
            openid_admins=("ann@example.com",),
        )
        platform.settings = replace(platform.settings, **settings)
        with served(platform) as url, visitor(url) as browser:
            provider.redirect_uri = f"{url}/sign-in/openid/callback"
            yield browser

    return serving


@pytest.fixture
def browser(web_with: Web) -> Iterator[Visitor]:
    """A new visitor to a platform that has that provider."""
    with web_with() as it:
        yield it


def at_provider(browser: Visitor, user: User | None, path: str = "/sign-in/openid") -> str:
    """Go to the provider and choose an account there (None: cancel); the way back."""
    away = browser.get(path)
    assert away.status_code == 303, away.text
    with httpx.Client() as there:
        page = there.get(away.headers["location"])
        assert page.status_code == 200, page.text
        asked = dict(parse_qsl(urlsplit(away.headers["location"]).query))
        address = away.headers["location"].partition("?")[0]
        back = there.post(address, data={**asked, "email": user.email if user else ""})
    assert back.status_code == 303, back.text
    return back.headers["location"]


def test_the_first_sign_in_makes_a_person(browser: Visitor, platform: Platform) -> None:
    assert "Sign in with your organisation" in browser.get("/sign-in").text
    back = at_provider(browser, BOB, "/sign-in/openid?next=/settings/account%3Fx")
    answer = browser.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/account?x")
    page = browser.get("/settings/account")
    assert "bob@example.com" in page.text
    assert "Change the password" not in page.text
    (person,) = platform.access.people()
    assert (person.name, person.role, person.has_password) == ("Bob", Role.MEMBER, False)


def test_who_is_named_an_admin_is_one(browser: Visitor, platform: Platform) -> None:
    browser.get(at_provider(browser, ANN))
    assert browser.get("/settings/people").status_code == 200
    assert platform.access.person("ann@example.com").role is Role.ADMIN
    assert platform.access.first_link() is None


def test_a_person_is_known_by_the_provider_not_by_the_address(
    browser: Visitor, platform: Platform, provider: OpenId
) -> None:
    platform.access.add_person("bob@example.com", Role.ADMIN, "Robert")
    browser.get(at_provider(browser, BOB))
    (person,) = platform.access.people()
    assert (person.name, person.role) == ("Robert", Role.ADMIN)
    renamed = replace(BOB, email="robert@elsewhere.example")
    successor = replace(BOB, subject="5")
    provider.users = {user.email: user for user in (renamed, successor)}
    assert browser.get(at_provider(browser, renamed)).status_code == 303
    assert [it.email for it in platform.access.people()] == ["bob@example.com"]
    refused = browser.get(at_provider(browser, successor))
    assert refused.status_code == 403
    assert "belongs to another account" in refused.text


@pytest.mark.parametrize(
    ("user", "told"),
    [
        (EVE, "eve@elsewhere.example may not sign in here"),
        (NEW, "does not vouch for your e-mail address"),
        (None, "said no: &#39;access_denied&#39;"),
    ],
)
def test_others_are_turned_away(
    browser: Visitor, platform: Platform, user: User | None, told: str
) -> None:
    answer = browser.get(at_provider(browser, user))
    assert answer.status_code == 403
    assert told in answer.text
    assert platform.access.people() == []


def test_a_disabled_person_stays_out(browser: Visitor, platform: Platform) -> None:
    browser.get(at_provider(browser, BOB))
    platform.access.add_person("ann@example.com", Role.ADMIN)
    platform.access.disable(platform.access.person("bob@example.com").id)
    answer = browser.get(at_provider(browser, BOB))
    assert (answer.status_code, "is disabled here" in answer.text) == (403, True)


def test_an_address_that_only_userinfo_tells_counts(browser: Visitor, provider: OpenId) -> None:
    provider.email_in_token = False
    assert browser.get(at_provider(browser, BOB)).status_code == 303
    assert "bob@example.com" in browser.get("/settings/account").text


def test_a_way_back_works_in_the_browser_that_began_it(browser: Visitor) -> None:
    """Else someone could sign another person in as themselves, and see what they enter."""
    back = at_provider(browser, BOB)
    with visitor(str(browser.base_url)) as other:
        answer = other.get(back)
        assert (answer.status_code, "another browser" in answer.text) == (401, True)
        other.get("/sign-in/openid")
        assert other.get(back).status_code == 401
    assert browser.get(back).status_code == 303


def test_a_way_back_works_once(browser: Visitor) -> None:
    back = at_provider(browser, BOB)
    kept = dict(browser.cookies)
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 401, "the browser has forgotten its secret"
    with visitor(str(browser.base_url)) as thief:
        thief.cookies.update(kept)
        answer = thief.get(back)
        assert (answer.status_code, "code is used" in answer.text) == (401, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another-client"},
        {"aud": ["sandbox-openid-client", "another"]},
        {"azp": "another-client"},
        {"exp": 1_000_000_000},
        {"iat": 9_000_000_000},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=str,
)
def test_an_id_token_for_something_else_is_not_trusted(
    browser: Visitor, provider: OpenId, platform: Platform, wrong: dict[str, Any]
) -> None:
    provider.wrong = wrong
    answer = browser.get(at_provider(browser, BOB))
    assert answer.status_code == 401
    assert "cannot be trusted" in answer.text
    assert platform.access.people() == []


def test_an_answer_of_another_provider_is_not_trusted(browser: Visitor) -> None:
    back = at_provider(browser, BOB)
    answer = browser.get(f"{back.partition('&iss=')[0]}&iss=https://elsewhere.example&"
                         + back.rpartition("&")[2])  # fmt: skip
    assert (answer.status_code, "another provider" in answer.text) == (401, True)


def test_a_signature_of_an_unknown_key_is_not_trusted(browser: Visitor, provider: OpenId) -> None:
    provider.roll_key(told=False)
    answer = browser.get(at_provider(browser, BOB))
    assert (answer.status_code, "signature" in answer.text) == (401, True)


def test_a_wrong_client_secret_is_told_with_its_settings(web_with: Web) -> None:
    with web_with(openid_client_secret="hush-hush") as browser:
        answer = browser.get(at_provider(browser, BOB))
    assert "SYNC_PLATFORM_OIDC_CLIENT_SECRET" in answer.text
    assert "hush-hush" not in answer.text


def test_a_provider_that_is_away_is_told(browser: Visitor, provider: OpenId) -> None:
    provider.fail(status=503, path="/.well-known/openid-configuration")
    answer = browser.get("/sign-in/openid")
    assert (answer.status_code, "does not answer now" in answer.text) == (503, True)
    assert browser.get("/sign-in/openid").status_code == 303


def test_an_issuer_that_calls_itself_otherwise_is_refused(web_with: Web, provider: OpenId) -> None:
    """A slash more, even: what the ID tokens say must be what was set."""
    with web_with(openid_issuer=f"{provider.url}/") as browser:
        answer = browser.get("/sign-in/openid")
    assert "calls itself" in answer.text


def test_without_a_provider_there_is_no_such_way(web: str) -> None:
    assert "organisation" not in httpx.get(f"{web}/sign-in").text
    assert httpx.get(f"{web}/sign-in/openid").status_code == 404
    assert httpx.get(f"{web}/sign-in/openid/callback?code=x&state=y").status_code == 404
