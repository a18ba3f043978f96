"""Cheap processes under a supervisor, and what is said of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Condition
from time import monotonic, sleep

import pytest

from sync_platform.up.supervising import Part, Restarts, Supervisor

ROOT = Path(__file__).parents[2]
LONGEST = 20.0  # seconds that a test waits for anything; none ever needs them
QUICK = Restarts(most=2, first_pause=0.01, healthy_after=60)


class Heard:
    """Every line that was said, and by whom."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._news = Condition()

    def hear(self, name: str, line: str) -> None:
        with self._news:
            self.lines.append((name, line))
            self._news.notify_all()

    def say(self, sentence: str) -> None:
        self.hear("up", sentence)

    def of(self, name: str) -> list[str]:
        """What this one said."""
        return [line for who, line in self.lines if who == name]

    def waits_for(self, name: str, line: str, times: int = 1) -> None:
        """Until this line was said so often."""
        with self._news:
            assert self._news.wait_for(
                lambda: self.lines.count((name, line)) >= times, timeout=LONGEST
            ), self.lines


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def supervisor(heard: Heard) -> Iterator[Supervisor]:
    """One that starts what died at once, twice in a row."""
    it = Supervisor(hear=heard.hear, say=heard.say, restarts=QUICK)
    yield it
    it.stop(hurry=lambda: True)


def part(name: str, *arguments: str, **more: object) -> Part:
    """A part that is one of the cheap processes."""
    return Part(
        name=name,
        arguments=("sync_platform_tests.up.cheap", *arguments),
        cwd=ROOT,
        **more,  # type: ignore[arg-type]
    )


def until(holds: Callable[[], bool], step: float = 0.02) -> None:
    """Wait for something outside of this process; `step`: seconds, longer where to ask is dear
    and would slow down what is waited for."""
    deadline = monotonic() + LONGEST
    while not holds():
        assert monotonic() < deadline
        sleep(step)


def lives(pid: int) -> bool:
    """Whether there is such a process, other than one that only waits to be noticed."""
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    with suppress(ProcessLookupError):
        if not Path("/proc/self").exists():
            os.kill(pid, 0)
            return True
    return False
