"""What goes wrong, as problem documents; and the API's description of itself."""

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from sync_platform import errors
from sync_platform.engine.connections import Connection
from sync_platform.platform import Platform
from sync_platform.web.telling import status_of
from sync_platform_tests.transport.small_dagster import SmallDagster, small_dagster
from sync_platform_tests.web.conftest import MakeKey
from sync_platform_tests.web.serving import Visitor

CONNECTIONS = "/api/v1/connections"
PATHS = (
    "connectors",
    "connectors/{connector}",
    "connections",
    "connections/{name}",
    "connections/{name}/objects",
    "connections/{name}/objects/{object}/resume",
    "connections/{name}/schema-changes",
    "connections/{name}/syncs",
    "connections/{name}/syncs/{id}",
)


@pytest.fixture
def dagster(platform: Platform) -> Iterator[SmallDagster]:
    with small_dagster(("hubspot", "contacts")) as it:
        platform.settings = replace(platform.settings, dagster_url=it.url)
        yield it


def check(answer: httpx.Response, status: int, code: str) -> None:
    """A problem document of that status and code, with all that belongs in one."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == code
    assert told["status"] == status
    assert told.keys() >= {"type", "title", "detail", "instance"}
    assert told["instance"] == answer.request.url.path


def test_without_a_key_or_with_a_wrong_one_there_is_a_401(web: str) -> None:
    for headers in ({}, {"Authorization": "Bearer sp_wrong"}, {"Authorization": "Basic eDp5"}):
        for path in (CONNECTIONS, "/api/v1/openapi.json", "/api/v1/reference", "/api/v1/nothing"):
            answer = httpx.get(web + path, headers=headers)
            check(answer, 401, "not_signed_in")
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_what_is_not_there_and_what_is_not_done_there(api_key: MakeKey) -> None:
    client = api_key("admin")
    check(client.get("/api/v1/nothing"), 404, "not_found")
    check(client.put(CONNECTIONS), 405, "method_not_allowed")
    assert client.put(CONNECTIONS).headers["Allow"] == "GET, POST"
    assert client.put(f"{CONNECTIONS}/acme/syncs/x").headers["Allow"] == "GET, DELETE"
    for name in ("unicorn", "Acme", "a%00b", "%F0%9F%A6%84", "a" * 300):
        check(client.get(f"{CONNECTIONS}/{name}"), 404, "unknown_connection")


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("id", ["x", "%00", "a" * 32, "0" * 31 + "g"])
def test_a_sync_that_there_is_not_is_a_404(api_key: MakeKey, id: str) -> None:
    client = api_key("admin")
    check(client.get(f"{CONNECTIONS}/acme-hubspot/syncs/{id}"), 404, "unknown_sync")
    check(client.delete(f"{CONNECTIONS}/acme-hubspot/syncs/{id}"), 404, "unknown_sync")


def test_a_body_that_is_too_large_is_a_413(api_key: MakeKey) -> None:
    large = b"[" + b" " * 3_000_000
    check(api_key("admin").post(CONNECTIONS, content=large), 413, "too_large")


def test_what_is_no_json_is_a_422(api_key: MakeKey) -> None:
    for body in (b"", b"{", b"\xff", b"\x00\xff:\xfe", b"[" * 50_000, b'"\\ud800"'):
        check(api_key("admin").post(CONNECTIONS, content=body), 422, "invalid_request")


@pytest.mark.usefixtures("acme")
def test_what_nobody_foresaw_tells_a_number_that_is_in_the_log_and_nothing_else(
    api_key: MakeKey, dagster: SmallDagster, caplog: pytest.LogCaptureFixture
) -> None:
    dagster.refuse_launch = {"__typename": "PythonError", "message": "an inner detail"}
    body = {"objects": ["contacts"]}
    answer = api_key("sync").post(f"{CONNECTIONS}/acme-hubspot/syncs", json=body)
    check(answer, 500, "unexpected")
    assert "an inner detail" not in answer.text
    number = re.search(r"\b[0-9a-f]{12}\b", answer.json()["detail"])
    assert number is not None
    assert number[0] in caplog.text
    assert "an inner detail" in caplog.text


def test_a_person_who_is_signed_in_may_use_the_api_from_a_page(
    signed_in: Visitor, acme: Connection
) -> None:
    assert signed_in.get(CONNECTIONS).json()["items"][0]["name"] == acme.name
    assert signed_in.patch(f"{CONNECTIONS}/{acme.name}", json={"paused": True}).status_code == 200
    signed_in.headers.pop("X-CSRF-Token")
    check(signed_in.patch(f"{CONNECTIONS}/{acme.name}", json={}), 403, "not_allowed")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.RateLimited(), 429),
        (errors.VendorUnavailable(), 503),
        (errors.StoreUnavailable(), 503),
        (errors.DagsterUnavailable(), 503),
        (errors.UnexpectedResponse(), 502),
        (errors.NeedsReauth(), 409),
        (errors.NotPermitted(), 409),
        (errors.RecordRejected(), 422),
        (errors.ConfigurationError(), 422),
        (errors.UnknownSync(), 404),
        (errors.StillUnderWay(), 409),
        (errors.IdempotencyKeyReused(), 422),
        (errors.Unexpected(), 500),
    ],
)
def test_every_family_of_errors_has_its_status(
    error: errors.SyncPlatformError, status: int
) -> None:
    assert status_of(error) == status


def test_the_document_names_only_the_api_and_all_its_problems(api_key: MakeKey) -> None:
    told = api_key("read").get("/api/v1/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert set(told["paths"]) == {f"/api/v1/{path}" for path in PATHS}
    schemas = told["components"]["schemas"]
    assert "Problem" in schemas
    assert "HTTPValidationError" not in schemas
    for methods in told["paths"].values():
        for operation in methods.values():
            assert operation["security"]
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"]
    used = set(re.findall(r"#/components/schemas/(\w+)", str(told)))
    assert used <= set(schemas)


def test_the_reference_page_is_made_of_the_document_and_loads_nothing_from_elsewhere(
    signed_in: Visitor,
) -> None:
    answer = signed_in.get("/api/v1/reference")
    assert answer.status_code == 200
    text = answer.text
    told = signed_in.get("/api/v1/openapi.json").json()
    for path, methods in told["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}</code>" in text
    for name in told["components"]["schemas"]:
        assert f'id="{name}"' in text
    assert "<script" not in text
    assert not re.search(r'(src|href)="(https?:)?//', text)
    anchors = set(re.findall(r'href="#([^"]+)"', text))
    assert anchors <= set(re.findall(r'id="([^"]+)"', text))


def test_a_name_that_is_not_known_is_told_and_however_much_is_wrong_the_answer_is_short(
    api_key: MakeKey,
) -> None:
    client = api_key("write")
    mistyped = client.post(CONNECTIONS, json={"conector": "hubspot", "name": "x", "secret": {}})
    assert "body.conector" in {each["field"] for each in mistyped.json()["errors"]}
    many = {"objects": list(range(100_000)), **{f"field{n}": n for n in range(1000)}}
    for body in ({"x" * 1_000_000: 1}, many):
        answer = client.post(CONNECTIONS, json=body)
        check(answer, 422, "invalid_request")
        assert len(answer.content) < 10_000
