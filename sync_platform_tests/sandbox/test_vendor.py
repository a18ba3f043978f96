"""What every sandbox vendor can do: faults, counts, the truth, limits, a state that outlives it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sync_platform.sandbox import HubSpot, serve

CONTACTS = "/crm/v3/objects/contacts"
SIGNED = {"Authorization": "Bearer sandbox-token"}


@pytest.fixture
def hubspot() -> Iterator[HubSpot]:
    with serve(HubSpot(contacts=5)) as vendor:
        yield vendor


@pytest.fixture
def client(hubspot: HubSpot) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hubspot.url, headers=SIGNED) as client:
        yield client


def test_a_status_fault_spoils_as_many_answers_as_asked(client: httpx.Client) -> None:
    fault = {"kind": "status", "status": 502, "times": 2}
    client.post("/_sandbox/faults", json=fault).raise_for_status()
    assert [client.get(CONTACTS).status_code for _ in range(3)] == [502, 502, 200]


def test_a_fault_says_when_to_retry_if_asked(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.fail("status", status=429, retry_after=3)
    refused = client.get(CONTACTS)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    assert refused.json()["errorType"] == "RATE_LIMIT"


def test_a_fault_waits_for_a_path_that_matches(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.fail("status", path="*/search")
    assert client.get(CONTACTS).status_code == 200
    assert client.post(f"{CONTACTS}/search", json={}).status_code == 500


def test_faults_can_be_taken_back(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.fail("status", times=9)
    client.delete("/_sandbox/faults").raise_for_status()
    assert client.get(CONTACTS).status_code == 200


def test_a_reset_really_resets_the_connection(hubspot: HubSpot) -> None:
    hubspot.fail("reset")
    port = int(hubspot.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /crm/v3/owners HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1000)


def test_a_cut_answer_ends_before_its_length(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.fail("cut")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get(CONTACTS)
    assert client.get(CONTACTS).status_code == 200


def test_a_cut_write_was_done_all_the_same(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.fail("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(CONTACTS, json={"properties": {"firstname": "Ada"}})
    assert len(hubspot.records("contacts")) == 6


def test_a_malformed_answer_looks_well_until_it_is_read(
    hubspot: HubSpot, client: httpx.Client
) -> None:
    hubspot.fail("malformed")
    response = client.get(CONTACTS)
    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) == len(response.content)
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_slow_answer_outlasts_an_impatient_client(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.fail("slow", seconds=0.3)
    with pytest.raises(httpx.ReadTimeout):
        client.get(CONTACTS, timeout=0.05)


def test_a_fault_that_does_not_exist_is_refused(client: httpx.Client) -> None:
    refused = client.post("/_sandbox/faults", json={"kind": "gremlins"})
    assert refused.status_code == 400
    assert "gremlins" in refused.json()["message"]


def test_calls_are_counted_by_path(hubspot: HubSpot, client: httpx.Client) -> None:
    client.get(CONTACTS)
    client.get(f"{CONTACTS}/151")
    client.get(f"{CONTACTS}/152")
    counts = client.get("/_sandbox/calls").json()
    assert counts["calls"] == {f"GET {CONTACTS}": 1, f"GET {CONTACTS}/{{id}}": 2}
    assert counts["statuses"] == {"200": 3}
    assert hubspot.calls["GET", CONTACTS] == 1


def test_the_truth_can_be_asked_for_without_a_token(hubspot: HubSpot) -> None:
    hubspot.archive("contacts", "152")
    live = httpx.get(f"{hubspot.url}/_sandbox/records/contacts").json()["results"]
    archived = httpx.get(f"{hubspot.url}/_sandbox/archived/contacts").json()["results"]
    assert {one["id"]: one["properties"] for one in live} == hubspot.records("contacts")
    assert [one["id"] for one in archived] == ["152"]
    assert httpx.get(f"{hubspot.url}/_sandbox/records/unicorns").status_code == 404


def test_changes_on_demand_say_what_they_did(hubspot: HubSpot, client: httpx.Client) -> None:
    wanted = {"creates": 2, "updates": 1, "archives": 2, "object": "contacts"}
    before = hubspot.records("contacts")
    made = client.post("/_sandbox/change", json=wanted).json()
    after = hubspot.records("contacts")
    assert set(after) - set(before) == set(made["created"])
    assert set(before) - set(after) == set(made["archived"])
    assert {id for id in before if id in after and before[id] != after[id]} == set(made["updated"])


def test_a_limit_can_be_set_and_lifted_while_it_runs(client: httpx.Client) -> None:
    client.post("/_sandbox/budget", json={"burst": 1}).raise_for_status()
    assert [client.get(CONTACTS).status_code for _ in range(2)] == [200, 429]
    client.post("/_sandbox/budget", json={"burst": None}).raise_for_status()
    assert client.get(CONTACTS).status_code == 200
    assert client.post("/_sandbox/budget", json={"bursts": 1}).status_code == 400


def test_a_vendor_that_stops_leaves_its_port() -> None:
    with serve(HubSpot()) as first, httpx.Client() as still_connected:
        still_connected.get(f"{first.url}/crm/v3/owners", headers=SIGNED)
        port = int(first.url.rpartition(":")[2])
    with serve(HubSpot(), port) as second:
        assert second.url == first.url


def test_a_handler_that_breaks_is_not_passed_over() -> None:
    def serve_a_broken_one() -> None:
        with serve(HubSpot(contacts=1)) as hubspot:
            hubspot.portal.records.clear()
            assert httpx.get(hubspot.url + CONTACTS, headers=SIGNED).status_code == 500

    with pytest.raises(RuntimeError, match="sandbox itself broke"):
        serve_a_broken_one()


def test_a_saved_state_is_continued(tmp_path: Path) -> None:
    before = HubSpot(contacts=20, others=3)
    before.add_property("contacts", "shoe_size", "number")
    before.edit("contacts", "151", shoe_size=41)
    before.archive("contacts", "152")
    before.save(tmp_path / "state.json")
    after = HubSpot()
    after.load(tmp_path / "state.json")
    assert after.records("contacts") == before.records("contacts")
    assert list(after.truth("contacts", archived=True)) == list(
        before.truth("contacts", archived=True)
    )
    assert after.add("contacts", shoe_size=42) == "171"


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sync_platform.sandbox", "hubspot", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_from_a_shell_it_says_where_it_is_and_remembers_when_stopped(tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    ids = []
    for _ in range(2):
        with start("--state", state, "--contacts", "3", "--others", "0", "--token", "t") as sandbox:
            assert sandbox.stdout is not None
            said = json.loads(sandbox.stdout.readline())
            created = httpx.post(
                said["url"] + CONTACTS,
                json={"properties": {}},
                headers={"Authorization": "Bearer t"},
            )
            ids.append(created.json()["id"])
            sandbox.send_signal(signal.SIGTERM)
            rest, complaints = sandbox.communicate(timeout=10)
            assert (said["vendor"], rest, complaints) == ("hubspot", "", "")
            assert (said["client_id"], said["client_secret"]) == (
                "sandbox-client",
                "sandbox-secret",
            )
            assert sandbox.returncode == 0
    assert ids == ["154", "155"]


def test_from_a_shell_a_busy_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        with start("--port", port, "--contacts", "1", "--others", "0") as sandbox:
            said, complaints = sandbox.communicate(timeout=10)
    assert (sandbox.returncode, said) == (2, "")
    assert complaints.count("\n") == 1
    assert port in complaints
