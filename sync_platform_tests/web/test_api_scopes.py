"""Every call of the API, as its document names them, by callers who may not make it."""

import httpx
import pytest

from sync_platform.engine.access import Scope
from sync_platform.engine.connections import Connection
from sync_platform.platform import Platform
from sync_platform_tests.web.conftest import MakeKey

NEEDED = {  # what the others need: read to see, write to change
    "POST /api/v1/connections/{name}/syncs": Scope.SYNC,
    "DELETE /api/v1/connections/{name}/syncs/{id}": Scope.SYNC,
    "POST /api/v1/connections/{name}/objects/{object}/resume": Scope.SYNC,
}
BODIES = {
    "POST /api/v1/connections": {"connector": "hubspot", "name": "x", "secret": {"token": "x"}}
}
PLACES = {"connector": "hubspot", "name": "acme-hubspot", "id": "x", "object": "contacts"}


@pytest.fixture
def calls(api_key: MakeKey, acme: Connection) -> list[str]:
    """All of them, as `GET /api/v1/connections`."""
    told = api_key("read").get("/api/v1/openapi.json").json()
    return [f"{method.upper()} {path}" for path, it in told["paths"].items() for method in it]


def make(client: httpx.Client, call: str) -> httpx.Response:
    """Make it on the connection that there is."""
    method, path = call.split(" ")
    body = BODIES.get(call, {}) if method in ("POST", "PATCH") else None
    return client.request(method, path.format(**PLACES), json=body)


def scope_of(call: str) -> Scope:
    return NEEDED.get(call) or (Scope.READ if call.startswith("GET ") else Scope.WRITE)


def test_a_key_with_all_scopes_but_the_one_may_not(
    calls: list[str], api_key: MakeKey, platform: Platform, acme: Connection
) -> None:
    assert set(calls) >= NEEDED.keys() | BODIES.keys()
    for call in calls:
        needed = scope_of(call)
        others = [it.value for it in Scope if it not in (needed, Scope.ADMIN)]
        answer = make(api_key(*others), call)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), call
        assert f"the scope {needed.value!r}" in answer.json()["detail"], call
    assert platform.connections() == [acme]


def test_a_key_for_another_workspace_finds_no_connection_whatever_it_calls(
    calls: list[str], api_key: MakeKey, platform: Platform, acme: Connection
) -> None:
    stranger = api_key("read", "sync", "write", schemas=["other"])
    for call in calls:
        if "{name}" in call:
            answer = make(stranger, call)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_connection"), call
    assert platform.connections() == [acme]
