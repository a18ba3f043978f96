"""A marker is planted in every secret that comes through pages and API; whatever fails then, no
page, no answer, no log of the web process and no table has it."""

import re
import secrets as random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import psycopg
import pytest

from sync_platform.engine.access import Role
from sync_platform.settings import Settings
from sync_platform.web.cookies import CONNECTING
from sync_platform_tests.journeys.looking import wait, walk
from sync_platform_tests.journeys.planted import FAILURES, PLANTED, PRIVATE_KEY, mend
from sync_platform_tests.journeys.planted_web import ANN, BOB, MARKERS, Web, serving
from sync_platform_tests.person import Person, query_of
from sync_platform_tests.web.serving import Visitor
from sync_platform_tests.web.visiting import sent_to, words

SEALED = "marker-of-an-idempotent-call"  # no secret: an Idempotency-Key


@pytest.fixture
def web(settings: Settings, tmp_path: Path) -> Iterator[Web]:
    with serving(settings, tmp_path / "web.log") as it:
        yield it


def first_admin(web: Web) -> Visitor:
    """Comes in by a one-time link, with mistakes; goes out and in again, with mistakes."""
    link = web.stage.platform.access.admin_link(ANN)
    web.made["link of the first admin"] = link.rpartition("/")[2]
    right, wrong = MARKERS["password of Ann"], MARKERS["mistyped password"]
    browser = web.browser()
    browser.look(link)
    web.knows("Ann, new", browser)
    assert browser.submit(link, password=right, again=wrong).status_code == 422
    assert browser.submit(link, password="short", again="short").status_code == 422
    assert browser.submit(link, password=right, again=right).status_code == 303
    web.knows("Ann, at first", browser)
    assert browser.get(link).status_code == 401
    browser.look("/settings/account")
    assert browser.submit("/settings/account/password", old=wrong, password=right, again=right)
    assert browser.submit("/sign-out").status_code == 303
    browser.look("/sign-in?next=/settings/keys")
    web.knows("Ann, out", browser)
    assert browser.submit("/sign-in", email=ANN, password=wrong).status_code == 401
    assert browser.submit("/sign-in", email=ANN, password=right).status_code == 303
    web.knows("Ann", browser)
    browser.look("/settings/account")
    return browser


def through_the_provider(web: Web) -> None:
    """Bob signs in through OpenID Connect: first as he must not, then rightly."""
    for number, (change, wrong) in enumerate(
        (({"error": "access_denied"}, {}), ({"code": "another"}, {}), ({}, {"aud": "x"}), ({}, {}))
    ):
        browser = web.browser()
        away = browser.get("/sign-in/openid").headers["location"]
        web.knows(f"Bob {number}", browser)
        asked = dict(parse_qsl(urlsplit(away).query))
        web.made[f"OpenID state {number}"] = asked["state"]
        back = httpx.post(away.partition("?")[0], data={**asked, "email": BOB.email})
        query = query_of(back.headers["location"])
        web.made[f"OpenID code {number}"] = query["code"]
        web.provider.wrong = wrong
        stranger = web.browser().get("/sign-in/openid/callback", params=query)
        assert stranger.status_code == 401
        answer = browser.get("/sign-in/openid/callback", params={**query, **change})
        assert answer.status_code == (401 if change or wrong else 303) or "error" in change
        web.knows(f"Bob {number}", browser)


def leave(web: Web, browser: Visitor, path: str, number: int) -> dict[str, str]:
    """Go to the vendor and say yes there; what it sends back."""
    answer = browser.submit(path, base_url=web.stage.vendor.url)
    assert answer.status_code == 200, words(answer.text)
    back = query_of(Person().decides(sent_to(answer.text), "allow"))
    web.made |= {f"state {number}": back["state"], f"code {number}": back["code"]}
    return back


