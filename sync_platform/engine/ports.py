"""What the engine needs of time, of vendors and of what the platform remembers, as protocols, with
the values they exchange. What it needs of the place where rows go is in `destination.py`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Counts, SyncResult, Target, Usage
from sync_platform.spec import Api


class Secret(Mapping[str, Any]):
    """Credentials, opened. Prints as `Secret(…)`, so that no log can hold them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


@dataclass(frozen=True)
class OAuthClient:
    """Our app at a vendor."""

    client_id: str
    client_secret: str = field(repr=False)


class Clock(Protocol):
    """The only source of the present."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class VendorApi(Api, Protocol):
    """An Api for the length of one sync."""

    @property
    def usage(self) -> Usage:
        """What has been used so far."""
        ...

    def telling(self, sent: Callable[[], None]) -> AbstractContextManager[None]:
        """In the block, `sent` is called by whoever begins to wait: for the answer to a call that
        has gone out, for a rate limit, for another try or for a sign-in that is renewed."""
        ...

    def close(self) -> None:
        """Let go of connections and wake whatever waits in a call, which then raises."""
        ...


# -- what the platform remembers ------------------------------------------------------------


class Cursors(Protocol):
    """How far each object has been read on each connection."""

    def get(self, target: Target) -> datetime | None: ...

    def save(self, target: Target, cursor: datetime) -> None:
        """Keep the greater of this and what is kept: a cursor never goes back."""
        ...


class SyncRecord(Protocol):
    """The row of history of a sync that runs."""

    @property
    def id(self) -> str: ...

    def add(self, counts: Counts, usage: Usage) -> None:
        """Add counts; `usage` is the total so far. Also a heartbeat."""
        ...

    def beat(self, usage: Usage | None = None) -> None:
        """The sync is alive; `usage` is the total so far, also of what is not committed yet. Cheap:
        written every few seconds at most."""
        ...

    def reads(self, mode: SyncMode, window: SyncWindow, *, resumed: bool) -> None:
        """It reads something else than it was asked for: what an interrupted one left (`resumed`),
        or everything, because that is owed."""
        ...

    @property
    def result(self) -> SyncResult:
        """As it stands; final once the record is closed."""
        ...


def by_ctrl_c(exit: BaseException) -> bool:
    """Whether a person at a terminal ended what runs."""
    return isinstance(exit, KeyboardInterrupt)


class History(Protocol):
    """The syncs of every connection."""

    def record(
        self,
        target: Target,
        *,
        mode: SyncMode,
        window: SyncWindow,
        started_at: datetime,
        run_id: str | None = None,
        automatic: bool = False,
        canceled: Callable[[BaseException], bool] = by_ctrl_c,
    ) -> AbstractContextManager[SyncRecord]:
        """A row for a sync that begins; closed as succeeded, or as failed by an exception (which
        goes on); by KeyboardInterrupt and other exits as canceled, if `canceled` says that a person
        did it, else as stopped."""
        ...

    def recent(
        self, connection: str | None = None, object: str | None = None, limit: int = 50
    ) -> list[SyncResult]:
        """The latest syncs, newest first."""
        ...


class Leases(Protocol):
    """One sync an object, two a connection, across all processes."""

    def hold(self, target: Target, *, wait: timedelta) -> AbstractContextManager[None]:
        """Hold the lease; after `wait` without it, raises AlreadySyncing, naming what is busy."""
        ...

    def busy(self, target: Target) -> bool:
        """Whether a sync of this object runs somewhere right now."""
        ...


@dataclass(frozen=True, kw_only=True)
class Budget:
    """One rate limit of one connection, as a bucket that all processes share.

    Where the vendor tells how many calls there are, and this process has not heard it yet, they are
    `declared`: then what another process has heard counts.
    """

    name: str
    calls: float
    seconds: float
    declared: bool = False


class Quotas(Protocol):
    """The connections' rate-limit buckets, shared by all processes."""

    def take(self, connection: str, budgets: Sequence[Budget], *, reserve: float = 0.0) -> float:
        """Take a call out of each bucket at once; the seconds to wait before making it.

        `reserve` (0 to 1) is the share of a bucket that must stay for more urgent callers.
        """
        ...

    def lower(self, connection: str, budget: Budget, left: float) -> None:
        """The vendor said how many calls are left: the bucket holds no more than these."""
        ...

    def block(self, connection: str, budgets: Sequence[Budget], seconds: float) -> None:
        """The vendor said to wait: nobody calls on these buckets for so long."""
        ...


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a sync of an object goes by, which people may change at any time."""

    account: str | None  # whose data it is: see engine.destination.another_account
    settings: Mapping[str, str]
    filters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ObjectChoice:
    """That an object of a connection is synced, and how."""

    object: str
    interval: timedelta | None = None  # None: the connection's
    filters: Mapping[str, str] = field(default_factory=dict)
    chosen_at: datetime | None = field(default=None, compare=False)  # None: with its connection
