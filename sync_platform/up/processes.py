"""Processes that were started here, and only those: each in a session of its own, so that it and
all it started can be stopped together."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

from sync_platform.errors import ConfigurationError

LAST_LINES = 20  # of what a process said, kept to be told when it dies
HURRIED = 5.0  # seconds between the signal to the whole session and the kill
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Hear = Callable[[str, str], None]  # told the name of a process and a line that it said


class Child:
    """A Python module that runs in a session of its own; what it says is heard line by line."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        hear: Hear,
    ) -> None:
        self.name = name
        self.began = monotonic()
        self._hear = hear
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._popen = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.session = self._popen.pid
        self._reader = Thread(target=self._read, name=f"reader of {name}", daemon=True)
        self._reader.start()

    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._popen.poll()

    def alive(self) -> bool:
        """Whether it, or anything that it started, still runs."""
        return self._popen.poll() is None or bool(members(self.session))

    def last_lines(self) -> list[str]:
        """The last that it said."""
        if self.exit_code() is not None:
            self._reader.join(timeout=0.5)  # what it started may keep its output open
        return list(self._last)

    def signal(self, number: signal.Signals) -> None:
        """Send it, and not what it started, a signal."""
        with suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def stop(self, patience: float, hurry: Callable[[], bool] = lambda: False) -> None:
        """End it and all that it started: it is asked to; when it has ended, after `patience`
        seconds or as soon as somebody is in a hurry, all of its session are asked, then killed."""
        self.signal(signal.SIGTERM)
        _within(patience, lambda: self.exit_code() is not None or hurry())
        signal_session(self.session, signal.SIGTERM)
        if not _within(HURRIED, lambda: not self.alive()):
            signal_session(self.session, signal.SIGKILL)
        self._popen.wait()
        self._reader.join(timeout=HURRIED)
        if not self._reader.is_alive() and self._popen.stdout is not None:
            self._popen.stdout.close()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            text = COLOURS.sub("", line.decode(errors="replace").rstrip())
            self._last.append(text)
            self._hear(self.name, text)


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Wait until that holds; whether it did in time."""
    deadline = monotonic() + seconds
    while not holds():
        if monotonic() > deadline:
            return False
        sleep(0.05)
    return True


def signal_session(session: int, number: signal.Signals) -> None:
    """Send a signal to every process of a session."""
    for pid in members(session):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def members(session: int) -> list[int]:
    """The living processes of a session, by /proc where there is one, else by process group."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
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


def refuse_busy_port(port: int, option: str = "--port", host: str = "127.0.0.1") -> None:
    """Raises ConfigurationError if something listens on this port, or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = (
                f"Port {port} is in use. Stop what listens there, or choose another with {option}."
                if getattr(error, "errno", None) == errno.EADDRINUSE
                else f"Nothing can listen at {host} port {port}: {error}. Choose another address."
            )
            raise ConfigurationError(reason) from error
