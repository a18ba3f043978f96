"""The demo as a person runs it: a process of its own, told what to do by options and Ctrl-C."""

import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sync_platform_tests.conftest import servers_home
from sync_platform_tests.started import (
    WITHIN,
    free_port,
    kill_all_of,
    killed_in_the_end,
    left_by,
    processes_of,
    read_until,
    script,
)

SYNC = re.compile(r"^(\w+) +(incremental|full) +succeeded .*\d$", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="What is left running is read from /proc."
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The folder that all demos of this module use, one after the other."""
    it = servers_home()
    yield it
    kill_all_of(it)
    shutil.rmtree(it, ignore_errors=True)


@pytest.fixture(scope="module")
def once(home: Path) -> str:
    """What `demo --once` told, ended well."""
    with demo("--once", "--home", str(home)) as process:
        told, complaints = process.communicate(timeout=WITHIN)
    assert process.returncode == 0, complaints
    assert complaints.startswith("The key file ")  # made anew, to be kept elsewhere, too
    assert complaints.count("\n") == 1
    return str(told)


def test_demo_once_syncs_changes_syncs_again_and_finds_postgres_equal_to_the_vendor(
    once: str,
) -> None:
    assert "Postgres equals the sandbox, record by record." in once
    modes = [mode for name, mode in SYNC.findall(once) if name == "contacts"]
    assert modes == ["incremental", "incremental", "full"]


def test_demo_once_leaves_nothing_running(once: str, home: Path) -> None:
    assert left_by(home) == {}


def test_a_second_demo_on_the_same_home_goes_on_and_ctrl_c_ends_it_and_all_it_started(
    once: str, home: Path
) -> None:
    with demo("--home", str(home)) as process, killed_in_the_end(process):
        begun = read_until(process, "Ctrl-C ends it all")
        link = re.search(r"http://127.0.0.1:\d+/welcome/\S+", begun)
        assert link is not None
        assert httpx.get(link.group(), follow_redirects=True).is_success
        running = " ".join(processes_of(home).values())
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate()
    assert (process.returncode, complaints) == (0, "")
    for part in ("postgres", "sync_platform.sandbox", "dagster_webserver", "up.standby", "uvicorn"):
        assert part in running
    assert "What is there now" in begun
    assert rows(begun) == rows(once)[-7:]  # it knows them still
    assert "http://127.0.0.1:" in begun
    assert rest.endswith("Everything that was started has been stopped.\n")
    assert left_by(home) == {}


def test_ctrl_c_while_it_starts_ends_it_and_says_that_nothing_was_compared(
    once: str, home: Path
) -> None:
    with demo("--once", "--home", str(home)) as process, killed_in_the_end(process):
        read_until(process, "Starting Dagster")
        process.send_signal(signal.SIGINT)
        told, complaints = process.communicate()
    assert (process.returncode, complaints) == (130, "")
    assert "Postgres equals" not in told
    assert left_by(home) == {}


def test_a_busy_port_is_one_clear_sentence_and_nothing_is_started(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with demo("--home", str(home), port=port) as process:
            told, complaints = process.communicate(timeout=WITHIN)
    assert process.returncode == 2
    assert told == ""
    assert complaints == (
        f"sync-platform: Port {port} is in use. Stop what listens there, or choose another with "
        "--dagster-port.\n"
    )
    assert not home.exists()


def demo(*options: str, port: int | None = None) -> "subprocess.Popen[str]":
    """The demo, started; with ports that nothing listens on, unless Dagster's is given."""
    ports = ("--port", str(free_port()), "--dagster-port", str(port or free_port()))
    return script("demo", *ports, *options)


def rows(told: str) -> list[str]:
    """The rows of the tables of syncs that were shown, seven each."""
    return [found.group() for found in SYNC.finditer(told)]
