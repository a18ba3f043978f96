"""What `up` writes down, and what it reads."""

from pathlib import Path

import pytest

from sync_platform.errors import ConfigurationError, Refused
from sync_platform.up.places import Entry, Register, dagster_home, shipped, socket_path, workspace
from sync_platform_tests.store.processes import process

HOLDER = """
import sys
from pathlib import Path
from sync_platform.up.places import Register

register = Register(Path(sys.argv[1]))
register.enter({"web": "http://127.0.0.1:1", "daemon": None})
print("entered", flush=True)
input()
"""


def test_a_part_runs_once_in_a_home_and_one_whose_up_was_killed_does_not(tmp_path: Path) -> None:
    register = Register(tmp_path)
    with process(HOLDER, str(tmp_path)) as other:
        assert other.hear() == "entered"
        pid = other.popen.pid
        assert register.running() == [
            Entry(part="daemon", address=None, pid=pid),
            Entry(part="web", address="http://127.0.0.1:1", pid=pid),
        ]
        with pytest.raises(Refused, match=rf"\(process {pid}\) runs the web in .* already"):
            register.enter({"webserver": None, "web": None})
        other.kill()
        assert register.running() == []
    register.enter({"webserver": None, "web": None})
    assert {each.part for each in Register(tmp_path).running()} == {"web", "webserver"}
    register.leave()
    assert Register(tmp_path).running() == []


def test_the_workspace_names_one_code_server(tmp_path: Path) -> None:
    assert (
        workspace(tmp_path, "/run/code.sock", "here")
        .read_text()
        .endswith("  - grpc_server:\n      socket: /run/code.sock\n      location_name: here\n")
    )
    assert (
        workspace(tmp_path, "10.0.0.5:4000", "here")
        .read_text()
        .endswith(
            "  - grpc_server:\n      host: 10.0.0.5\n      port: 4000\n      location_name: here\n"
        )
    )


def test_a_home_with_a_long_name_has_its_socket_elsewhere(tmp_path: Path) -> None:
    assert socket_path(Path("/srv/home")) == Path("/srv/home/up/code.sock")
    assert len(str(socket_path(tmp_path / ("long" * 25)))) <= 100


def test_dagster_reads_our_dagster_yaml_or_the_one_in_the_folder_that_was_given(
    tmp_path: Path,
) -> None:
    ours = dagster_home(tmp_path / "home", None)
    assert (ours / "dagster.yaml").read_text() == shipped("dagster.yaml").read_text()
    given = tmp_path / "given"
    given.mkdir()
    with pytest.raises(ConfigurationError, match=r"DAGSTER_HOME is .*given, which has no dagster"):
        dagster_home(tmp_path / "home", str(given))
    (given / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    assert dagster_home(tmp_path / "home", str(given)) == given
    assert (given / "dagster.yaml").read_text() == "telemetry:\n  enabled: false\n"
