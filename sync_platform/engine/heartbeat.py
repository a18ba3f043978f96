"""A sync that waits for something which may take minutes is alive all the while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from sync_platform.errors import SyncPlatformError

BEAT_SECONDS = 1.0  # how often a sync that waits looks up: for its heartbeat, for a commit's end


@contextmanager
def beating(beat: Callable[[], None], seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """`beat` is called every so many seconds, by a thread of its own, until the block ends. What
    keeps it from it (a store that is away) is met by whoever waits, too."""
    ended = Event()

    def run() -> None:
        while not ended.wait(seconds):
            with suppress(SyncPlatformError):
                beat()

    thread = Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
