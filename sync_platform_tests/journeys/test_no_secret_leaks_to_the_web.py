"""A marker is planted in every secret that comes through pages and API; whatever fails then, no
page, no answer, no log of the web process and no table has it."""

import re
import secrets as random
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import psycopg
import pytest

from sync_platform.engine.access import Role, derived
from sync_platform.sandbox import serve
from sync_platform.sandbox.openid import OpenId, User
from sync_platform.settings import Settings
from sync_platform.web.cookies import OPENID, SESSION, VISITOR
from sync_platform_tests.environment import variables
from sync_platform_tests.journeys.looking import walk, watch, web_process
from sync_platform_tests.journeys.planted import (
    FAILURES,
    FOLDER,
    PLANTED,
    PRIVATE_KEY,
    Stage,
    mend,
    staged,
)
from sync_platform_tests.journeys.written import Written
from sync_platform_tests.person import Person, query_of
from sync_platform_tests.transport.wire import unused_url
from sync_platform_tests.web.running import running_dagster
from sync_platform_tests.web.serving import Visitor, visitor
from sync_platform_tests.web.visiting import sent_to, words

MARKERS = {
    **PLANTED,
    "password of Ann": "marker-password-of-ann",
    "mistyped password": "marker-mistyped-password",
    "secret of the OpenID client": "marker/openid+client/secret",
    "mistyped client secret": "marker-mistyped-client-secret",
    "wrong key": "marker-wrong-key-0123456789",
    "wrong key for the API": "marker-wrong-key-by-api-01",
    "wrong API key": "sp_marker-wrong-api-key-0123456789-0123456789",
}
SEALED = "marker-of-an-idempotent-call"  # no secret: an Idempotency-Key
ANN = "ann@example.com"
BOB = User(subject="2", email="bob@example.com", name="Bob")


class RememberingOpenId(OpenId):
    """Remembers every ID token."""

    def _signed(self, claims: Any) -> str:
        made = super()._signed(claims)
        self.__dict__.setdefault("given", []).append(made)
        return made


@dataclass
class Web:
    """The web face of a stage, and all that it has answered."""

    stage: Stage
    provider: RememberingOpenId
    url: str
    log: Path
    stack: ExitStack
    answered: Written = field(default_factory=Written)
    made: dict[str, str] = field(default_factory=dict)  # secrets that came on the way
    in_forms: dict[str, str] = field(default_factory=dict)  # that pages must have, and only they

    def browser(self) -> Visitor:
        """A new one, whose answers are written down."""
        it = self.stack.enter_context(closing(visitor(self.url)))
        watch(it, self.answered)
        return it

    def knows(self, name: str, browser: Visitor) -> None:
        """Learn the secrets that this browser has by now."""
        for cookie in (SESSION, VISITOR, OPENID):
            kept = browser.cookies.get(cookie)
            if kept is None:
                continue
            secret = kept.strip('"').partition(".")[0]
            self.made[f"{cookie} of {name}"] = secret
            if cookie == OPENID:
                self.made |= {
                    f"{it} of {name}": derived(secret, it) for it in ("nonce", "verifier")
                }
                continue
            self.made[f"binding of {name}'s {cookie}"] = derived(secret, "browser")
            self.in_forms[f"{cookie}'s form token of {name}"] = derived(secret, "csrf")

    def api(self, key: str) -> httpx.Client:
        """A program with that key."""
        it = httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60
        )
        watch(it, self.answered)
        return self.stack.enter_context(closing(it))

    @property
    def secrets(self) -> dict[str, str]:
        tokens = {f"ID token {n}": it for n, it in enumerate(vars(self.provider).get("given", ()))}
        access = {f"access token {n}": it for n, it in enumerate(vars(self.provider)["_access"])}
        return {**self.stage.secrets, **MARKERS, **self.made, **tokens, **access}


@pytest.fixture
def web(settings: Settings, tmp_path: Path) -> Iterator[Web]:
    """With a sign-in provider, a vendor that echoes, and a Dagster that runs what is launched."""
    with ExitStack() as stack:
        url = unused_url()
        stage = stack.enter_context(staged(settings, public_url=url, oauth_clients={}))
        provider = RememberingOpenId(
            [BOB],
            redirect_uri=f"{url}/sign-in/openid/callback",
            client_secret=MARKERS["secret of the OpenID client"],
        )
        stack.enter_context(serve(provider))
        dagster = stack.enter_context(running_dagster(stage.platform))
        env = {
            **variables(stage.platform.settings),
            "SYNC_PLATFORM_CONNECTORS": str(FOLDER),
            "SYNC_PLATFORM_PUBLIC_URL": url,
            "SYNC_PLATFORM_DAGSTER_URL": dagster.url,
            "SYNC_PLATFORM_OIDC_ISSUER": provider.url,
            "SYNC_PLATFORM_OIDC_CLIENT_ID": provider.client_id,
            "SYNC_PLATFORM_OIDC_CLIENT_SECRET": provider.client_secret,
            "SYNC_PLATFORM_OIDC_ALLOWED_DOMAINS": "example.com",
        }
        log = tmp_path / "web.log"
        port = urlsplit(url).port or 0
        stage.platform.database.apply_migrations()
        stack.enter_context(web_process(port, env, log))
        yield Web(stage, provider, url, log, stack)


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
        assert web.browser().get("/connect/callback", params=back).status_code == 303
        assert browser.get("/connect/callback", params={**back, **change}).status_code >= 400
        assert browser.get("/connect/callback", params={**back, **change}).status_code >= 400
        vendor.denies = False
    back = leave(web, browser, "/connect/echoing/oauth", 99)
    came = browser.get("/connect/callback", params=back)
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
        (422, {**new, **way, "secret": {"token": wrong}, wrong: wrong, "settings": [wrong]}),
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
    for failure, spoil in FAILURES.items():
        for name in names:
            wait(api, name)
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


def wait(api: httpx.Client, name: str) -> None:
    """Until nothing of the connection runs."""
    for _ in range(1000):
        found = api.get(f"/connections/{name}/syncs", params={"limit": 1}).json()["items"]
        if found and found[0]["status"] != "running" and not _waits(api, name, found[0]):
            return
    raise AssertionError(f"{name} is still being synced")


def _waits(api: httpx.Client, name: str, latest: dict[str, Any]) -> bool:
    asked = latest["request"]
    if asked is None:
        return False
    told = api.get(f"/connections/{name}/syncs/{asked}").json()
    return told["status"] in ("waiting", "running")


def what_nobody_foresaw(web: Web, browser: Visitor, api: httpx.Client) -> None:
    """Errors that are answered with 500, at pages and API, with secrets at hand."""
    web.stage.vendor.me = {"unexpected": PLANTED["bearer token"]}
    key = {"way": "BearerToken", "secret.token": PLANTED["bearer token"]}
    base = {"base_url": web.stage.vendor.url}
    assert browser.submit("/connect/echoing/key", **key, **base).status_code == 500
    body = {"connector": "echoing", "name": "five", "way": "ApiKey", **base}
    body["secret"] = {"token": PLANTED["key in a header"]}
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
        *(f"state {n} in POST /connect/echoing/oauth" for n in (*range(8), 99)),
        "state 500 in POST /connections/oauth/sign-in/oauth",
    }
    assert leaks == shown
