"""Python looks for cycles of dead objects whenever some hundred new ones are alive.

Records are trees and come by the thousand: while they stream by, a tenth of the time would go to
looking. What imports make lives as long as the process: to look through it costs a command that is
over in half a second a quarter of that.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

NEW_OBJECTS = 10_000  # alive before it looks; more would keep vendors' answers, which are cycles

_guard = Lock()
_streaming = 0
_before: tuple[int, int, int] = (0, 0, 0)


@contextmanager
def seldom_searched() -> Iterator[None]:
    """Let it look less often during the block; as before, once nobody is in such a block."""
    global _streaming, _before
    with _guard:
        if _streaming == 0:
            _before = gc.get_threshold()
            if 0 < _before[0] < NEW_OBJECTS:  # 0: never
                gc.set_threshold(NEW_OBJECTS, *_before[1:])
        _streaming += 1
    try:
        yield
    finally:
        with _guard:
            _streaming -= 1
            if _streaming == 0:
                gc.set_threshold(*_before)


@contextmanager
def never_searched() -> Iterator[None]:
    """What is made in the block stays: it is looked through neither now nor later, nor when the
    process ends. For the imports of a process's first module."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
