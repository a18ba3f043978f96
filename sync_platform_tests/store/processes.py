"""Other processes of the platform: a script each, heard line by line."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Process:
    """A script in another interpreter. Its lines are awaited, so that no test has to sleep."""

    def __init__(self, script: str, *arguments: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        """The next line it says; waits for it."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def go_on(self) -> None:
        """Let it pass its next input()."""
        assert self.popen.stdin is not None
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()

    def kill(self) -> None:
        """As the kernel does it when memory runs out: SIGKILL."""
        self.popen.kill()
        self.popen.wait()


@contextmanager
def process(script: str, *arguments: str) -> Iterator[Process]:
    """A process that is gone after the block."""
    made = Process(script, *arguments)
    try:
        yield made
    finally:
        made.kill()
        for stream in (made.popen.stdin, made.popen.stdout):
            if stream is not None:
                stream.close()
