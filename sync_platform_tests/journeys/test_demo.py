"""The demo as a person runs it: a process of its own, told what to do by options and Ctrl-C."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

import pytest

SCRIPT = str(Path(sys.executable).with_name("sync-platform"))
WITHIN = 240.0  # seconds, on a slow machine
SYNC = re.compile(r"^(\w+) +(incremental|full) +succeeded .*\d$", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="What is left running is read from /proc."
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The folder that all demos of this module use, one after the other."""
    # not in pytest's own folder, which the embedded Postgres may not enter where root runs this
    it = Path(tempfile.mkdtemp(prefix="sync_platform_demo_"))
    yield it
    for pid in processes_of(it):  # only if a test failed
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(it, ignore_errors=True)


@pytest.fixture(scope="module")
def once(home: Path) -> str:
    """What `demo --once` told, ended well."""
    with demo("--once", "--home", str(home)) as process:
        told, complaints = process.communicate(timeout=WITHIN)
    assert (process.returncode, complaints) == (0, "")
    return str(told)


def test_demo_once_syncs_changes_syncs_again_and_finds_postgres_equal_to_the_vendor(
    once: str,
) -> None:
    assert "Postgres equals the sandbox, record by record." in once
    modes = [mode for name, mode in SYNC.findall(once) if name == "contacts"]
    assert modes == ["incremental", "incremental", "full"]


def test_demo_once_leaves_nothing_running(once: str, home: Path) -> None:
    assert processes_of(home) == {}


def test_a_second_demo_on_the_same_home_goes_on_and_ctrl_c_ends_it_and_all_it_started(
    once: str, home: Path
) -> None:
    with demo("--home", str(home)) as process, killed_in_the_end(process):
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if "Ctrl-C ends it all" in line:
                break
        running = " ".join(processes_of(home).values())
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate()
    assert (process.returncode, complaints) == (0, "")
    for part in ("postgres", "sync_platform.sandbox", "dagster_webserver", "dagster._daemon"):
        assert part in running
    begun = "".join(told)
    assert "What is there now" in begun
    assert rows(begun) == rows(once)[-7:]  # it knows them still
    assert "http://127.0.0.1:" in begun
    assert rest.endswith("Everything that was started has been stopped.\n")
    assert processes_of(home) == {}


def test_ctrl_c_while_it_starts_ends_it_and_says_that_nothing_was_compared(
    once: str, home: Path
) -> None:
    with demo("--once", "--home", str(home)) as process, killed_in_the_end(process):
        assert process.stdout is not None
        for line in process.stdout:
            if "Starting Dagster" in line:
                break
        process.send_signal(signal.SIGINT)
        told, complaints = process.communicate()
    assert (process.returncode, complaints) == (130, "")
    assert "Postgres equals" not in told
    assert processes_of(home) == {}


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
        "--port.\n"
    )
    assert not home.exists()


def demo(*options: str, port: int | None = None) -> "subprocess.Popen[str]":
    """The demo, started; with a port that nothing listens on, unless one is given."""
    arguments: Sequence[str] = [SCRIPT, "demo", "--port", str(port or free_port()), *options]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SYNC_PLATFORM_", "DAGSTER_"))}
    return subprocess.Popen(
        arguments,
        env={**env, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextmanager
def killed_in_the_end(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Kill the process if it takes too long, so that reading from it ends."""
    timer = Timer(WITHIN, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def rows(told: str) -> list[str]:
    """The rows of the tables of syncs that were shown, seven each."""
    return [found.group() for found in SYNC.finditer(told)]


def processes_of(home: Path) -> dict[int, str]:
    """The living processes that know of this folder, by their arguments, environment or place."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            arguments = (entry / "cmdline").read_bytes()
            known = (
                arguments
                + (entry / "environ").read_bytes()
                + os.fsencode((entry / "cwd").readlink())
            )
            if os.fsencode(home) in known:
                found[int(entry.name)] = arguments.replace(b"\0", b" ").decode(errors="replace")
    return found


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