def through_the_vendor(web: Web, browser: Visitor) -> None:
    """An OAuth client is entered, first a wrong one; the way back goes wrong in every way."""
    vendor, other = web.stage.vendor, web.browser()
    link = web.stage.platform.access.admin_link("eve@example.com")
    web.made["link of Eve"] = link.rpartition("/")[2]
    other.look(link)
    other.submit(link, password="another password", again="another password")
    web.knows("Eve", other)
    browser.look("/connect/echoing")
    back: dict[str, str] = {}
    for number, (secret, change, denial) in enumerate(
        (
            (MARKERS["mistyped client secret"], {}, None),
            (PLANTED["our client secret"], {"error": "access_denied", "code": ""}, None),
            (PLANTED["our client secret"], {"error": "server_error", "code": ""}, None),
            (PLANTED["our client secret"], {"code": "another"}, None),
            (PLANTED["our client secret"], {"state": "another"}, None),
            (PLANTED["our client secret"], {}, (400, "invalid_grant")),
            (PLANTED["our client secret"], {}, (401, "invalid_client")),
            (PLANTED["our client secret"], {}, (500, "server_error")),
        )
    ):
        kept = browser.submit("/connect/echoing/client", client_id="our-app", client_secret=secret)
        assert kept.status_code == 303
        back = leave(web, browser, "/connect/echoing/oauth", number)
        vendor.denies, vendor.denial = denial is not None, denial or (400, "invalid_grant")
        assert other.get("/connect/callback", params=back).status_code == 409
        assert web.browser().get("/connect/callback", params=back).status_code == 409
        assert browser.get("/connect/callback", params={**back, **change}).status_code >= 400
        assert browser.get("/connect/callback", params={**back, **change}).status_code >= 400
        vendor.denies = False
    web.knows("Ann, connecting", browser)
    back = leave(web, browser, "/connect/echoing/oauth", 99)
    without_session = web.browser()
    without_session.cookies.set(CONNECTING, browser.cookies[CONNECTING], domain="127.0.0.1")
    wrong = without_session.get("/connect/callback", params={**back, "state": "another"})
    assert wrong.status_code == 409
    went_on = without_session.get("/connect/callback", params=back)
    assert went_on.headers["location"].startswith("/sign-in?next=")
    came = browser.get(went_on.headers["location"])  # somebody is signed in here
    connect_here(browser, came, "oauth")
    web.stage.hears()


def connect_here(browser: Visitor, came: httpx.Response, name: str) -> None:
    """Take the sign-in that a page leads on to, to its end."""
    assert came.status_code == 303, words(came.text)
    page = browser.look(came.headers["location"])
    place = page.url.path
    assert browser.submit(place, name=name).status_code == 422  # without an object
    made = browser.submit(place, name=name, objects="things")
    assert made.status_code == 303, words(made.text)


def by_keys(web: Web, browser: Visitor) -> None:
    """Keys are pasted, first a wrong one."""
    for connector, name, way, parts in (
        ("echoing", "bearer", "BearerToken", {"token": PLANTED["bearer token"]}),
        ("echoing", "basic", "BasicAuth", {"username": "ann", "token": PLANTED["password"]}),
        ("echoing", "client", "ClientCredentials", {
            "client_id": "service", "client_secret": PLANTED["client secret of an account"],
        }),
        ("echoing_query", "query-key", "ApiKey", {"token": PLANTED["key in the address"]}),
    ):  # fmt: skip
        common = {"way": way, "base_url": web.stage.vendor.url}
        path = f"/connect/{connector}/key"
        right = {f"secret.{part}": value for part, value in parts.items()}
        wrong = dict.fromkeys(right, MARKERS["wrong key"])
        browser.look(f"/connect/{connector}")
        assert browser.submit(path, **common, **wrong).status_code == 409
        assert browser.submit(path, **{**common, **right, "way": "No"}).status_code == 422
        connect_here(browser, browser.submit(path, **common, **right), name)
        browser.look(f"/connections/{name}/sign-in")
        again = browser.submit(f"/connections/{name}/sign-in/key", **common, **wrong)
        assert again.status_code == 409
    file = {"secret.private_key": ("key.pem", PRIVATE_KEY)}
    fields = {"way": "JwtBearer", "base_url": web.stage.vendor.url, "csrf": browser.csrf}
    fields["setting.here"] = web.stage.vendor.url
    connect_here(browser, browser.post("/connect/echoing/key", data=fields, files=file), "robot")
    wrong_file = {"secret.private_key": ("key.pem", PRIVATE_KEY[:-100])}
    fields["csrf"] = browser.csrf
    assert browser.post("/connect/echoing/key", data=fields, files=wrong_file).status_code >= 400


