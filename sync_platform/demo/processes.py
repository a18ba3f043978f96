"""The processes that the demo starts, and only those: each in a session of its own, so that it and
all it started can be stopped together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from sync_platform.errors import ConfigurationError, Unexpected

STOP_SECONDS = 15.0  # then it is killed


class Processes:
    """What was started, stopped in reverse order."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(
        self, name: str, arguments: Sequence[str], env: Mapping[str, str], *, cwd: Path
    ) -> Path:
        """Start a Python module with arguments; its output goes to the log whose path it gives."""
        path = self.log(name)
        with path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env={**os.environ, **env},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append((name, process))
        return path

    def log(self, name: str) -> Path:
        """Where the output of that process is."""
        return self.logs / f"{name}.log"

    def check(self) -> None:
        """Raises Unexpected, with the end of its log, if one has died."""
        for name, process in self._running:
            if process.poll() is not None:
                lines = self.log(name).read_text(errors="replace").splitlines()[-15:]
                raise Unexpected(
                    f"{name} ended by itself (exit code {process.returncode}). The end of "
                    f"{self.log(name)}:\n" + "\n".join(lines)
                )

    def stop(self) -> None:
        """Stop them all, last started first, with whatever they started."""
        for _, process in reversed(self._running):
            _signal(process.pid, signal.SIGTERM)
            deadline = monotonic() + STOP_SECONDS
            while monotonic() < deadline and (process.poll() is None or _alive(process.pid)):
                sleep(0.05)
            _signal(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()


def _signal(session: int, number: signal.Signals) -> None:
    for pid in _session(session):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _alive(session: int) -> bool:
    return bool(_session(session))


def _session(session: int) -> list[int]:
    """The living processes of a session, by /proc where there is one, else by process group."""
    proc = Path("/proc")
    if not proc.is_dir():
        try:
            os.killpg(session, 0)
        except (ProcessLookupError, PermissionError):
            return []
        return [-session]
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                # "pid (name) state ppid pgrp session …"; the name may hold anything
                state, _, _, its_session = (
                    (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                )
                if int(its_session) == session and state != "Z":
                    found.append(int(entry.name))
    return found


def refuse_busy_port(port: int) -> None:
    """Raises ConfigurationError if something listens on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} is in use. Stop what listens there, or choose another with --port."
            ) from error
