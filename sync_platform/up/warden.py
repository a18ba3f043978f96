"""Leaves nothing behind: a small process that outlives `up` by a moment, whatever kills it.

`up` holds the other end of its standard input and writes there which sessions begin and end. When
that closes, the warden ends the sessions that are left, and lets go of the embedded Postgres last.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from sync_platform.errors import Unexpected
from sync_platform.up.processes import members, signal_session

PATIENCE = 10.0  # seconds between the two signals


class Warden:
    """The warden's process, seen from the one that it watches."""

    def __init__(self, embedded_home: Path | None, keep: Sequence[int] = ()) -> None:
        """`embedded_home`: of the embedded Postgres that it is to let go of last, if that is used.
        `keep`: files that stay open (and locked) for as long as it lives.

        Raises Unexpected where it does not start.
        """
        home = [] if embedded_home is None else [str(embedded_home)]
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "sync_platform.up.warden", *home],
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            pass_fds=keep,
        )
        assert self._popen.stdout is not None
        if self._popen.stdout.readline() != b"ready\n":
            self.close()
            raise Unexpected("The process that stops the others in an emergency did not start.")

    def began(self, session: int) -> None:
        """A session began."""
        self._tell(f"began {session}\n")

    def ended(self, session: int) -> None:
        """Nothing of that session is left."""
        self._tell(f"ended {session}\n")

    def close(self) -> None:
        """Let it end what is left, and wait for it."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        with suppress(BrokenPipeError):
            self._popen.stdin.close()
        self._popen.wait()
        self._popen.stdout.close()

    def _tell(self, line: str) -> None:
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(line.encode())
            self._popen.stdin.flush()
        except BrokenPipeError:
            raise Unexpected(
                "The process that stops the others in an emergency is gone (was it killed?). "
                "Everything is stopped; start it again."
            ) from None


def watch(home: Path | None) -> None:
    """The warden's life."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # meant for all of a terminal or service; it is last
    if home is not None:
        from sync_platform.embedded import start

        start(home)  # left, and stopped if nobody else uses it, when this process ends
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sessions: set[int] = set()
    for line in sys.stdin:
        word, number = line.split()
        (sessions.add if word == "began" else sessions.discard)(int(number))
    end(sessions)


def end(sessions: set[int]) -> None:
    """End all processes of these sessions: first they are asked to, then killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for session in sessions:
            signal_session(session, number)
        deadline = monotonic() + PATIENCE
        while any(members(session) for session in sessions) and monotonic() < deadline:
            sleep(0.05)


if __name__ == "__main__":
    watch(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