def by_the_api(web: Web, browser: Visitor) -> httpx.Client:
    """A program connects with a key, and calls as it must not."""
    page = browser.submit("/settings/keys", name="test", scopes="admin", reach="all")
    found = re.search(r'value="(sp_[\w-]{43})"', page.text)
    assert found
    web.made["API key"] = found[1]
    api = web.api(found[1])
    new = {"connector": "echoing", "name": "header-key", "base_url": web.stage.vendor.url}
    way, right = {"way": "ApiKey"}, PLANTED["key in a header"]
    wrong = MARKERS["wrong key for the API"]
    calls: list[tuple[int, Any]] = [
        (409, {**new, **way, "secret": {"token": wrong}}),
        (422, {**new, **way, "secret": wrong}),
        (422, {**new, **way, "secret": [wrong]}),
        (422, {**new, **way, "secret": {"token": [wrong]}}),
        (422, {**new, **way, "secret": {"token": wrong}, "key": wrong, "settings": [wrong]}),
        (422, {**new, "way": "No", "secret": {"token": wrong}}),
        (422, {**new, "name": "Not a name!", **way, "secret": {"token": right}}),
        (404, {**new, "connector": "none", **way, "secret": {"token": wrong}}),
    ]
    for status, body in calls:
        headers = {"Idempotency-Key": random.token_hex(8)}
        assert api.post("/connections", json=body, headers=headers).status_code == status, body
    broken = api.post("/connections", content=f'{{"secret": {{"token": "{wrong}"')
    assert broken.status_code == 422
    body = {**new, **way, "secret": {"token": right}}
    for _ in range(2):
        made = api.post("/connections", json=body, headers={"Idempotency-Key": SEALED})
        assert made.status_code == 201, made.text
    other = {**body, "secret": {"token": wrong}}
    reused = api.post("/connections", json=other, headers={"Idempotency-Key": SEALED})
    assert reused.json()["code"] == "idempotency_key_reused"
    assert web.api(MARKERS["wrong API key"]).get("/connections").status_code == 401
    return api


def syncs_fail(web: Web, browser: Visitor, api: httpx.Client) -> None:
    """In every way; people look at what became of them, and ask the vendor themselves."""
    names = [each.name for each in web.stage.platform.connections()]
    assert len(names) == 7, names
    assert api.post("/connections/header-key/syncs").status_code == 202  # pages start the first
    for name in names:
        wait(api, name)
    for failure, spoil in FAILURES.items():
        spoil(web.stage)
        for name in names:
            assert api.post(f"/connections/{name}/syncs", json={"full_sync": True}).is_success
        for name in names:
            wait(api, name)
            for page in ("", "/syncs"):
                assert browser.get(f"/connections/{name}{page}").status_code == 200
        if failure in ("401", "403", "malformed", "refused refresh"):  # what is not tried again
            assert browser.submit("/connections/oauth/changes").status_code in (303, 409, 502)
            key = {"way": "BearerToken", "secret.token": PLANTED["bearer token"]}
            assert browser.submit("/connections/bearer/sign-in/key", **key)
        mend(web.stage)
    codes = {each.error_code for name in names for each in web.stage.platform.history(name)}
    assert {"needs_reauth", "not_permitted", "vendor_unavailable", "rate_limited"} <= codes


