"""The fake Airtable's webhooks tell what changed."""

import httpx
import pytest

from sync_platform.sandbox.airtable import Airtable
from sync_platform_tests.sandbox.airtable.asking import Json, refused
from sync_platform_tests.sandbox.asking import Clock

ALL = {"options": {"filters": {"dataTypes": ["tableData"]}}}


@pytest.fixture
def hooks(airtable: Airtable) -> str:
    """Where the webhooks of the base are."""
    return f"/v0/bases/{airtable.base('CRM').id}/webhooks"


def made(client: httpx.Client, hooks: str, specification: Json = ALL) -> str:
    answer = client.post(hooks, json={"specification": specification}).raise_for_status()
    return f"{hooks}/{answer.json()['id']}/payloads"


def test_payloads_tell_what_came_changed_and_went(
    airtable: Airtable, client: httpx.Client, hooks: str
) -> None:
    payloads = made(client, hooks)
    table = airtable.workspace.find("People")[1]
    ada = airtable.add("People", Name="Ada")
    airtable.edit("People", ada, Name="Grace")
    airtable.delete("People", ada)
    told = client.get(payloads).json()
    came, changed, went = (each["changedTablesById"][table.id] for each in told["payloads"])
    assert list(came["createdRecordsById"]) == list(changed["changedRecordsById"]) == [ada]
    assert went == {"destroyedRecordIds": [ada]}
    assert (told["cursor"], told["mightHaveMore"]) == (4, False)


def test_only_the_wanted_kinds_of_changes_and_tables_are_told(
    airtable: Airtable, client: httpx.Client, hooks: str
) -> None:
    filters = {
        "dataTypes": ["tableData"],
        "changeTypes": ["remove"],
        "recordChangeScope": airtable.workspace.find("People")[1].id,
    }
    payloads = made(client, hooks, {"options": {"filters": filters}})
    team, ada = airtable.add("Teams", Name="Red"), airtable.add("People", Name="Ada")
    airtable.delete("Teams", team)
    airtable.delete("People", ada)
    (only,) = client.get(payloads).json()["payloads"]
    assert str(only["changedTablesById"]).count("rec") == 1


def test_payloads_come_from_a_cursor_on(
    airtable: Airtable, client: httpx.Client, hooks: str
) -> None:
    payloads = made(client, hooks)
    airtable.add("People", Name="Ada")
    airtable.add("People", Name="Bob")
    first = client.get(payloads, params={"limit": 1}).json()
    assert (len(first["payloads"]), first["cursor"], first["mightHaveMore"]) == (1, 2, True)
    rest = client.get(payloads, params={"cursor": first["cursor"]}).json()
    assert (len(rest["payloads"]), rest["mightHaveMore"]) == (1, False)
    assert client.get(payloads, params={"cursor": 9}).status_code == 422
    assert client.get(payloads, params={"limit": 51}).status_code == 422


def test_payloads_are_kept_for_a_week_and_so_long_a_webhook_lives(
    airtable: Airtable, client: httpx.Client, hooks: str, clock: Clock
) -> None:
    payloads = made(client, hooks)
    airtable.add("People", Name="Ada")
    clock.now += 6 * 86_400
    assert len(client.get(payloads).json()["payloads"]) == 1  # and it lives for another week
    clock.now += 6 * 86_400
    airtable.add("People", Name="Bob")
    told = client.get(payloads).json()
    assert (len(told["payloads"]), told["cursor"]) == (1, 3)
    clock.now += 8 * 86_400
    airtable.add("People", Name="Cyd")
    (shown,) = client.get(hooks).json()["webhooks"]
    assert (shown["isHookEnabled"], shown["cursorForNextPayload"]) == (False, 3)


def test_a_base_has_ten_webhooks_at_most(client: httpx.Client, hooks: str) -> None:
    for _ in range(10):
        made(client, hooks)
    assert client.post(hooks, json={"specification": ALL}).status_code == 422
    (first, *_) = client.get(hooks).json()["webhooks"]
    assert client.delete(f"{hooks}/{first['id']}").status_code == 204
    made(client, hooks)


def test_who_may_only_edit_may_not_make_webhooks(airtable: Airtable, client: httpx.Client) -> None:
    base = airtable.add_base("Others", permission="edit")
    response = client.get(f"/v0/bases/{base}/webhooks")
    assert refused(response) == (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND")
