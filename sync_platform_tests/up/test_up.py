"""The command `up` as a person runs it: a process of its own, told what to do by signals."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sync_platform.embedded import embedded_postgres
from sync_platform.engine.ports import Secret
from sync_platform.engine.requested import Asked, AskedStatus
from sync_platform.engine.results import SyncStatus
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.conftest import servers_home
from sync_platform_tests.started import (
    free_port,
    kill_all_of,
    killed_in_the_end,
    left_by,
    processes_of,
    read_until,
    script,
)
from sync_platform_tests.up.conftest import until

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="What is left running is read from /proc."
)
LONG = 120.0  # seconds that a vendor takes to answer
SELDOM = 0.2  # seconds between questions that take the time of what is asked
TAGS = "query T($id: ID!) { runOrError(runId: $id) { ... on Run { tags { key value } } } }"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The folder of all these installations, one after the other."""
    it = servers_home()
    yield it
    kill_all_of(it)
    shutil.rmtree(it, ignore_errors=True)


@dataclass
class Up:
    """An `up` that runs."""

    process: "subprocess.Popen[str]"
    home: Path
    web: str
    dagster: str
    told: str = ""

    def hears(self, pattern: str) -> str:
        """What it tells until then."""
        self.told = read_until(self.process, pattern)
        return self.told

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Another command on the same home."""
        with script(*words, "--home", str(self.home)) as other:
            out, complaints = other.communicate()
        return subprocess.CompletedProcess(words, other.returncode, out, complaints)


@pytest.fixture
def up(home: Path, request: pytest.FixtureRequest) -> Iterator[Up]:
    """Started with the options that the test's parameter names, and ready."""
    ports = free_port(), free_port()
    words = ("--home", str(home), "--port", str(ports[0]), "--dagster-port", str(ports[1]))
    process = script("up", *words, *getattr(request, "param", ()))
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    with process, killed_in_the_end(process):
        it = Up(process, home, *urls)
        it.hears(r"\| Ready after")
        yield it
        process.kill()


def test_up_syncs_starts_again_what_was_killed_and_leaves_nothing_when_it_is_killed_itself(
    up: Up, hubspot: HubSpot
) -> None:
    link = re.search(r"http://\S+/welcome/\S+", up.hears("welcome"))
    assert link is not None
    assert link.group().startswith(up.web)
    assert httpx.get(link.group(), follow_redirects=True).is_success
    assert httpx.get(f"{up.dagster}/server_info").is_success

    hubspot.add_many("contacts", 3)
    tags = synced(up, hubspot)
    assert tags["sync_platform/connection"] == "acme-hubspot"
    assert re.fullmatch("[0-9a-f]{16}", tags["sync_platform/up"])

    asked = up.command("health", "--json")
    assert {each["part"]: each["well"] for each in json.loads(asked.stdout)} == {
        "web": True,
        "webserver": True,
        "daemon": True,
        "code-server": True,
    }
    assert asked.returncode == 0

    assert up.command("reload").returncode == 0
    assert "web ended" not in up.hears(r"code-server \| The code was loaded anew")
    until(lambda: answers(f"{up.web}/health/ready"), SELDOM)

    (web,) = (pid for pid, words in processes_of(up.home).items() if "uvicorn" in words)
    os.kill(web, signal.SIGKILL)
    up.hears(r"web ended by itself \(killed by SIGKILL\); it is started again in 1 s\.")
    until(lambda: answers(f"{up.web}/health/ready"), SELDOM)

    up.process.kill()
    until(lambda: processes_of(up.home) == {}, SELDOM)
    assert up.command("health").returncode == 1


def synced(up: Up, hubspot: HubSpot) -> dict[str, str]:
    """Connect that HubSpot, sync its contacts through Dagster; the tags of the run."""
    settings = Settings(home=up.home, dagster_url=up.dagster)
    platform = Platform(settings)
    with embedded_postgres(up.home):
        secret = Secret({"token": "sandbox-token"})
        platform.connect(
            "hubspot", "acme-hubspot", secret, base_url=hubspot.url, objects=["contacts"]
        )
        platform.pause("acme-hubspot")  # the sensor launches nothing meanwhile
        asked = platform.request_syncs("acme-hubspot", Asked(full_sync=True), by="a test")
        until(lambda: platform.sync_request("acme-hubspot", asked.id).status.ended, SELDOM)
        ended = platform.sync_request("acme-hubspot", asked.id)
        assert ended.status is AskedStatus.SUCCEEDED
        assert platform.history("acme-hubspot")[0].counts.created == 3
        told: dict[str, Any] = platform.runs.ask(TAGS, {"id": ended.run_ids[0]})
        platform.close()
    return {each["key"]: each["value"] for each in told["runOrError"]["tags"]}


@pytest.mark.parametrize("up", [("--grace", "0")], indirect=True)
def test_a_sync_that_is_under_way_when_up_is_stopped_is_told_as_stopped_not_as_canceled(
    up: Up, hubspot: HubSpot
) -> None:
    platform = Platform(Settings(home=up.home, dagster_url=up.dagster))
    secret = Secret({"token": "sandbox-token"})
    with embedded_postgres(up.home), closing(platform):
        platform.connect(
            "hubspot", "slow-hubspot", secret, base_url=hubspot.url, objects=["contacts"]
        )
        platform.pause("slow-hubspot")
        hubspot.fail(kind="slow", seconds=LONG, path="*/contacts*")
        before = hubspot.calls.total()
        asked = platform.request_syncs("slow-hubspot", Asked(), by="a test")
        until(lambda: hubspot.calls.total() > before)
        up.process.send_signal(signal.SIGTERM)
        up.process.communicate()
        (row,) = platform.history("slow-hubspot")
        assert (row.run_id, row.status) == (asked.run_ids[0], SyncStatus.STOPPED)
        assert row.error is not None
        assert "nobody canceled it" in row.error


@pytest.mark.parametrize("up", [("--only", "web")], indirect=True)
def test_a_part_alone_runs_and_sigterm_ends_it(up: Up) -> None:
    assert answers(f"{up.web}/health/ready")
    assert not answers(f"{up.dagster}/server_info")
    refused = up.command("up", "--only", "web", "--port", str(free_port()))
    assert refused.returncode == 3
    assert f"(process {up.process.pid}) runs the web in {up.home} already" in refused.stderr
    up.process.send_signal(signal.SIGTERM)
    told, complaints = up.process.communicate()
    assert (up.process.returncode, complaints) == (0, "")
    assert told.endswith("up          | Everything that was started has been stopped.\n")
    assert left_by(up.home) == {}


def test_a_busy_port_is_one_clear_sentence_and_nothing_is_started(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        with script("up", "--home", str(home), "--port", port) as process:
            told, complaints = process.communicate()
    assert (process.returncode, told) == (2, "")
    assert complaints == (
        f"sync-platform: Port {port} is in use. Stop what listens there, or choose another with "
        "--port.\n"
    )
    assert not home.exists()


def answers(url: str) -> bool:
    """Whether somebody answers there, well."""
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False
