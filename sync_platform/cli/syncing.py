"""Syncs in place, with a line of progress for each object."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import FrameType

from sync_platform.engine.results import Counts, SyncResult, Target
from sync_platform.engine.sync import Sync, SyncRequest
from sync_platform.errors import NeedsReauth, ObjectGone, SyncPlatformError
from sync_platform.platform import Platform

Tell = Callable[[str, Counts], None]


@dataclass(frozen=True)
class Outcome:
    """How one sync ended: its result, unless it never began; and its error, if it failed."""

    target: Target
    result: SyncResult | None
    error: SyncPlatformError | None = None


def sync_in_place(platform: Platform, requests: Sequence[SyncRequest]) -> list[Outcome]:
    """Run the syncs one after the other, and show on a terminal how far they are.

    All requests are checked before the first call to the vendor. One that fails, or whose object is
    gone, does not stop the others, unless the sign-in itself is no longer good. SIGTERM ends all as
    an exit, of which history tells.
    """
    syncs = [_planned(platform, request) for request in requests]
    outcomes: list[Outcome] = []
    with exiting(signal.SIGTERM), _lines() as line:
        for sync in syncs:
            if isinstance(sync, Outcome):
                outcomes.append(sync)
                continue
            error: SyncPlatformError | None = None
            with line(sync.target.object) as sync.on_progress:
                try:
                    sync.run(into=platform.destination)
                except SyncPlatformError as raised:
                    error = raised
            outcomes.append(Outcome(sync.target, sync.result, error))
            if isinstance(error, NeedsReauth):
                break
    return outcomes


def _lines() -> AbstractContextManager[Callable[[str], AbstractContextManager[Tell]]]:
    """A line for each object, where anybody looks."""
    if not sys.stderr.isatty():
        return nullcontext(lambda name: nullcontext(_unseen))
    from sync_platform.cli.terminal import lines

    return lines()


def _unseen(sentence: str, counts: Counts) -> None:
    """What is told to nobody."""


@contextmanager
def exiting(number: signal.Signals) -> Iterator[None]:
    """The signal ends the block by SystemExit, with the code that shells have for it."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(number, on_signal)
    try:
        yield
    finally:
        signal.signal(number, before)


def _planned(platform: Platform, request: SyncRequest) -> Sync | Outcome:
    """The sync; or how it ended before it began, because its object is gone."""
    try:
        return platform.sync(request)
    except ObjectGone as error:
        return Outcome(request.target, None, error)
