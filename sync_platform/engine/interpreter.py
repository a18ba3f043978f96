"""What Python does beside the work, set for syncs: a process that streams records is neither what
its defaults are for, nor is a command that is over in half a second."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Generic, TypeVar

# Python looks for cycles of dead objects whenever so many new ones are alive; its own 700 cost a
# tenth of the time where records come by the thousand. More would keep vendors' answers, which are
# cycles.
NEW_OBJECTS = 10_000

# For how long a thread may go on while another waits for its turn. One that commits wants many
# short turns, one for every piece that Postgres takes: at Python's own 5 ms Postgres idles. All
# others want long ones: one that has an answer asks for the next page before anybody disturbs it.
TURN_SECONDS = 0.0005

Before = TypeVar("Before")


class WhileAnyone(Generic[Before]):
    """Something of the process that is set while anyone is in such a block, and as it was before
    once nobody is."""

    def __init__(self, begin: Callable[[], Before], end: Callable[[Before], None]) -> None:
        """`begin` gives how it was, `end` is given that."""
        self._begin, self._end = begin, end
        self._guard = Lock()
        self._inside = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """The block."""
        with self._guard:
            if self._inside == 0:
                self._before = self._begin()
            self._inside += 1
        try:
            yield
        finally:
            with self._guard:
                self._inside -= 1
                if self._inside == 0:
                    self._end(self._before)


def _look_less_often() -> tuple[int, int, int]:
    before = gc.get_threshold()
    if 0 < before[0] < NEW_OBJECTS:  # 0: never
        gc.set_threshold(NEW_OBJECTS, *before[1:])
    return before


def _shorten_turns() -> float:
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN_SECONDS))
    return before


streaming = WhileAnyone(_look_less_often, lambda before: gc.set_threshold(*before))
short_turns = WhileAnyone(_shorten_turns, sys.setswitchinterval)


@contextmanager
def permanent() -> Iterator[None]:
    """What is made in the block stays: no cycles are looked for in it, neither now nor later, nor
    when the process ends, which is a quarter of a quick command's time. For a process's imports."""
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if looking:
            gc.enable()
