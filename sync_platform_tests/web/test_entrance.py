"""Coming in and going out: the first admin, passwords, sessions, cookies."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sync_platform.engine.access import Role
from sync_platform.platform import Platform
from sync_platform_tests.web.serving import PASSWORD, Visitor, served, visitor


@pytest.fixture
def browser(web: str) -> Iterator[Visitor]:
    """A browser that has not been here before."""
    with visitor(web) as it:
        yield it


def test_the_first_admin_comes_in_by_a_one_time_link(
    web: str, platform: Platform, browser: Visitor
) -> None:
    link = platform.access.first_link()
    assert link is not None
    assert link.startswith(f"{web}/welcome/")
    assert "admin@localhost" in browser.look(link).text
    answer = browser.submit(link, password=PASSWORD, again=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "admin@localhost" in browser.look("/settings/people").text
    assert platform.access.first_link() is None
    again = browser.look(link)
    assert (again.status_code, "has been used" in again.text) == (401, True)


def test_a_password_is_typed_twice_and_long_enough(platform: Platform, browser: Visitor) -> None:
    link = platform.access.admin_link()
    browser.look(link)
    for password, again, told in (
        (PASSWORD, PASSWORD + "!", "not the same"),
        ("short", "short", "at least 12"),
    ):
        answer = browser.submit(link, password=password, again=again)
        assert answer.status_code == 422
        assert told in answer.text
        assert password not in answer.text.replace("password", "")
    assert browser.submit(link, password=PASSWORD, again=PASSWORD).status_code == 303


def test_signing_in_leads_to_where_one_wanted_to_go(ann: str, browser: Visitor) -> None:
    turned = browser.get("/settings/keys?x=1&y=2")
    assert turned.status_code == 303
    assert turned.headers["location"] == "/sign-in?next=/settings/keys%3Fx%3D1%26y%3D2"
    page = browser.look(turned.headers["location"])
    assert 'value="/settings/keys?x=1&amp;y=2"' in page.text
    answer = browser.submit("/sign-in", email=ann, password=PASSWORD, next="/settings/keys?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/keys?x=1")
    assert browser.get("/settings/keys").status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:x", ""],
)
def test_signing_in_never_leads_to_another_website(
    ann: str, browser: Visitor, elsewhere: str
) -> None:
    browser.look("/sign-in")
    answer = browser.submit("/sign-in", email=ann, password=PASSWORD, next=elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    ann: str, browser: Visitor
) -> None:
    browser.look("/sign-in")
    wrong = browser.submit("/sign-in", email=ann, password="wrong")
    unknown = browser.submit("/sign-in", email="eve@example.com", password="wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text.replace("eve@", "ann@")
    assert "is wrong" in wrong.text


def test_too_many_failures_are_told_to_wait(ann: str, browser: Visitor) -> None:
    browser.look("/sign-in")
    for _ in range(5):
        assert browser.submit("/sign-in", email=ann, password="wrong").status_code == 401
    answer = browser.submit("/sign-in", email=ann, password=PASSWORD)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "Try again in a minute" in answer.text


def test_signing_out_ends_the_session(web: str, signed_in: Visitor) -> None:
    token = signed_in.cookies["sync_platform_session"]
    assert signed_in.submit("/sign-out").headers["location"] == "/sign-in"
    assert "sync_platform_session" not in signed_in.cookies
    with visitor(web) as thief:
        thief.cookies.set("sync_platform_session", token)
        assert thief.get("/settings/account").status_code == 303


def test_a_new_session_has_a_new_token(ann: str, browser: Visitor) -> None:
    """A token that someone planted before the sign-in is worth nothing after it."""
    browser.cookies.set("sync_platform_session", "planted", domain="127.0.0.1")
    browser.look("/sign-in")
    browser.submit("/sign-in", email=ann, password=PASSWORD)
    assert "planted" not in [cookie.value for cookie in browser.cookies.jar]
    assert browser.get("/settings/account").status_code == 200


def test_a_changed_password_ends_the_sessions_elsewhere(
    ann: str, platform: Platform, signed_in: Visitor
) -> None:
    elsewhere = platform.access.sign_in(ann, PASSWORD, address="192.0.2.1")
    fields = {"password": "another password", "again": "another password"}
    refused = signed_in.submit("/settings/account/password", old="wrong", **fields)
    assert "old password is wrong" in refused.text
    answer = signed_in.submit("/settings/account/password", old=PASSWORD, **fields)
    assert answer.status_code == 303
    assert signed_in.get("/settings/account").status_code == 200
    assert platform.access.session(elsewhere) is None


def test_a_person_who_is_disabled_is_out_at_once(platform: Platform, signed_in: Visitor) -> None:
    bob = platform.access.add_person("bob@example.com", Role.ADMIN)
    platform.access.disable(platform.access.person("ann@example.com").id)
    assert signed_in.get("/settings/account").headers["location"].startswith("/sign-in")
    platform.access.whose_link(bob.token)


def test_cookies_are_for_the_browser_only(platform: Platform, browser: Visitor) -> None:
    link = platform.access.admin_link()
    told = [browser.look(link).headers["set-cookie"]]
    answer = browser.submit(link, password=PASSWORD, again=PASSWORD)
    told += answer.headers.get_list("set-cookie")
    assert any(it.startswith("sync_platform_session=") for it in told)
    for cookie in told:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie


def test_behind_https_cookies_are_for_that_host_and_never_in_the_open(platform: Platform) -> None:
    platform.settings = replace(platform.settings, public_url="https://sync.example.com")
    link = platform.access.admin_link()
    assert link.startswith("https://sync.example.com/welcome/")
    with served(platform) as url, visitor(url) as browser:
        browser.headers["Host"] = "sync.example.com"
        answer = browser.get(f"/welcome/{link.rpartition('/')[2]}")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-sync_platform_visitor=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
