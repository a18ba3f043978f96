"""Who is let in: every route of the app, forms of other websites, keys, hosts, sizes, headers."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.platform import Platform
from sync_platform.web.app import create_app
from sync_platform.web.door import LARGEST_BODY, OPEN, PUBLIC
from sync_platform_tests.web.conftest import MakeKey
from sync_platform_tests.web.serving import PASSWORD, Visitor, served, visitor

OPEN_TO_ALL = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/openid"),
    ("GET", "/sign-in/openid/callback"),
    ("GET", "/welcome/{token}"),
    ("POST", "/welcome/{token}"),
    ("GET", "/connect/callback"),
}


def routes(platform: Platform) -> Iterator[tuple[str, str]]:
    """Every method and path that the app has."""
    for route in iter_route_contexts(create_app(platform).routes):
        for method in sorted(getattr(route, "methods", None) or ()):
            if method not in ("HEAD", "OPTIONS"):
                yield method, str(route.path)


def test_no_route_answers_without_a_caller_but_the_way_in(web: str, platform: Platform) -> None:
    seen = set()
    with httpx.Client(base_url=web) as stranger:
        for method, path in routes(platform):
            seen.add((method, path))
            filled = re.sub(r"\{[^}]*\}", "x", path)
            if (method, path) in OPEN_TO_ALL:
                assert OPEN.fullmatch(filled) or PUBLIC.fullmatch(filled)
                continue
            answer = stranger.request(method, filled)
            if path.startswith("/api/"):
                assert answer.status_code == 401, f"{method} {path}"
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["code"] == "not_signed_in"
            elif method == "GET":
                assert answer.status_code == 303, f"{method} {path}"
                assert answer.headers["location"].startswith("/sign-in")
            else:
                assert answer.status_code == 401, f"{method} {path}"
    assert seen >= OPEN_TO_ALL
    assert ("POST", "/settings/keys") in seen
    assert ("GET", "/api/v1/openapi.json") in seen


@pytest.mark.parametrize(
    "path",
    ["/nothing/here", "/api/nothing", "/static", "/static/../app.py", "/Sign-In", "/sign-in/",
     "/health", "/health/ready/x", "/welcome/x/y", "//sign-in", "/docs", "/redoc",
     "/connect/callback/", "/connect/callback/x", "/connect/Callback"],
)  # fmt: skip
def test_a_path_near_the_way_in_is_no_way_in(web: str, path: str) -> None:
    answer = httpx.request("POST", web + path)
    assert answer.status_code == 401


def test_health_tells_one_word_to_anybody(web: str) -> None:
    for name in ("live", "ready"):
        answer = httpx.get(f"{web}/health/{name}", headers={"Host": "10.1.2.3:8000"})
        assert (answer.status_code, answer.text) == (200, f"{name}\n")


def test_without_its_database_it_lives_but_is_not_ready(platform: Platform) -> None:
    with served(platform) as web:
        platform.database_url = "postgresql://127.0.0.1:1/none"
        assert httpx.get(f"{web}/health/live").status_code == 200
        answer = httpx.get(f"{web}/health/ready")
        assert (answer.status_code, answer.text) == (503, "not ready\n")
        page = httpx.get(f"{web}/settings/account", cookies={"sync_platform_session": "x"})
        assert page.status_code == 503
        assert "cannot be reached" in page.text


# -- forms ------------------------------------------------------------------------------------


def test_a_form_without_the_sessions_token_changes_nothing(
    web: str, platform: Platform, signed_in: Visitor
) -> None:
    """As another website's form would be: with the cookies, but without what our pages know."""
    foreign = httpx.Client(base_url=web, cookies=signed_in.cookies)
    with foreign, visitor(web) as other:
        other.look("/sign-in")
        for csrf in ({}, {"csrf": ""}, {"csrf": other.csrf}, {"csrf": "é"}):
            fields = {"email": "eve@example.com", "role": "admin", **csrf}
            answer = foreign.post("/settings/people", data=fields)
            assert answer.status_code == 403
            assert "reload the page" in answer.text
        answer = foreign.post("/settings/people", content=b"{}", headers={"X-CSRF-Token": "x"})
        assert answer.status_code == 403
        answer = foreign.post("/settings/people", files={"csrf": (None, "x"), "email": (None, "e")})
        assert answer.status_code == 403
        broken = {"Content-Type": "multipart/form-data; boundary=x"}
        assert foreign.post("/settings/people", content=b"?", headers=broken).status_code == 400
    assert [person.email for person in platform.access.people()] == ["ann@example.com"]


