"""What Python does beside the work, set for syncs: a process that streams records is neither what
its defaults are for, nor is a command that is over in half a second."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# Python looks for cycles of dead objects whenever so many new ones are alive; its own 700 cost a
# tenth of the time where records come by the thousand. More would keep vendors' answers, which are
# cycles.
NEW_OBJECTS = 10_000

# For how long a thread may go on while another waits for its turn. The one that commits wants many
# short turns, one for every piece that Postgres takes: at Python's own 5 ms Postgres idles.
TURN_SECONDS = 0.0005

_guard = Lock()
_streaming = 0
_thresholds: tuple[int, int, int] = (0, 0, 0)
_turn = 0.0


@contextmanager
def streaming() -> Iterator[None]:
    """For the block: let it look for cycles less often, and threads take turns more often; both as
    before, once nobody is in such a block."""
    global _streaming, _thresholds, _turn
    with _guard:
        if _streaming == 0:
            _thresholds, _turn = gc.get_threshold(), sys.getswitchinterval()
            if 0 < _thresholds[0] < NEW_OBJECTS:  # 0: never
                gc.set_threshold(NEW_OBJECTS, *_thresholds[1:])
            sys.setswitchinterval(min(_turn, TURN_SECONDS))
        _streaming += 1
    try:
        yield
    finally:
        with _guard:
            _streaming -= 1
            if _streaming == 0:
                gc.set_threshold(*_thresholds)
                sys.setswitchinterval(_turn)


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
