"""What the engine needs of the outside world, as protocols, with the values they exchange."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Counts, SyncResult, Target, Usage
from sync_platform.spec import Api, Field, Json, Page


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

    def close(self) -> None:
        """Let go of connections and wake whatever waits in a call, which then raises."""
        ...


# -- the destination ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Table:
    """Where an object's rows go. `label` and `connection` are for comments and messages."""

    schema: str
    name: str
    keys: tuple[str, ...]
    connection: str
    label: str  # such as "HubSpot contacts"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an unfinished sync got: kept beside the rows, written in their transaction.

    `position` is the engine's own JSON; None only where the table lost rows or values and is to be
    read in full, of which nothing is done. `shape` tells fields and filters apart: a sync that was
    asked something else must not go on from it.
    """

    sync: str  # the sync that wrote it last
    mode: SyncMode
    window: SyncWindow
    started_at: datetime  # of the sync that began it
    shape: str
    position: Json = None


class Sealed:
    """What a loader took in up to a moment; only the loader knows what is inside."""


class Loader(Protocol):
    """Writes one sync's rows into one table. Made by Destination.open; used by one thread, except
    that `commit` may run in another one, one at a time and in the order of the seals. Meanwhile
    the first may call `write`, `pending`, `seal` and `cancel`, and nothing else."""

    def progress(self) -> Progress | None:
        """What an interrupted sync of this table left; None where none did, or its keys seen were
        lost with the server."""
        ...

    def begin(self, progress: Progress, *, resume: bool) -> None:
        """Take the table over for `progress.sync`. Without `resume`, forget earlier progress."""
        ...

    def write(self, page: Page) -> None:
        """Take a page in; it is not in the table yet."""
        ...

    @property
    def pending(self) -> int:
        """Bytes taken in and not yet sealed."""
        ...

    def seal(self) -> Sealed:
        """What was taken in since the last seal, for a commit. Nothing is pending afterwards."""
        ...

    def commit(self, progress: Progress, sealed: Sealed | None = None) -> Counts:
        """Merge what was sealed (if None: what is pending) and keep `progress`, in one transaction.

        Raises LeaseLost if another sync has taken the table over.
        """
        ...

    def cancel(self) -> None:
        """Have the commit that runs in another thread give up what it is at, and raise. Does
        nothing where it just has nothing under way; raises nothing."""
        ...

    def reconcile(self, *, before: datetime, most: float | None) -> Counts:
        """Mark as deleted what this (full) sync did not see and was last written before `before`.

        Raises TooManyDeletes, having marked nothing, if more than the share `most` (0 to 1) of the
        live rows would go, or all of them because nothing was read. `most=None`: no guard.
        """
        ...

    def finish(self) -> None:
        """The sync ended well: forget its progress."""
        ...

    def rows(self) -> int:
        """How many live rows the table has now."""
        ...


class Destination(Protocol):
    """Where rows go."""

    def open(
        self, table: Table, fields: Sequence[Field], *, sync: str, known_only: bool = False
    ) -> AbstractContextManager[Loader]:
        """Make or widen the table for these fields, and give a loader for it.

        With `known_only` it writes these fields into rows that are there, and makes none.
        """
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

    def beat(self) -> None:
        """The sync is alive. Cheap: written every few seconds at most."""
        ...

    def resumed(self, mode: SyncMode, window: SyncWindow) -> None:
        """It goes on where an interrupted one stopped, over that one's window."""
        ...

    @property
    def result(self) -> SyncResult:
        """As it stands; final once the record is closed."""
        ...


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
    ) -> AbstractContextManager[SyncRecord]:
        """A row for a sync that begins; closed as succeeded, or as failed by an exception (which
        goes on), or as canceled by KeyboardInterrupt and other exits."""
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
    """One rate limit of one connection, as a bucket that all processes share."""

    name: str
    calls: float
    seconds: float


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


class Credentials(Protocol):
    """The connections' secrets."""

    def read(self, connection: str) -> Secret: ...

    def rotate(self, connection: str, refresh: Callable[[Secret], Secret]) -> Secret:
        """Replace the secret by what `refresh` makes of it, one process at a time."""
        ...


@dataclass(frozen=True, kw_only=True)
class SchemaChange:
    """A difference between what a vendor had and has now. As a text, it is a sentence.

    `before` and `after` are types, and of a renamed field its names; `field` is its present name.
    """

    object: str
    field: str
    kind: str  # "added", "vanished", "returned", "retyped", "renamed"
    before: str | None = None
    after: str | None = None
    found_at: datetime | None = None  # None: not kept yet

    def __str__(self) -> str:
        match self.kind:
            case "added":
                return f"The field {self.field!r} is new ({self.after})."
            case "vanished":
                return f"The field {self.field!r} is gone; its column stays."
            case "returned":
                return f"The field {self.field!r} is back."
            case "retyped":
                return f"The field {self.field!r} was {self.before} and is {self.after} now."
            case "renamed":
                return f"The field {self.before!r} is called {self.after!r} now."
        return f"The field {self.field!r} was {self.kind}."


class Catalogs(Protocol):
    """What discovery found on each connection."""

    def fields(self, target: Target) -> list[Field] | None:
        """The fields last found; None before the first discovery."""
        ...

    def save(self, target: Target, fields: Sequence[Field]) -> list[SchemaChange]:
        """Keep what was found; tells and keeps what changed since the last time."""
        ...


@dataclass(frozen=True, kw_only=True)
class ObjectChoice:
    """That an object of a connection is synced, and how."""

    object: str
    interval: timedelta | None = None  # None: the connection's
    filters: Mapping[str, str] = field(default_factory=dict)
