"""Back from the vendor: which browser, whose sign-in, and what if the session ended meanwhile."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from sync_platform.engine.access import Role
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.person import Person
from sync_platform_tests.transport.wire import unused_url
from sync_platform_tests.web.serving import PASSWORD, Visitor, sign_in, visitor
from sync_platform_tests.web.visiting import sent_to, words

ANN = "ann@example.com"
COOKIE = "sync_platform_connecting"
CALLBACK = "/connect/callback"


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """With an OAuth client of HubSpot, and no Dagster."""
    clients = {"hubspot": ("sandbox-client", "sandbox-secret")}
    platform.settings = replace(platform.settings, oauth_clients=clients, dagster_url=unused_url())
    return platform


@pytest.fixture
def back(signed_in: Visitor, hubspot: HubSpot) -> dict[str, str]:
    """What the vendor sends Ann's browser back with: she has allowed it."""
    signed_in.look("/connect/hubspot")
    answer = signed_in.submit("/connect/hubspot/oauth", base_url=hubspot.url)
    return Person().allows(sent_to(answer.text))


@pytest.fixture
def stranger(web: str) -> Iterator[Visitor]:
    """A browser that has begun nothing."""
    with visitor(web) as it:
        yield it


def sessions_end(platform: Platform, signed_in: Visitor) -> None:
    """As after twelve hours without use: the browser has its cookies still."""
    platform.access.sign_out(signed_in.cookies["sync_platform_session"])
    assert signed_in.get("/connect").is_redirect


def signs_in(browser: Visitor, email: str, path: str) -> str:
    """Sign in with the password; where one is led then."""
    browser.look(path)
    form = {"email": email, "password": PASSWORD, "next": path.partition("next=")[2]}
    return browser.submit("/sign-in", **form).headers["location"]


def test_whose_session_ended_meanwhile_signs_in_and_goes_on(
    ann: str, signed_in: Visitor, back: dict[str, str], platform: Platform
) -> None:
    sessions_end(platform, signed_in)
    came = signed_in.get(CALLBACK, params=back)
    assert came.status_code == 303
    path = came.headers["location"]
    assert path.startswith("/sign-in?next=/connect/sign-ins/")
    assert back["code"] not in path
    assert back["state"] not in path
    assert "Sign in once more to go on connecting" in words(signed_in.look(path).text)
    place = signs_in(signed_in, ann, path)
    assert signed_in.get(place).headers["location"] == f"{place}/objects"
    signed_in.look(f"{place}/objects")
    answer = signed_in.submit(f"{place}/objects", name="acme", objects="deals")
    assert answer.headers["location"].startswith("/connections/acme")
    assert platform.connection("acme").account_id == "24117733"


def test_without_a_session_nothing_is_shown_or_changed_but_that_the_code_is_used(
    signed_in: Visitor, back: dict[str, str], platform: Platform
) -> None:
    sessions_end(platform, signed_in)
    path = signed_in.get(CALLBACK, params=back).headers["location"].partition("next=")[2]
    for page in (path, f"{path}/objects"):
        assert signed_in.get(page).headers["location"] == f"/sign-in?next={page}"
    signed_in.headers.pop("X-CSRF-Token", None)
    assert signed_in.post(f"{path}/objects", data={"name": "acme"}).status_code == 401
    assert signed_in.get(CALLBACK, params=back).status_code == 409  # a state works once
    assert platform.connections() == []


def test_a_session_that_ends_before_the_objects_are_chosen_loses_nothing(
    ann: str, signed_in: Visitor, back: dict[str, str], platform: Platform
) -> None:
    path = f"{signed_in.get(CALLBACK, params=back).headers['location']}/objects"
    sessions_end(platform, signed_in)
    turned = signed_in.get(path).headers["location"]
    assert signs_in(signed_in, ann, turned) == path
    assert "What should be synced?" in words(signed_in.get(path).text)


