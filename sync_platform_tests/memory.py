"""The ports, in dictionaries: twins of the destination, the store and the vendor for quick tests.

They keep what the protocols promise (`engine/ports.py`). What a test may turn is a plain attribute.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Condition, Event

from sync_platform import spec
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Clock, by_ctrl_c
from sync_platform.engine.results import Counts, SyncResult, SyncStatus, Target, Usage
from sync_platform.errors import AlreadySyncing, SyncPlatformError, VendorUnavailable
from sync_platform.spec import Asked, Json, Request, get
from sync_platform_tests.memory_destination import (
    MemoryDestination,
    MemoryLoader,
    MemoryRow,
    MemoryTable,
)

__all__ = [
    "Answer",
    "MemoryApi", "MemoryCursors", "MemoryDestination", "MemoryHistory", "MemoryLeases",
    "MemoryLoader", "MemoryRecord", "MemoryRow", "MemoryTable",
]  # fmt: skip

# -- what the platform remembers ------------------------------------------------------------


class MemoryCursors:
    """The cursors, in a dictionary. `saved` is all that was offered, oldest first."""

    def __init__(self) -> None:
        self.kept: dict[Target, datetime] = {}
        self.saved: list[datetime] = []
        self.before_save: Callable[[datetime], None] = lambda cursor: None

    def get(self, target: Target) -> datetime | None:
        """The cursor; None before the first."""
        return self.kept.get(target)

    def save(self, target: Target, cursor: datetime) -> None:
        """Keep the greater of this and what is kept: a cursor never goes back."""
        if cursor.tzinfo is None:
            raise ValueError(f"the cursor {cursor} has no time zone")
        self.before_save(cursor)
        self.saved.append(cursor)
        self.kept[target] = max(cursor, self.kept.get(target, cursor))

    def forget(self, target: Target) -> None:
        """The next incremental sync reads everything."""
        self.kept.pop(target, None)


class MemoryRecord:
    """The row of history of a sync that runs."""

    def __init__(self, result: SyncResult, clock: Clock) -> None:
        self._result, self._clock = result, clock
        self.beats = 0

    @property
    def id(self) -> str:
        """The sync's name."""
        return self._result.id

    @property
    def result(self) -> SyncResult:
        """As it stands; final once the record is closed."""
        return self._result

    def add(self, counts: Counts, usage: Usage) -> None:
        """Add counts; `usage` is the total so far. Also a heartbeat."""
        self._result = replace(self._result, counts=self._result.counts + counts, usage=usage)
        self.beat()

    def beat(self, usage: Usage | None = None) -> None:
        """The sync is alive."""
        self.beats += 1
        usage = usage or self._result.usage
        self._result = replace(self._result, heartbeat_at=self._clock.now(), usage=usage)

    def reads(self, mode: SyncMode, window: SyncWindow, *, resumed: bool) -> None:
        """It reads something else than it was asked for."""
        self._result = replace(self._result, mode=mode, window=window, resumed=resumed)

    def close(self, status: SyncStatus, error: BaseException | None = None) -> None:
        """The sync has ended."""
        code = error.code if isinstance(error, SyncPlatformError) else "unexpected"
        self._result = replace(
            self._result,
            status=status,
            finished_at=self._clock.now(),
            error=str(error) if error else None,
            error_code=code if error else None,
        )


class MemoryHistory:
    """The history, in a list."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.records: list[MemoryRecord] = []

    @contextmanager
    def record(
        self, target: Target, *, mode: SyncMode, window: SyncWindow, started_at: datetime,
        run_id: str | None = None, automatic: bool = False,
        canceled: Callable[[BaseException], bool] = by_ctrl_c,
    ) -> Iterator[MemoryRecord]:  # fmt: skip
        """A row for a sync that begins, closed as it ends."""
        result = SyncResult(
            id=f"sync-{len(self.records) + 1}", target=target, mode=mode, window=window,
            status=SyncStatus.RUNNING, started_at=started_at, heartbeat_at=started_at,
            run_id=run_id, automatic=automatic,
        )  # fmt: skip
        record = MemoryRecord(result, self._clock)
        self.records.append(record)
        try:
            yield record
        except Exception as error:
            record.close(SyncStatus.FAILED, error)
            raise
        except BaseException as error:
            record.close(SyncStatus.CANCELED if canceled(error) else SyncStatus.STOPPED, error)
            raise
        record.close(SyncStatus.SUCCEEDED)

    def recent(
        self, connection: str | None = None, object: str | None = None, limit: int = 50
    ) -> list[SyncResult]:
        """The latest syncs, newest first."""
        found = [
            record.result
            for record in reversed(self.records)
            if connection in (None, record.result.target.connection)
            and object in (None, record.result.target.object)
        ]
        return found[:limit]


class MemoryLeases:
    """One sync an object, two a connection, in this process."""

    def __init__(self, slots: int = 2) -> None:
        self._slots = slots
        self._held: list[Target] = []
        self._changed = Condition()

    @contextmanager
    def hold(self, target: Target, *, wait: timedelta) -> Iterator[None]:
        """Hold the lease; after `wait` without it, raises AlreadySyncing."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free(target), wait.total_seconds()):
                raise AlreadySyncing(f"{target} or two others of its connection are being synced.")
            self._held.append(target)
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(target)
                self._changed.notify_all()

    def busy(self, target: Target) -> bool:
        """Whether a sync of this object runs right now."""
        return target in self._held

    def _free(self, target: Target) -> bool:
        others = [held for held in self._held if held.connection == target.connection]
        return target not in others and len(others) < self._slots


# -- the vendor -----------------------------------------------------------------------------

Answer = Callable[[Request, Asked], Json]


class MemoryApi:
    """Answers requests by a function, which may raise, or wait for `closed` as a slow vendor
    would; what waits when the api is closed raises."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._sent: list[Callable[[], None]] = []
        self.requests: list[Request] = []
        self.closed = Event()
        self._bytes = 0

    @property
    def usage(self) -> Usage:
        """What has been used so far."""
        return Usage(calls=len(self.requests), bytes=self._bytes, pages=len(self.requests))

    def get(self, path: str, **params: str) -> Json:
        """The answer of a GET."""
        return self.send(get(path, params=params))

    def send(self, request: Request, asked: Asked = None) -> Json:
        """The answer of a described call."""
        return self.ask(request, asked).body

    def ask(self, request: Request, asked: Asked = None) -> spec.Answer:
        """As `send`, with headers where the function gives a `spec.Answer`."""
        self.requests.append(request)
        for sent in self._sent:
            sent()
        answer = None if self.closed.is_set() else self._answer(request, asked)
        if self.closed.is_set():
            raise VendorUnavailable("The connection to the vendor was closed.")
        told = answer if isinstance(answer, spec.Answer) else spec.Answer(answer, {})
        self._bytes += len(json.dumps(told.body, default=str))
        return told

    def pause(self, seconds: float) -> None:
        """Nobody waits here."""
        if self.closed.is_set():
            raise VendorUnavailable("The connection to the vendor was closed.")

    @contextmanager
    def telling(self, sent: Callable[[], None]) -> Iterator[None]:
        """In the block, `sent` is called with every request."""
        self._sent.append(sent)
        yield
        self._sent.remove(sent)

    @property
    def settings(self) -> Mapping[str, str]:
        """None."""
        return {}

    def close(self) -> None:
        """Let go, and wake whatever waits in a call."""
        self.closed.set()
