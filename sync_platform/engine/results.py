"""What a sync is about and what became of it, as values."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sync_platform.engine.modes import SyncMode, SyncWindow


@dataclass(frozen=True)
class Target:
    """One object of one connection."""

    connection: str
    object: str

    def __str__(self) -> str:
        return f"{self.connection}/{self.object}"


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Records, by what became of them. `rejected` ones lie in the schema's `_rejected` table."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    rejected: int = 0

    @property
    def unchanged(self) -> int:
        """Fetched, and already in the table just so (or twice in one batch)."""
        return max(0, self.fetched - self.created - self.updated - self.rejected)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            fetched=self.fetched + other.fetched,
            created=self.created + other.created,
            updated=self.updated + other.updated,
            deleted=self.deleted + other.deleted,
            rejected=self.rejected + other.rejected,
        )


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a sync cost: calls to the vendor and bytes of their answers (decoded)."""

    calls: int = 0
    bytes: int = 0
    pages: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            bytes=self.bytes + other.bytes,
            pages=self.pages + other.pages,
        )


class SyncStatus(StrEnum):
    """Where a sync stands. A stale one has not been heard of for five minutes; a stopped one ended
    with its process, as a canceled one does, but nobody canceled it."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STALE = "stale"
    CANCELED = "canceled"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class SyncResult:
    """One sync, as history keeps it."""

    id: str
    target: Target
    mode: SyncMode
    window: SyncWindow
    status: SyncStatus
    started_at: datetime
    heartbeat_at: datetime | None = None
    finished_at: datetime | None = None
    counts: Counts = field(default_factory=Counts)
    usage: Usage = field(default_factory=Usage)
    error: str | None = None  # a sentence for the person who owns the connection
    error_code: str | None = None  # SyncPlatformError.code
    run_id: str | None = None  # Dagster's run, where one launched it
    resumed: bool = False  # it went on where an interrupted sync had stopped
    automatic: bool = False  # a sensor or schedule asked for it, not a person

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None

    def as_dict(self) -> dict[str, Any]:
        """Flat and JSON-ready, for listings."""
        return {
            "id": self.id,
            "connection": self.target.connection,
            "object": self.target.object,
            "mode": self.mode.value,
            "since": self.window.since.isoformat() if self.window.since else None,
            "until": self.window.until.isoformat() if self.window.until else None,
            "status": self.status.value,
            **asdict(self.counts),
            "unchanged": self.counts.unchanged,
            **asdict(self.usage),
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "seconds": self.seconds,
            "error": self.error,
            "error_code": self.error_code,
            "run_id": self.run_id,
            "resumed": self.resumed,
            "automatic": self.automatic,
        }


@dataclass(frozen=True, kw_only=True)
class SchemaChange:
    """A difference between what a vendor had and has now, or what became of a table. As a text, it
    is a sentence.

    `before` and `after` are types, and of a renamed field its names; `field` is its present name.
    Of a table: what people did to a column and what the sync did about it ("mended", where `field`
    is the column, or empty for the whole table); the type that a column stays at and the one that
    its field needs ("kept"); what the column of a renamed field was called and is ("followed").
    """

    object: str
    field: str
    kind: str  # "added", "vanished", "returned", "retyped", "renamed"; "mended", "kept", "followed"
    before: str | None = None
    after: str | None = None
    found_at: datetime | None = None  # None: not kept yet

    def __str__(self) -> str:
        if not self.field:
            return self._of_object()
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
            case "mended":
                return f"The column {self.field} was {self.before}, and {self.after}."
            case "kept":
                return (
                    f"The column {self.field} stays {self.before}, though its field needs "
                    f"{self.after}: a view, a trigger or the like is built on it. Until that is "
                    "dropped, values that do not fit it load as text into a column beside it; "
                    "beside a key, or where the table is full, they have their records rejected."
                )
            case "followed":
                and_so = (
                    f"is called {self.after} now, and keeps" if self.after else "keeps its name and"
                )
                return (
                    f"The vendor renamed a field to {self.field!r}; its column {self.before} "
                    f"{and_so} its values."
                )
        return f"The field {self.field!r} was {self.kind}."

    def _of_object(self) -> str:
        """A change of the object as a whole: `before` and `after` are the vendor's names for it."""
        match self.kind:
            case "added":
                return f"There is a new object {self.object!r} ({self.after})."
            case "vanished":
                return f"The object {self.object!r} ({self.before}) is gone; its table stays."
            case "returned":
                return f"The object {self.object!r} ({self.after}) is back."
            case "renamed":
                return (
                    f"{self.before!r} is called {self.after!r} now; here it stays {self.object!r}."
                )
            case "mended":
                return f"The table was {self.before}, and {self.after}."
        return f"The object {self.object!r} was {self.kind}."