def test_another_browser_gets_nothing_and_spoils_nothing(
    signed_in: Visitor, back: dict[str, str], stranger: Visitor
) -> None:
    assert "has begun no sign-in" in words(stranger.get(CALLBACK, params=back).text)
    for known in ("ann@example.com", "", "x" * 32, "%00"):  # who is who is not told by the way
        stranger.cookies.set(COOKIE, f"{'g' * 43}.{known}", domain="127.0.0.1")
        assert "has begun no sign-in" in words(stranger.get(CALLBACK, params=back).text)
    ann = signed_in.cookies[COOKIE].partition(".")[2]
    stranger.cookies.set(COOKIE, f"{'g' * 43}.{ann}", domain="127.0.0.1")
    answer = stranger.get(CALLBACK, params=back)
    assert answer.status_code == 409
    assert "begun in another browser" in words(answer.text)
    assert signed_in.get(CALLBACK, params=back).status_code == 303


def test_who_signs_in_next_in_that_browser_cannot_take_it_up(
    web: str, signed_in: Visitor, back: dict[str, str], platform: Platform
) -> None:
    with closing(sign_in(web, platform, "eve@example.com")) as eve:
        eve.cookies.set(COOKIE, signed_in.cookies[COOKIE], domain="127.0.0.1")
        answer = eve.get(CALLBACK, params=back)
        assert (answer.status_code, "Somebody else began" in answer.text) == (409, True)
        path = signed_in.get(CALLBACK, params=back).headers["location"]
        for page in (path, f"{path}/objects"):
            refused = eve.get(page)
            assert refused.status_code == 409
            assert "You have begun no sign-in in this browser" in words(refused.text)
        # Whose it is may be told otherwise, but then it is another secret.
        random = signed_in.cookies[COOKIE].partition(".")[0]
        del eve.cookies[COOKIE]
        hers = platform.access.person("eve@example.com").id
        eve.cookies.set(COOKIE, f"{random}.{hers}", domain="127.0.0.1")
        assert "no such sign-in" in words(eve.get(path).text)


def test_signing_out_gives_up_what_was_begun(
    signed_in: Visitor, back: dict[str, str], platform: Platform
) -> None:
    signed_in.submit("/sign-out")
    assert COOKIE not in signed_in.cookies
    assert signed_in.get(CALLBACK, params=back).status_code == 409


@pytest.mark.parametrize("change", ["disabled", "demoted"])
def test_who_may_not_connect_any_more_brings_nothing_back(
    signed_in: Visitor, back: dict[str, str], platform: Platform, change: str
) -> None:
    platform.access.add_person("bob@example.com", Role.ADMIN)
    ann = platform.access.person(ANN).id
    sessions_end(platform, signed_in)
    if change == "disabled":
        platform.access.disable(ann)
    else:
        platform.access.set_role(ann, Role.MEMBER)
    answer = signed_in.get(CALLBACK, params=back)
    assert (answer.status_code, "may not connect accounts any more" in answer.text) == (403, True)
    platform.access.enable(ann)
    platform.access.set_role(ann, Role.ADMIN)
    assert signed_in.get(CALLBACK, params=back).status_code == 303  # the code was not used


def test_saying_no_at_the_vendor_is_told_without_a_session_too(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    signed_in.look("/connect/hubspot")
    answer = signed_in.submit("/connect/hubspot/oauth", base_url=hubspot.url)
    denied = Person().denies(sent_to(answer.text))
    sessions_end(platform, signed_in)
    told = signed_in.get(CALLBACK, params=denied)
    assert (told.status_code, "so nothing was connected" in words(told.text)) == (409, True)
    assert 'href="/connect/hubspot">Begin again' in told.text


def test_the_browsers_cookie_is_kept_from_scripts_and_for_an_hour(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    signed_in.look("/connect/hubspot")
    answer = signed_in.submit("/connect/hubspot/oauth", base_url=hubspot.url)
    told = answer.headers["set-cookie"]
    assert told.startswith(f"{COOKIE}=")
    assert told.endswith(
        f".{platform.access.person(ANN).id}; HttpOnly; Max-Age=3600; Path=/; SameSite=lax"
    )
    first = signed_in.cookies[COOKIE]
    signed_in.submit("/connect/hubspot/oauth", base_url=hubspot.url)
    assert signed_in.cookies[COOKIE] == first  # two windows at once
