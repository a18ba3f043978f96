"""Connections through the API: made by key, listed, changed, removed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.results import SchemaChange, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform_tests.books_vendor import FOLDER, Books
from sync_platform_tests.failing_fulls import full_syncs_fail
from sync_platform_tests.web.conftest import MakeKey

CONNECTIONS = "/api/v1/connections"
ACME = f"{CONNECTIONS}/acme-hubspot"


@pytest.fixture
def admin(api_key: MakeKey) -> httpx.Client:
    return api_key("admin")


def new(hubspot: HubSpot, **more: Any) -> dict[str, Any]:
    """The body that connects that HubSpot."""
    unlimited = {"rate_limit.burst": "unlimited", "rate_limit.search": "unlimited"}
    body = {"connector": "hubspot", "name": "acme-hubspot", "secret": {"token": "sandbox-token"}}
    return body | {"base_url": hubspot.url, "settings": unlimited} | more


def test_an_account_is_connected_by_its_key_which_is_never_told_again(
    admin: httpx.Client, hubspot: HubSpot, platform: Platform
) -> None:
    answer = admin.post(CONNECTIONS, json=new(hubspot))
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert answer.headers["Location"] == ACME
    assert told["workspace"] == "acme_hubspot"
    assert told["status"] == "active"
    assert {each["object"] for each in told["objects"]} >= {"contacts", "deals"}
    assert admin.get(ACME).json() == told
    assert "sandbox-token" not in answer.text + admin.get(ACME).text
    assert platform.credentials.read("acme-hubspot")["token"] == "sandbox-token"
    assert [each.connection.name for each in platform.due()] == ["acme-hubspot"]


def test_objects_intervals_and_a_workspace_may_be_chosen_at_once(
    admin: httpx.Client, hubspot: HubSpot
) -> None:
    chosen = [{"object": "contacts", "interval_minutes": 60}, {"object": "owners"}]
    body = new(hubspot, workspace="crm", objects=chosen, interval_minutes=30)
    told = admin.post(CONNECTIONS, json=body).json()
    assert told["workspace"] == "crm"
    assert told["interval_minutes"] == 30
    assert [(each["object"], each["interval_minutes"]) for each in told["objects"]] == [
        ("contacts", 60),
        ("owners", None),
    ]


def test_a_key_that_the_vendor_does_not_accept_leaves_nothing_behind_and_is_not_told(
    admin: httpx.Client, hubspot: HubSpot, platform: Platform
) -> None:
    answer = admin.post(CONNECTIONS, json=new(hubspot, secret={"token": "very-secret-marker"}))
    assert (answer.status_code, answer.json()["code"]) == (409, "needs_reauth")
    assert "very-secret-marker" not in answer.text
    assert platform.connections() == []


def test_another_account_takes_what_a_removed_one_left_only_when_that_is_confirmed(
    admin: httpx.Client, hubspot: HubSpot, platform: Platform
) -> None:
    assert admin.post(CONNECTIONS, json=new(hubspot)).status_code == 201
    platform.sync(SyncRequest(target=Target("acme-hubspot", "deals"))).run(platform.destination)
    platform.store.set_account("acme-hubspot", "before")
    assert admin.delete(ACME).status_code == 204
    refused = admin.post(CONNECTIONS, json=new(hubspot))
    assert (refused.status_code, refused.json()["code"]) == (409, "other_account")
    assert "which acme-hubspot left there" in refused.text
    assert platform.connections() == []
    made = admin.post(CONNECTIONS, json=new(hubspot, confirm_other_account=True))
    assert (made.status_code, made.json()["account_id"]) == (201, "24117733")


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"connector": "unicorn"}, 404, "unknown_connector"),
        ({"name": "Acme Inc."}, 422, "configuration_error"),
        ({"workspace": "public"}, 422, "configuration_error"),
        ({"secret": {}}, 422, "configuration_error"),
        ({"secret": {"token": " "}}, 422, "configuration_error"),
        ({"secret": {"token": 7}}, 422, "invalid_request"),
        ({"way": "Telepathy"}, 422, "configuration_error"),
        ({"objects": [{"object": "unicorns"}]}, 404, "unknown_object"),
        ({"interval_minutes": 1}, 409, "refused"),
        ({"interval_minutes": 15.5}, 422, "invalid_request"),
        ({"tokens": "x"}, 422, "invalid_request"),
        ({"base_url": "ftp://127.0.0.1"}, 422, "configuration_error"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_code(
    admin: httpx.Client, hubspot: HubSpot, more: Any, status: int, code: str, platform: Platform
) -> None:
    answer = admin.post(CONNECTIONS, json=new(hubspot, **more))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert platform.connections() == []


def test_a_wrong_body_is_told_by_its_fields_and_not_by_what_it_held(
    admin: httpx.Client, hubspot: HubSpot
) -> None:
    body = new(hubspot, secret="very-secret-marker")
    told = admin.post(CONNECTIONS, json=body).json()
    assert told["errors"][0]["field"] == "body.secret"
    answer = admin.post(CONNECTIONS, content=b'{"secret": "very-secret-marker')
    assert answer.status_code == 422
    assert "very-secret-marker" not in answer.text + str(told)


def test_only_an_admins_key_may_name_an_address_to_call(api_key: MakeKey, hubspot: HubSpot) -> None:
    answer = api_key("write").post(CONNECTIONS, json=new(hubspot))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_a_key_for_a_workspace_makes_connections_in_no_other(
    api_key: MakeKey, hubspot: HubSpot
) -> None:
    client = api_key("write", schemas=["crm"])
    for more in ({}, {"workspace": "sales"}):
        answer = client.post(CONNECTIONS, json=new(hubspot, **more))
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert "workspace" in answer.json()["detail"]


def test_connections_are_listed_by_name_in_pages_and_filtered(
    admin: httpx.Client, platform: Platform, acme: Connection
) -> None:
    for name in ("beta-hubspot", "corp-hubspot"):
        platform.store.register(Connection(name=name, connector="hubspot", schema=name[:4]))
    platform.pause("beta-hubspot")
    first = admin.get(CONNECTIONS, params={"limit": 2}).json()
    assert [each["name"] for each in first["items"]] == ["acme-hubspot", "beta-hubspot"]
    last = admin.get(first["next"]).json()
    assert [each["name"] for each in last["items"]] == ["corp-hubspot"]
    assert last["next"] is None
    paused = admin.get(CONNECTIONS, params={"status": "paused"}).json()["items"]
    assert [each["name"] for each in paused] == ["beta-hubspot"]
    assert admin.get(CONNECTIONS, params={"connector": "stripe"}).json()["items"] == []
    assert admin.get(CONNECTIONS, params={"limit": 201}).status_code == 422


def test_a_patch_changes_what_it_names_and_nothing_else(
    admin: httpx.Client, acme: Connection, platform: Platform
) -> None:
    told = admin.patch(ACME, json={"interval_minutes": 45}).json()
    assert told["interval_minutes"] == 45
    assert len(told["objects"]) == len(acme.objects)
    told = admin.patch(ACME, json={"paused": True}).json()
    assert (told["status"], told["interval_minutes"]) == ("paused", 45)
    told = admin.patch(ACME, json={"paused": False, "interval_minutes": None}).json()
    assert told["status"] == "active"
    assert platform.connection(acme.name).interval is None
    chosen = [{"object": "deals", "interval_minutes": 60}]
    told = admin.patch(ACME, json={"objects": chosen}).json()
    assert told["objects"] == [{"object": "deals", "interval_minutes": 60, "filters": {}}]
    assert admin.patch(ACME, json={}).json() == told
    told = admin.patch(ACME, json={"label": "  Acme,  sales "}).json()
    assert (told["name"], told["label"]) == (acme.name, "Acme, sales")
    assert admin.patch(ACME, json={"paused": False}).json()["label"] == "Acme, sales"
    assert admin.patch(ACME, json={"label": None}).json()["label"] is None


def test_a_patch_that_cannot_be_done_whole_is_not_done(
    admin: httpx.Client, acme: Connection, platform: Platform
) -> None:
    wrong = [{"object": "contacts", "filters": {"color": "red"}}]
    answer = admin.patch(ACME, json={"interval_minutes": 45, "objects": wrong, "paused": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert admin.patch(ACME, json={"paused": True, "interval_minutes": 1}).status_code == 409
    assert admin.patch(ACME, json={"paused": True, "label": "x" * 81}).status_code == 422
    assert platform.connection(acme.name) == acme


def test_disconnecting_keeps_the_tables(
    admin: httpx.Client, acme: Connection, platform: Platform
) -> None:
    assert admin.delete(ACME).status_code == 204
    assert platform.connections() == []
    assert admin.get(ACME).status_code == 404
    assert admin.delete(ACME).json()["code"] == "unknown_connection"


def test_objects_tell_what_they_can_and_where_they_stand(
    admin: httpx.Client, acme: Connection, platform: Platform
) -> None:
    platform.adjust(acme.name, objects=[each for each in acme.objects if each.object != "owners"])
    items = admin.get(f"{ACME}/objects").json()["items"]
    states = {each["object"]: each for each in items}
    assert states["contacts"]["chosen"]
    assert not states["owners"]["chosen"]
    assert states["contacts"]["can"]["incremental"]
    assert not states["owners"]["can"]["incremental"]
    assert states["contacts"]["last_started_at"] is None


def test_an_object_tells_that_its_full_syncs_fail(
    admin: httpx.Client, acme: Connection, platform: Platform
) -> None:
    full_syncs_fail(platform)
    items = admin.get(f"{ACME}/objects").json()["items"]
    told = {each["object"]: each["full_failing"] for each in items}
    assert told.pop("contacts").endswith("Last: A page is not JSON.")
    assert set(told.values()) == {None}


def test_an_object_is_resumed(api_key: MakeKey, acme: Connection, platform: Platform) -> None:
    client = api_key("sync")
    answer = client.post(f"{ACME}/objects/contacts/resume")
    assert answer.status_code == 200
    assert answer.json()["object"] == "contacts"
    assert platform.store.resumed_at(Target(acme.name, "contacts")) is not None
    assert client.post(f"{ACME}/objects/unicorns/resume").status_code == 404


def test_schema_changes_are_listed(
    admin: httpx.Client, acme: Connection, platform: Platform
) -> None:
    target = Target(acme.name, "deals")
    fields = platform.catalogs.fields(target) or []
    platform.catalogs.save(target, fields[1:])
    platform.catalogs.save(target, fields)
    items = admin.get(f"{ACME}/schema-changes").json()["items"]
    assert [each["kind"] for each in items] == ["returned", "vanished"]
    assert {each["field"] for each in items} == {fields[0].name}
    assert items[0]["found_at"].endswith("Z")
    assert items[0]["sentence"] == f"The field '{fields[0].name}' is back."


def test_what_became_of_a_table_is_among_the_schema_changes(
    admin: httpx.Client, acme: Connection, platform: Platform
) -> None:
    mended = SchemaChange(
        object="deals",
        field="amount",
        kind="mended",
        before="renamed to sum",
        after="has its name back",
    )
    platform.catalogs.keep(Target(acme.name, "deals"), [mended])
    (item,) = admin.get(f"{ACME}/schema-changes").json()["items"]
    assert (item["field"], item["kind"], item["before"]) == ("amount", "mended", "renamed to sum")
    assert item["sentence"] == "The column amount was renamed to sum, and has its name back."


def test_connectors_tell_objects_ways_and_bounds(api_key: MakeKey, platform: Platform) -> None:
    client = api_key("read")
    assert [each["name"] for each in client.get("/api/v1/connectors").json()["items"]] == sorted(
        platform.connectors()
    )
    told = client.get("/api/v1/connectors/hubspot").json()
    ways = {each["name"]: each["secret"] for each in told["ways"]}
    assert ways == {"OAuth2": [], "BearerToken": ["token"]}
    bounds = platform.connector("hubspot").interval
    shortest = timedelta(minutes=told["interval_minutes"]["shortest"])
    assert shortest == bounds.shortest
    assert "contacts" in [each["name"] for each in told["objects"]]
    assert client.get("/api/v1/connectors/unicorn").json()["code"] == "unknown_connector"


def test_a_setting_that_only_some_ways_tell_by_themselves_is_asked_before(
    api_key: MakeKey, platform: Platform
) -> None:
    platform.settings = replace(platform.settings, connector_folders=(FOLDER,))
    told = api_key("read").get("/api/v1/connectors/books").json()["settings"]
    assert {each["name"]: each["asked"] for each in told} == {
        "login": "before",
        "instance_url": "before",  # a plain key tells no instance
        "company": "before",
        "centre": "before",
        "organisation": "after",
    }


def test_a_key_for_a_workspace_connects_there_and_works_with_what_it_connected(
    api_key: MakeKey, platform: Platform
) -> None:
    platform.settings = replace(platform.settings, connector_folders=(FOLDER,))
    client = api_key("read", "write", schemas=["crm"])
    with serve(Books()) as books:
        login = {"login": books.url, "instance_url": books.url, "organisation": "o1"}
        body: dict[str, Any] = {
            "connector": "books",
            "way": "ApiKey",
            "secret": {"token": books.key},
        }
        body |= {"settings": login, "workspace": "crm", "objects": [{"object": "invoices"}]}
        wrong = client.post(CONNECTIONS, json=body | {"name": "one", "secret": {"token": "no"}})
        assert (wrong.status_code, wrong.json()["code"]) == (409, "needs_reauth")
        made = client.post(CONNECTIONS, json=body | {"name": "one"})
        assert made.status_code == 201, made.text
    assert (made.json()["workspace"], made.json()["account_id"]) == ("crm", "ann:o1")
    assert [each["name"] for each in client.get(CONNECTIONS).json()["items"]] == ["one"]
    assert client.patch(f"{CONNECTIONS}/one", json={"paused": True}).json()["status"] == "paused"
    stranger = api_key("read", "write", schemas=["sales"])
    assert stranger.get(f"{CONNECTIONS}/one").status_code == 404
    assert stranger.delete(f"{CONNECTIONS}/one").status_code == 404
    assert client.delete(f"{CONNECTIONS}/one").status_code == 204