def test_the_token_is_taken_from_a_field_or_a_header(web: str, signed_in: Visitor) -> None:
    fields = {"name": "report", "scopes": "read"}
    with httpx.Client(base_url=web, cookies=signed_in.cookies) as plain:
        by_header = plain.post(
            "/settings/keys", data=fields, headers={"X-CSRF-Token": signed_in.csrf}
        )
        by_field = plain.post("/settings/keys", data={**fields, "csrf": signed_in.csrf})
        parts = {name: (None, value) for name, value in fields.items()}
        by_part = plain.post("/settings/keys", files={**parts, "csrf": (None, signed_in.csrf)})
    assert [it.status_code for it in (by_header, by_field, by_part)] == [200, 200, 200]


def test_signing_in_needs_a_page_of_ours_too(web: str, platform: Platform) -> None:
    """Else another website could sign a person in as somebody else."""
    platform.access.choose_password(platform.access.admin_link().rpartition("/")[2], PASSWORD)
    answer = httpx.post(
        f"{web}/sign-in", data={"email": "admin@localhost", "password": PASSWORD, "csrf": ""}
    )
    assert answer.status_code == 403


def test_with_a_cookie_the_api_wants_the_token_too(web: str, signed_in: Visitor) -> None:
    with httpx.Client(base_url=web, cookies=signed_in.cookies) as foreign:
        assert foreign.get("/api/v1/openapi.json").status_code == 200
        answer = foreign.post("/api/v1/nothing", json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        answer = foreign.post("/api/v1/nothing", json={}, headers={"X-CSRF-Token": signed_in.csrf})
        assert answer.status_code == 404


# -- API keys ---------------------------------------------------------------------------------


def test_a_key_needs_no_token_and_opens_the_api_only(api_key: MakeKey) -> None:
    client = api_key("admin")
    assert client.get("/api/v1/openapi.json").status_code == 200
    assert client.post("/api/v1/nothing", json={}).status_code == 404
    assert client.get("/settings/keys").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("given", ["Bearer sp_wrong", "Bearer", "Basic eDp5", "sp_wrong", ""])
def test_a_wrong_key_is_not_made_up_for_by_a_session(signed_in: Visitor, given: str) -> None:
    answer = signed_in.get("/api/v1/openapi.json", headers={"Authorization": given})
    assert answer.status_code == 401


def test_a_revoked_key_is_out_at_once(api_key: MakeKey, platform: Platform) -> None:
    client = api_key("read")
    assert client.get("/api/v1/openapi.json").status_code == 200
    platform.access.revoke_key("test")
    assert client.get("/api/v1/openapi.json").status_code == 401


# -- hosts and sizes --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "[::"])
def test_other_names_for_our_address_are_refused(web: str, host: str) -> None:
    answer = httpx.get(f"{web}/sign-in", headers={"Host": host})
    assert answer.status_code == 400
    assert "sign" not in answer.text


def test_a_large_body_is_refused(signed_in: Visitor) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(LARGEST_BODY // 65536 + 1):
            yield b"x" * 65536

    whole = signed_in.post("/settings/keys", content=b"x" * (LARGEST_BODY + 1))
    assert whole.status_code == 413
    in_parts = signed_in.post("/api/v1/nothing", content=endless())
    assert (in_parts.status_code, in_parts.json()["code"]) == (413, "too_large")


# -- headers ----------------------------------------------------------------------------------


def test_every_answer_tells_browsers_what_our_pages_may_do(web: str, signed_in: Visitor) -> None:
    with httpx.Client(base_url=web) as stranger:
        answers = [
            stranger.get("/sign-in"),
            stranger.get("/health/live"),
            stranger.get("/static/style.css"),
            stranger.get("/settings/keys"),
            stranger.get("/api/v1/connections"),
            stranger.get("/sign-in", headers={"Host": "evil.example"}),
            stranger.post("/sign-in"),
            signed_in.get("/settings/people"),
            signed_in.get("/nothing"),
            signed_in.get("/api/v1/openapi.json"),
        ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        kept = answer.request.url.path.startswith("/static/")
        assert answer.headers["cache-control"] == ("public, max-age=3600" if kept else "no-store")
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers


def test_pages_have_no_script_or_style_of_their_own(signed_in: Visitor) -> None:
    for path in ("/settings/people", "/settings/keys", "/settings/account"):
        text = signed_in.get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", text)


def test_the_title_counts_the_connections_that_need_a_person(
    platform: Platform, signed_in: Visitor, acme: object
) -> None:
    assert "<title>Your account" in signed_in.get("/settings/account").text
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_REAUTH, "Reconnect it.")
    assert "<title>(1) Your account" in signed_in.get("/settings/account").text
