"""Syncs through the API: asked for, followed, stopped, listed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.transport.small_dagster import SmallDagster, small_dagster
from sync_platform_tests.transport.wire import unused_url
from sync_platform_tests.web.conftest import MakeKey

SYNCS = "/api/v1/connections/acme-hubspot/syncs"


@pytest.fixture
def dagster(platform: Platform, acme: Connection) -> Iterator[SmallDagster]:
    """A Dagster for that platform."""
    with small_dagster(*(("hubspot", each.object) for each in acme.objects)) as it:
        platform.settings = replace(platform.settings, dagster_url=it.url)
        yield it


@pytest.fixture
def client(dagster: SmallDagster, api_key: MakeKey) -> httpx.Client:
    """A caller who may read and sync."""
    return api_key("read", "sync")


def ask(client: httpx.Client, body: Any = None) -> dict[str, Any]:
    """Ask for syncs; the request."""
    answer = client.post(SYNCS, json=body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def test_a_post_without_a_body_syncs_what_changed_in_all_objects(
    client: httpx.Client, dagster: SmallDagster
) -> None:
    answer = client.post(SYNCS)
    assert answer.status_code == 202
    told = answer.json()
    assert told["run_ids"] == [dagster.runs[0].id]
    assert told["status"] == "waiting"
    assert told["asked_by"] == "API key test"
    assert told["asked_at"].endswith("Z")
    assert {each["mode"] for each in told["syncs"]} == {"incremental"}
    assert client.get(answer.headers["Location"]).json() == told


def test_the_issues_examples_do_as_they_say(client: httpx.Client, dagster: SmallDagster) -> None:
    full = ask(client, {"full_sync": True})
    assert {each["mode"] for each in full["syncs"]} == {"full"}
    mixed = ask(client, {"objects": ["contacts", {"object": "deals", "sync_from": "2023-01-01"}]})
    contacts, deals = mixed["syncs"]
    assert (contacts["mode"], contacts["since"]) == ("incremental", None)
    assert (deals["mode"], deals["since"]) == ("from_date", "2023-01-01T00:00:00Z")
    assert len(mixed["run_ids"]) == 2
    assert dagster.runs[2].config == {"deals": {"since": "2023-01-01T00:00:00+00:00"}}


def test_a_moment_in_another_time_zone_is_told_in_utc(client: httpx.Client) -> None:
    moment = "2023-06-01T02:30:00+02:00"
    told = ask(client, {"objects": [{"object": "deals", "sync_from": moment}]})
    assert told["syncs"][0]["since"] == "2023-06-01T00:30:00Z"


def test_progress_tells_counts_and_ends(
    client: httpx.Client, dagster: SmallDagster, platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 2)
    told = ask(client, {"objects": ["contacts"]})
    run = dagster.runs[0]
    run.status = "STARTED"
    assert client.get(f"{SYNCS}/{told['id']}").json()["status"] == "running"
    request = SyncRequest(Target("acme-hubspot", "contacts"), run_id=run.id)
    platform.sync(request).run(into=platform.destination)
    run.status = "SUCCESS"
    done = client.get(f"{SYNCS}/{told['id']}").json()
    assert done["status"] == "succeeded"
    assert done["syncs"][0]["sync"]["counts"] == {
        "fetched": 2, "created": 2, "updated": 0, "deleted": 0, "unchanged": 0, "rejected": 0,
    }  # fmt: skip
    (listed,) = client.get(SYNCS).json()["items"]
    assert listed["request"] == told["id"]
    assert listed["run_id"] == run.id
    assert client.get(f"{SYNCS}/{listed['id']}").json()["status"] == "succeeded"


def test_the_same_asked_again_while_it_waits_is_the_same_request(client: httpx.Client) -> None:
    first = ask(client, {"objects": ["contacts", "deals"]})
    assert ask(client, {"objects": ["deals", "contacts"], "full_sync": False}) == first


def test_delete_cancels_and_may_be_repeated(client: httpx.Client, dagster: SmallDagster) -> None:
    told = ask(client)
    for _ in range(2):
        gone = client.delete(f"{SYNCS}/{told['id']}")
        assert gone.status_code == 200
        assert gone.json()["status"] == "canceled"
        assert gone.json()["canceled_at"] is not None
    assert dagster.runs[0].status == "CANCELED"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"objects": ["unicorns"]}, 404, "unknown_object"),
        ({"objects": [{"object": "owners", "sync_from": "2023-01-01"}]}, 409, "refused"),
        ({"objects": ["contacts", "contacts"]}, 409, "refused"),
        ({"accept_deletes": True}, 409, "refused"),
        ({"objects": []}, 422, "invalid_request"),
        ({"objects": "contacts"}, 422, "invalid_request"),
        ({"objects": [{"object": "deals", "sync_from": "yesterday"}]}, 422, "invalid_request"),
        ({"objects": [{"object": "deals", "sync_from": 1700000000}]}, 422, "invalid_request"),
        ({"full": True}, 422, "invalid_request"),
        ({"full_sync": "yes"}, 422, "invalid_request"),
        ([], 422, "invalid_request"),
    ],
)
def test_what_cannot_be_is_a_problem_with_its_code_and_nothing_starts(
    client: httpx.Client, dagster: SmallDagster, body: Any, status: int, code: str
) -> None:
    answer = client.post(SYNCS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["instance"] == SYNCS
    assert dagster.runs == []


def test_without_dagster_it_is_a_503_that_says_what_to_do(
    client: httpx.Client, platform: Platform
) -> None:
    platform.settings = replace(platform.settings, dagster_url=unused_url())
    answer = client.post(SYNCS)
    assert answer.status_code == 503
    assert answer.json()["code"] == "dagster_unavailable"
    assert "sync-platform up" in answer.json()["detail"]
    assert client.get(SYNCS).json()["items"] == []


def test_past_syncs_come_newest_first_in_pages(
    client: httpx.Client, platform: Platform, acme: Connection
) -> None:
    for name in ("contacts", "deals", "tickets", "owners", "products"):
        platform.sync(SyncRequest(Target(acme.name, name))).run(into=platform.destination)
    address: str | None = f"{SYNCS}?limit=2"
    found = []
    while address:
        page = client.get(address).json()
        assert len(page["items"]) <= 2
        found += [each["object"] for each in page["items"]]
        address = page["next"]
    assert found == ["products", "owners", "tickets", "deals", "contacts"]
    only = client.get(SYNCS, params={"object": "deals"}).json()["items"]
    assert [each["object"] for each in only] == ["deals"]


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "%F0%9F", "WzEsMl0", "ff" * 600])
def test_a_cursor_of_somebody_else_is_refused(
    client: httpx.Client, platform: Platform, acme: Connection, cursor: str
) -> None:
    platform.sync(SyncRequest(Target(acme.name, "deals"))).run(into=platform.destination)
    answer = client.get(f"{SYNCS}?cursor={cursor}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"


def test_who_may_only_read_may_not_sync(api_key: MakeKey, dagster: SmallDagster) -> None:
    answer = api_key("read").post(SYNCS)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert dagster.runs == []


def test_a_key_for_another_workspace_sees_no_such_connection(
    api_key: MakeKey, dagster: SmallDagster
) -> None:
    stranger = api_key("read", "sync", "write", schemas=["other"])
    known = api_key("read", "sync", schemas=["acme_hubspot"])
    id = ask(known)["id"]
    for method, path in (
        ("GET", SYNCS),
        ("POST", SYNCS),
        ("GET", f"{SYNCS}/{id}"),
        ("DELETE", f"{SYNCS}/{id}"),
        ("GET", "/api/v1/connections/acme-hubspot"),
        ("DELETE", "/api/v1/connections/acme-hubspot"),
        ("POST", "/api/v1/connections/acme-hubspot/objects/contacts/resume"),
    ):
        answer = stranger.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_connection"), path
    assert stranger.get("/api/v1/connections").json()["items"] == []
    assert dagster.runs[0].status == "QUEUED"


def test_an_idempotency_key_makes_a_repeated_post_do_nothing_twice(
    client: httpx.Client, api_key: MakeKey, dagster: SmallDagster
) -> None:
    headers = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = client.post(SYNCS, json={"objects": ["contacts"]}, headers=headers)
    dagster.runs[0].status = "SUCCESS"  # what is asked anew would be launched anew
    again = client.post(SYNCS, json={"objects": ["contacts"]}, headers=headers)
    assert again.status_code == 202
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = client.post(SYNCS, json={"objects": ["deals"]}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(dagster.runs) == 1
    somebody_else = api_key("read", "sync").post(
        SYNCS, json={"objects": ["deals"]}, headers=headers
    )
    assert somebody_else.status_code == 202


def test_what_failed_may_be_sent_again_with_its_idempotency_key(
    client: httpx.Client, dagster: SmallDagster
) -> None:
    headers = {"Idempotency-Key": "one"}
    dagster.refuse_launch = {"__typename": "PythonError", "message": "no room"}
    assert client.post(SYNCS, headers=headers).status_code == 500
    dagster.refuse_launch = None
    assert client.post(SYNCS, headers=headers).status_code == 202
