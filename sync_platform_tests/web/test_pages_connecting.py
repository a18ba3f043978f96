"""Adding a connection on the pages, and signing one in again."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform_tests.books_vendor import CLIENT, FOLDER, Books
from sync_platform_tests.person import Person, query_of
from sync_platform_tests.transport.wire import unused_url
from sync_platform_tests.web.running import RunningDagster, running_dagster
from sync_platform_tests.web.serving import Visitor, served, sign_in
from sync_platform_tests.web.visiting import consents, member, read, sent_to, words

HUBSPOT = ("sandbox-client", "sandbox-secret")


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """With OAuth clients of both vendors, and no Dagster."""
    platform.settings = replace(
        platform.settings,
        connector_folders=(FOLDER,),
        oauth_clients={"books": CLIENT, "hubspot": HUBSPOT},
        dagster_url=unused_url(),
    )
    return platform


@pytest.fixture
def books() -> Iterator[Books]:
    with serve(Books()) as vendor:
        yield vendor


@pytest.fixture
def dagster(platform: Platform) -> Iterator[RunningDagster]:
    with running_dagster(platform) as it:
        platform.settings = replace(platform.settings, dagster_url=it.url)
        yield it


def connected(browser: Visitor, hubspot: HubSpot, name: str = "acme") -> str:
    """Sign in at HubSpot, choose contacts and deals; where one is sent then."""
    browser.look("/connect/hubspot")
    path = consents(browser, "/connect/hubspot/oauth", base_url=hubspot.url)
    browser.look(path)
    path = f"{path.removesuffix('/objects')}/objects"
    browser.look(path)
    answer = browser.submit(path, name=name, objects=["contacts", "deals"])
    assert answer.status_code == 303, words(answer.text)
    return answer.headers["location"]


def test_every_connector_is_offered_with_what_it_can_do(signed_in: Visitor) -> None:
    told = read(signed_in, "/connect")
    assert "HubSpot Objects 7 Only what changed 6 of 7 Two-way 6 of 7" in told
    assert "Syncs every 15 minutes (5 minutes to 1 day)" in told
    assert "Books" in told


def test_the_ways_of_every_connector_are_shown(signed_in: Visitor, platform: Platform) -> None:
    for name, connector in platform.connectors().items():
        told = read(signed_in, f"/connect/{name}")
        assert f"Connect {connector.label}" in told
        assert all(way.label in told for way in platform.connecting.ways(name))


def test_an_account_is_connected_and_its_first_sync_begins_by_itself(
    signed_in: Visitor, hubspot: HubSpot, dagster: RunningDagster, platform: Platform
) -> None:
    place = connected(signed_in, hubspot)
    assert place.startswith("/connections/acme?request=")
    assert [run.objects for run in dagster.runs] == [["contacts", "deals"]]
    it = platform.connection("acme")
    assert (it.schema, it.account_id) == ("acme", "24117733")
    assert "Contacts" in read(signed_in, place)


def test_going_back_to_a_sign_in_that_is_done_leads_to_its_connection(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    signed_in.look("/connect/hubspot")
    path = consents(signed_in, "/connect/hubspot/oauth", base_url=hubspot.url)
    for _ in range(2):  # the button pressed twice
        answer = signed_in.submit(f"{path}/objects", name="acme", objects="deals")
        assert answer.headers["location"].startswith("/connections/acme")
    for page in (path, f"{path}/objects"):
        assert signed_in.get(page).headers["location"] == "/connections/acme"
    assert len(platform.connections()) == 1


def test_without_dagster_it_is_connected_all_the_same_and_says_when_it_syncs(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    place = connected(signed_in, hubspot)
    assert "It starts by itself, at the next tick" in read(signed_in, place)
    assert [each.connection.name for each in platform.due()] == ["acme"]


def test_filters_and_interval_are_kept_and_a_wrong_one_is_told_without_losing_the_form(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    signed_in.look("/connect/hubspot")
    path = consents(signed_in, "/connect/hubspot/oauth", base_url=hubspot.url) + "/objects"
    html = signed_in.look(path).text
    assert "favourite" not in html
    assert "<code>email</code>" in html
    form = {"name": "acme", "objects": "contacts", "filter.contacts.lifecyclestage": "customer"}
    wrong = signed_in.submit(path, **form, interval="1")
    assert wrong.status_code == 409
    assert "The interval must be from" in words(wrong.text)
    assert 'value="customer"' in wrong.text
    nothing = signed_in.submit(path, name="acme")
    assert (nothing.status_code, platform.connections()) == (422, [])
    assert signed_in.submit(path, **form, interval="30", schema="crm").status_code == 303
    it = platform.connection("acme")
    assert (it.schema, it.objects[0].filters) == ("crm", {"lifecyclestage": "customer"})
    assert it.interval is not None
    assert it.interval.total_seconds() == 1800


def test_what_the_vendor_lists_is_asked_and_what_it_does_not_permit_is_greyed(
    signed_in: Visitor, books: Books, platform: Platform
) -> None:
    signed_in.look("/connect/books")
    form = {"setting.login": books.url, "objects": "invoices"}
    path = consents(signed_in, "/connect/books/oauth", account="ann", **form)
    assert "Two & Sons" in read(signed_in, path)
    wrong = signed_in.submit(path, asked="organisation", **{"option.organisation": "o9"})
    assert "There are: o1 (One Ltd), o2 (Two & Sons)." in words(wrong.text)
    answer = signed_in.submit(path, asked="organisation", **{"option.organisation": "o2"})
    assert answer.headers["location"] == f"{path}/objects"
    html = signed_in.look(f"{path}/objects").text
    assert 'value="notes" disabled' in html
    assert "The sign-in did not ask for it (notes.read)." in words(html)
    signed_in.submit(f"{path}/objects", name="sons", objects="invoices")
    assert platform.connection("sons").settings["organisation"] == "o2"


def test_a_key_is_tried_and_never_shown_again(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    signed_in.look("/connect/hubspot")
    form = {"way": "BearerToken", "base_url": hubspot.url}
    wrong = signed_in.submit("/connect/hubspot/key", **form, **{"secret.token": "not-the-key-1"})
    assert wrong.status_code == 409
    assert "does not accept these credentials" in words(wrong.text)
    assert "not-the-key-1" not in wrong.text
    assert hubspot.url in wrong.text
    right = signed_in.submit("/connect/hubspot/key", **form, **{"secret.token": "sandbox-token"})
    path = f"{right.headers['location']}/objects"
    assert "sandbox-token" not in signed_in.look(path).text
    signed_in.submit(path, name="acme", objects="contacts")
    for page in ("", "/tables", "/syncs", "/changes", "/settings", "/sign-in"):
        assert "sandbox-token" not in signed_in.get(f"/connections/acme{page}").text
    assert platform.credentials.read("acme")["token"] == "sandbox-token"


def test_a_key_file_may_be_uploaded(signed_in: Visitor, books: Books) -> None:
    signed_in.look("/connect/books")
    signed_in.headers.pop("X-CSRF-Token")
    content = json.dumps({"key": books.private_key, "email": "robot@books"})
    answer = signed_in.post(
        "/connect/books/key",
        data={
            "csrf": signed_in.csrf,
            "way": "JwtBearer",
            "setting.login": books.url,
            "setting.instance_url": books.url,
        },
        files={"secret.key_file": ("key.json", content)},
    )
    assert answer.status_code == 303, words(answer.text)


def test_without_an_oauth_client_the_page_says_what_to_do_and_takes_one(
    signed_in: Visitor, platform: Platform, web: str
) -> None:
    platform.settings = replace(platform.settings, oauth_clients={})
    told = read(signed_in, "/connect/hubspot")
    assert "There is no OAuth client for HubSpot yet" in told
    assert f"{web}/connect/callback" in told
    assert "SYNC_PLATFORM_OAUTH_HUBSPOT_CLIENT_ID" in told
    form = {"client_id": "our-app", "client_secret": "very-secret-marker"}
    assert signed_in.submit("/connect/hubspot/client", **form).status_code == 303
    html = signed_in.look("/connect/hubspot").text
    assert "Go to HubSpot" in html
    assert "very-secret-marker" not in html


def test_saying_no_at_the_vendor_connects_nothing(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    signed_in.look("/connect/hubspot")
    path = "/connect/hubspot/oauth"
    told = consents(signed_in, path, decision="deny", base_url=hubspot.url)
    assert "so nothing was connected" in told
    assert platform.connections() == []


def test_the_way_back_is_for_the_browser_that_left_and_for_once(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform, web: str
) -> None:
    def allowed() -> dict[str, str]:
        answer = signed_in.submit("/connect/hubspot/oauth", base_url=hubspot.url)
        return Person().allows(sent_to(answer.text))

    signed_in.look("/connect/hubspot")
    mine, stolen = allowed(), allowed()
    with closing(sign_in(web, platform, "eve@example.com")) as eve:
        assert eve.get("/connect/callback", params=stolen).status_code == 409
    with Visitor(base_url=web) as stranger:
        assert stranger.get("/connect/callback", params=mine).status_code == 409
    assert signed_in.get("/connect/callback", params=mine).status_code == 303
    assert signed_in.get("/connect/callback", params=mine).status_code == 409
    assert signed_in.get("/connect/callback", params=stolen).status_code == 303  # not used up
    assert platform.connections() == []


def test_another_account_takes_a_connections_place_only_when_that_is_confirmed(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    connected(signed_in, hubspot)
    again = "/connections/acme/sign-in"
    assert "Sign acme in again" in read(signed_in, again)
    path = consents(signed_in, f"{again}/oauth", account="24117734")
    assert "belongs to account 24117734" in read(signed_in, path)
    assert platform.connection("acme").account_id == "24117733"
    assert signed_in.submit(f"{path}/confirm").status_code == 303
    assert platform.connection("acme").account_id == "24117734"


def test_another_account_takes_what_a_disconnected_one_left_only_when_that_is_confirmed(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    connected(signed_in, hubspot)
    request = SyncRequest(target=Target("acme", "deals"))
    platform.sync(request).run(into=platform.destination)
    platform.disconnect("acme")
    signed_in.look("/connect/hubspot")
    path = consents(signed_in, "/connect/hubspot/oauth", base_url=hubspot.url, account="24117734")
    signed_in.look(f"{path}/objects")
    refused = signed_in.submit(f"{path}/objects", name="acme", objects="deals")
    assert "the schema acme holds the data of hubspot account 24117733" in words(refused.text)
    assert "This account takes the place of the old one" in words(refused.text)
    assert platform.connections() == []
    made = signed_in.submit(f"{path}/objects", name="acme", objects="deals", confirmed="yes")
    assert made.status_code == 303
    assert platform.connection("acme").account_id == "24117734"


def test_signing_in_again_ends_the_need_for_it(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    connected(signed_in, hubspot)
    platform.store.flag("acme", ConnectionStatus.NEEDS_REAUTH, "Reconnect acme.")
    assert "Sign in again" in read(signed_in, "/connections/acme")
    signed_in.look("/connections/acme/sign-in")
    path = consents(signed_in, "/connections/acme/sign-in/oauth", base_url=hubspot.url)
    done = signed_in.get(path)
    assert done.headers["location"] == "/connections/acme?said=signed-in"
    assert "Signed in again." in read(signed_in, done.headers["location"])
    assert platform.connection("acme").status is ConnectionStatus.ACTIVE


def test_a_setting_that_is_emptied_when_signing_in_again_is_taken_out(
    signed_in: Visitor, acme: Connection, platform: Platform
) -> None:
    path = "/connections/acme-hubspot/sign-in"
    assert 'name="setting.rate_limit.burst" value="unlimited"' in signed_in.look(path).text
    form = {"way": "BearerToken", "secret.token": "sandbox-token", "setting.rate_limit.burst": ""}
    place = signed_in.submit(f"{path}/key", **form).headers["location"]
    assert signed_in.get(place).headers["location"] == "/connections/acme-hubspot?said=signed-in"
    kept = platform.connection("acme-hubspot").settings
    assert kept == {"rate_limit.search": "unlimited", "rate_limit.daily": "unlimited"}


def test_begin_again_leads_to_where_it_was_begun(
    signed_in: Visitor, hubspot: HubSpot, platform: Platform
) -> None:
    def led_to(path: str, **form: str) -> str:
        """Say no at the vendor; where the page that tells so leads."""
        answer = signed_in.submit(path, **form)
        back = query_of(Person().decides(sent_to(answer.text), "deny"))
        told = signed_in.get("/connect/callback", params=back)
        assert told.status_code == 409
        found = re.search(r'href="([^"]+)">Begin again', told.text)
        assert found, words(told.text)
        return found[1]

    signed_in.look("/connect/hubspot")
    assert led_to("/connect/hubspot/oauth", base_url=hubspot.url) == "/connect/hubspot"
    connected(signed_in, hubspot)
    assert led_to("/connections/acme/sign-in/oauth") == "/connections/acme/sign-in"
    unknown = signed_in.get("/connect/callback", params={"state": "x", "code": "y"})
    assert 'href="/connect">Begin again' in unknown.text


def test_members_may_not_connect(platform: Platform) -> None:
    with served(platform) as web, closing(member(web, platform)) as bob:
        for path in ("/connect", "/connect/hubspot", "/connect/callback", "/connect/sign-ins/x"):
            assert bob.get(path).status_code == 403, path
        for path in ("/connect/hubspot/oauth", "/connect/hubspot/key", "/connect/hubspot/client"):
            assert bob.submit(path).status_code == 403, path
