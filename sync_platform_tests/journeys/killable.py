"""Syncs in processes of their own, which die or stand still at a chosen moment.

They are forked from a server that has imported everything, so that a start costs a tenth of a
second; each is a process of its own nevertheless, with its own connections.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection, wait
from typing import Any

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.settings import Settings

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "sync_platform.platform", __name__])

MODES = (SyncMode.INCREMENTAL, SyncMode.FULL, SyncMode.FROM_DATE)  # those with progress
KILLED = -9  # how a process ends that is
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)  # since when a from-date sync reads
LONGEST = 60.0  # seconds that a test waits for a process; none ever needs them
SEAMS = ("progress", "begin", "commit", "reconcile", "finish", "save")  # the calls that count


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a process is to sync, and where it stops by itself."""

    mode: SyncMode
    object: str = "contacts"
    commit_bytes: int = 1  # 1: every page is committed
    wait: timedelta = timedelta(0)
    accept_deletes: bool = False
    automatic: bool = False
    dies_at: int | str | None = None  # such as "before commit", or the so manieth of all seams
    stops_before: str | None = None  # the first call of this name, until it is told to go on

    @property
    def request(self) -> SyncRequest:
        return SyncRequest(
            target=Target("acme-hubspot", self.object),
            mode=self.mode,
            window=SyncWindow(LONG_AGO if self.mode is SyncMode.FROM_DATE else None),
            wait=self.wait,
            accept_deletes=self.accept_deletes,
            automatic=self.automatic,
        )


FULL = Asked(mode=SyncMode.FULL)
INCREMENTAL = Asked(mode=SyncMode.INCREMENTAL)


Passing = Callable[[str, str], None]  # told "before" or "after", and which call


class Port:
    """Lets every call of one of the sync's ports through, and says when one begins and ends."""

    def __init__(self, it: Any, passing: Passing) -> None:
        self._it, self._passing = it, passing

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._it, name)
        if name not in SEAMS:
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            self._passing("before", name)
            answer = value(*args, **kwargs)
            self._passing("after", name)
            return answer

        return call


class Destination:
    """The same for the loaders of a destination."""

    def __init__(self, it: Any, passing: Passing) -> None:
        self._it, self._passing = it, passing

    @contextmanager
    def open(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        with self._it.open(*args, **kwargs) as loader:
            yield Port(loader, self._passing)


def run(settings: Settings, asked: Asked, news: Connection) -> None:
    """The process: one sync. Says the code of the error that ended it."""
    passed = 0
    stops_before = asked.stops_before

    def passing(when: str, name: str) -> None:
        nonlocal passed, stops_before
        passed += 1
        if asked.dies_at in (passed, f"{when} {name}"):
            news.send(f"dies {when} {name}")
            os.kill(os.getpid(), signal.SIGKILL)
        if when == "before" and name == stops_before:
            stops_before = None
            news.send(f"stands before {name}")
            news.recv()

    platform = Platform(settings)
    try:
        sync = platform.sync(asked.request)
        sync.commit_bytes = asked.commit_bytes
        sync.cursors = Port(sync.cursors, passing)
        sync.run(into=Destination(platform.destination, passing))
    except SyncPlatformError as error:
        news.send(error.code)
        sys.exit(1)
    finally:
        platform.close()


class SyncProcess:
    """A sync that runs, or ran, in a process of its own."""

    def __init__(self, settings: Settings, asked: Asked) -> None:
        self.asked = asked
        self.said: list[str] = []
        self.exit: int | None = None  # 0: it ended well; 1: by an error of ours; -9: killed
        self._news, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=run, args=(settings, asked, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ends_within(self, seconds: float = LONGEST, *, or_hears: Connection | None = None) -> bool:
        """Whether it ends; waits so long at most, or until that other one has something to say."""
        others = [or_hears] if or_hears else []
        return self._process.sentinel in wait([self._process.sentinel, *others], seconds)

    def stands(self) -> None:
        """Wait until it stands before the call that was asked for."""
        assert self._news.poll(LONGEST)
        self.said.append(self._news.recv())
        assert self.said == [f"stands before {self.asked.stops_before}"]

    def go_on(self) -> None:
        """Let it go on from there."""
        self._news.send("go on")

    def kill(self) -> int:
        """SIGKILL, as when memory runs out; how it ended."""
        if self.exit is None:
            self._process.kill()
        return self.end()

    def end(self) -> int:
        """How it ended, once it has."""
        if self.exit is not None:
            return self.exit
        ended = self.ends_within()
        if not ended:
            self._process.kill()
        self._process.join()
        self.exit = self._process.exitcode
        with suppress(EOFError, OSError):
            while self._news.poll():
                self.said.append(self._news.recv())
        self._news.close()
        self._process.close()
        assert ended, f"{self.asked} did not end"
        assert self.exit is not None
        return self.exit
