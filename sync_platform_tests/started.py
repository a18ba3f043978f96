"""Commands of ours as a person starts them, and what they leave running."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from time import monotonic, sleep

SCRIPT = str(Path(sys.executable).with_name("sync-platform"))
WITHIN = 240.0  # seconds, on a slow machine


def heed_ctrl_c() -> None:
    """Have what is started from here end by Ctrl-C, as from a terminal.

    Where SIGINT is ignored, as in `nohup pytest &` of a shell without job control, every process
    that is started would ignore it, too. Any other handler is not handed on.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def script(*words: str) -> "subprocess.Popen[str]":
    """The script, started, with none of our settings in its environment."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SYNC_PLATFORM_", "DAGSTER_"))}
    return subprocess.Popen(
        [SCRIPT, *words],
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


def read_until(process: "subprocess.Popen[str]", pattern: str) -> str:
    """What it tells, up to the line that matches."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if re.search(pattern, line):
            return told
    complaints = process.stderr.read() if process.stderr else ""
    raise AssertionError(f"It ended without {pattern!r}:\n{told}{complaints}")


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


def left_by(home: Path) -> dict[int, str]:
    """The processes of this folder that stay; Postgres ends a moment after it is stopped."""
    deadline = monotonic() + 5
    while (found := processes_of(home)) and monotonic() < deadline:
        sleep(0.05)
    return found


def kill_all_of(home: Path) -> None:
    """What a test that failed left running."""
    for pid in processes_of(home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
