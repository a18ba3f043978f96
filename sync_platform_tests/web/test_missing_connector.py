"""A connection whose connector is not there any more: its folder was removed, or a version went."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from sync_platform.cli.commands import cli
from sync_platform.engine.access import Scope
from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import ConnectorMissing
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform.settings import Settings
from sync_platform_tests.books_vendor import FOLDER
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.environment import variables
from sync_platform_tests.journeys.echoing import Echoing
from sync_platform_tests.web.serving import Visitor, served, sign_in
from sync_platform_tests.web.visiting import read, words

GONE = "There is no connector 'echoing' here (any more), so lost cannot sync."
TO_DO = "Put the connector back where it was, or disconnect lost."


@pytest.fixture
def left(settings: Settings, tmp_path: Path, hubspot: HubSpot) -> Iterator[Platform]:
    """A platform with lost, whose connector went after a sync, and acme, whose did not."""
    folder = tmp_path / "connectors"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with serve(Echoing(["a-key-0123456789"], client_id="x", client_secret="x")) as vendor:
        with closing(Platform(replace(settings, connector_folders=(folder,)))) as before:
            before.connect(
                "echoing",
                "lost",
                Secret({"auth": "BearerToken", "token": "a-key-0123456789"}),
                base_url=vendor.url,
                settings={"here": vendor.url},
            )
            before.sync(SyncRequest(Target("lost", "things"))).run(into=before.destination)
            before.connect(
                "hubspot",
                "acme",
                Secret({"token": "sandbox-token"}),
                base_url=hubspot.url,
                objects=["contacts"],
            )
        after = Platform(settings, clock=HastyClock())
        yield after
        after.close()


@pytest.fixture
def admin(left: Platform) -> Iterator[Visitor]:
    with served(left) as url, closing(sign_in(url, left)) as browser:
        yield browser


def test_the_list_says_what_is_missing(admin: Visitor) -> None:
    told = read(admin, "/")
    assert "Needs attention" in told
    assert GONE in told
    assert "<title>(1) Connections" in admin.get("/").text


def test_every_page_of_it_says_what_is_missing_and_what_to_do(admin: Visitor) -> None:
    for page in ("", "/tables", "/syncs", "/settings"):
        told = read(admin, f"/connections/lost{page}")
        assert GONE in told, page
        assert TO_DO in told, page
        for impossible in ("Sync now", "Try again now", "Sign in again"):
            assert impossible not in told, page
    assert "lost.things" in read(admin, "/connections/lost/tables")  # they stay
    assert "Succeeded" in read(admin, "/connections/lost/syncs")  # what was
    assert "Nothing has changed" in read(admin, "/connections/lost/changes")


def test_what_cannot_be_done_without_it_is_refused_with_the_same_sentence(admin: Visitor) -> None:
    admin.look("/connections/lost/syncs")
    answers = [
        admin.submit("/connections/lost/syncs"),
        admin.submit("/connections/lost/changes"),
        admin.submit("/connections/lost/tables", objects="things"),
        admin.submit("/connections/lost/sign-in/key", way="BearerToken"),
        admin.get("/connections/lost/sign-in"),
    ]
    for answer in answers:
        assert answer.status_code == 409, words(answer.text)
        assert GONE in words(answer.text)


def test_it_can_be_renamed_paused_and_disconnected(admin: Visitor, left: Platform) -> None:
    admin.look("/connections/lost/settings")
    assert admin.submit("/connections/lost/settings/label", label="Old one").status_code == 303
    assert admin.submit("/connections/lost/settings/pause").status_code == 303
    told = read(admin, "/connections/lost")
    assert "Paused by ann@example.com. There is no connector 'echoing' here" in told
    assert GONE in read(admin, "/")
    assert left.store.get("lost").status_reason == "Paused by ann@example.com."  # nothing is kept
    gone = admin.submit("/connections/lost/disconnect", name="lost")
    assert (gone.status_code, gone.headers["location"]) == (303, "/")
    assert [each.name for each in left.connections()] == ["acme"]


def test_the_api_says_it_too(admin: Visitor, left: Platform) -> None:
    _, key = left.access.make_key("test", [Scope.ADMIN], by="a test")
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{left.settings.public_url}/api/v1", headers=headers) as api:
        listed = {each["name"]: each for each in api.get("/connections").json()["items"]}
        assert listed["lost"]["status"] == "needs_attention"
        assert GONE in listed["lost"]["status_reason"]
        assert (listed["acme"]["status"], listed["acme"]["status_reason"]) == ("active", None)
        for refused in (
            api.get("/connections/lost/objects"),
            api.post("/connections/lost/syncs", json={}),
            api.post("/connections/lost/objects/things/resume"),
            api.patch("/connections/lost", json={"interval_minutes": 30, "label": "Old one"}),
        ):
            told = refused.json()
            assert (refused.status_code, told["code"]) == (409, "connector_missing")
            assert GONE in told["detail"]
        assert len(api.get("/connections/lost/syncs").json()["items"]) == 1
        told = api.patch("/connections/lost", json={"label": "Old one"}).json()
        assert (told["label"], told["status"]) == ("Old one", "needs_attention")
        assert api.delete("/connections/lost").status_code == 204


def test_commands_say_it_too(left: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(left.settings).items():
        monkeypatch.setenv(name, value)

    def command(line: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, line.split())
        return result.exit_code, result.output

    (row,) = [it for it in json.loads(command("connections --json")[1]) if it["name"] == "lost"]
    assert (row["status"], row["reason"].startswith(GONE)) == ("needs_attention", True)
    for line in ("objects lost", "sync lost", "discover lost"):
        code, told = command(line)
        assert code == 4, told
        assert GONE in told
    assert GONE in command("doctor")[1]
    assert command("history lost")[0] == 0
    assert command("disconnect lost")[0] == 0


def test_the_other_connections_go_on(left: Platform) -> None:
    """What goes through all of them leaves this one out."""
    assert [it.connection.name for it in left.due()] == ["acme"]
    assert left.due_computed() == []
    assert left.refresh_idle() == []
    assert left.store.get("lost").status is ConnectionStatus.ACTIVE
    assert [it.condition.value for it in left.overviews()] == ["healthy", "needs_attention"]


def test_a_line_to_its_vendor_cannot_be_opened(left: Platform) -> None:
    lost: Connection = left.connection("lost")
    with pytest.raises(ConnectorMissing, match="no connector 'echoing'"):
        left.api(lost)
    with pytest.raises(ConnectorMissing):
        left.sync(SyncRequest(Target("lost", "things")))
