"""The present, and waiting that another thread can end."""

import time
from datetime import UTC, datetime
from threading import Event

from sync_platform.engine.ports import Clock

SLICE = 0.125  # seconds: how long a wait may go on after it was to end


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))


def pause(clock: Clock, seconds: float, ended: Event) -> bool:
    """Wait in slices, until the time is over or `ended` is set; whether it was waited to the end.

    A Clock only knows how to sleep, so `ended` is looked at between the slices.
    """
    left = seconds
    while left > 0 and not ended.is_set():
        clock.sleep(min(left, SLICE))
        left -= SLICE
    return not ended.is_set()