def what_nobody_foresaw(web: Web, browser: Visitor, api: httpx.Client) -> None:
    """Errors that are answered with 500, at pages and API, with secrets at hand."""
    web.stage.vendor.me = {"unexpected": PLANTED["bearer token"]}
    key = {"way": "BearerToken", "secret.token": PLANTED["bearer token"]}
    base = {"base_url": web.stage.vendor.url}
    assert browser.submit("/connect/echoing/key", **key, **base).status_code == 500
    token = {"token": PLANTED["key in a header"]}
    body = {"connector": "echoing", "name": "five", "way": "ApiKey", "secret": token, **base}
    assert api.post("/connections", json=body).status_code == 500
    back = leave(web, browser, "/connections/oauth/sign-in/oauth", 500)
    assert browser.get("/connect/callback", params=back).status_code == 500
    web.stage.vendor.me = {"id": "7"}
    change = "UPDATE sync_platform.connections SET status = %s WHERE name = 'basic'"
    with psycopg.connect(web.stage.platform.database_url, autocommit=True) as postgres:
        postgres.execute(change, ["not a status"])
        for page in ("/", "/connections/basic", "/settings/keys"):
            assert browser.get(page).status_code == 500
        assert api.get("/connections").status_code == 500
        postgres.execute(change, ["active"])
        change = "UPDATE sync_platform.people SET role = %s WHERE email = %s"
        link = web.stage.platform.access.add_person("dan@example.com", Role.MEMBER).token
        web.made["link of Dan"] = link
        for email in ("dan@example.com", ANN):  # known by the route; or not even that
            postgres.execute(change, ["not a role", email])
            assert browser.get(f"/welcome/{link}").status_code == 500
        postgres.execute(change, ["admin", ANN])
        postgres.execute(change, ["member", "dan@example.com"])


def every_page(web: Web, browser: Visitor, api: httpx.Client) -> None:
    """All pages that links lead to, every address of the API's document, and wrong ones."""
    member = web.stage.platform.access.add_person("carl@example.com", Role.MEMBER).person
    shown = browser.submit(f"/settings/people/{member.id}/link")
    found = re.search(r'/welcome/([^"]+)"', shown.text)
    assert found
    web.made["link of Carl"] = found[1]
    seen = walk(browser, ["/", "/nothing", "/connections/none", "/api/v1/reference"])
    assert {"/connections/oauth/syncs", "/connect/echoing", "/settings/people"} <= seen
    for browse in (web.browser(), browser):
        for path in ("/connections/oauth", "/connect/callback?code=x&state=y", "/connect/nothing"):
            browse.get(path)
            browse.put(path)
    filled = {"name": "oauth", "connector": "echoing", "object": "things"}
    for path in api.get("/openapi.json").json()["paths"]:
        for name in (each.name for each in web.stage.platform.connections()):
            values = {**filled, "name": name}
            place = path.removeprefix("/api/v1").replace("{id}", "nothing").format(**values)
            assert api.get(place).status_code in (200, 404, 405), place
    large = api.post("/connections", content=PLANTED["bearer token"] * 100_000)
    assert large.status_code == 413


def test_no_secret_comes_through_pages_or_api_or_their_logs(web: Web) -> None:
    browser = first_admin(web)
    through_the_provider(web)
    through_the_vendor(web, browser)
    by_keys(web, browser)
    api = by_the_api(web, browser)
    syncs_fail(web, browser, api)
    what_nobody_foresaw(web, browser, api)
    every_page(web, browser, api)
    log = web.log.read_text()
    assert "POST /connect/{connector}/key failed" in log  # and why, with a traceback
    web.stage.written.add("log of the web process", log)
    web.stage.look_everywhere()
    assert web.stage.written.leaks({**web.secrets, **web.in_forms}) == []
    leaks = set(web.answered.leaks(web.secrets))
    shown = {  # what must be told, once, to the one it is for; it is found, so all else would be
        "API key in POST /settings/keys",
        "link of Carl in POST /settings/people/…/link",
        *(f"OpenID state {n} in GET /sign-in/openid" for n in range(4)),
        *(f"nonce of Bob {n} in GET /sign-in/openid" for n in range(4)),
        *(f"state {n} in POST /connect/echoing/oauth" for n in (*range(8), 99)),
        "state 500 in POST /connections/oauth/sign-in/oauth",
    }
    assert leaks == shown
