"""What history knows of one object of one connection, for deciding whether it is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.engine.results import SyncResult

AGAIN = timedelta(hours=1)  # from the first try to the second; then twice as long each time
DOUBLED = 5  # times at most: more than a day, so that each day has its try at least
OVERDUE = timedelta(hours=36)  # without one that went well, and people are told


@dataclass(frozen=True, kw_only=True)
class FullSyncs:
    """How an object's full syncs went.

    A day's is due until one has gone well, or waits for its deletes to be accepted. One that did
    not is tried again, later and later: a vendor that is down for an hour costs no day, and one
    that answers nonsense for weeks is not asked for everything each hour.
    """

    well_at: datetime | None = None  # one that read everything began: went well, or was refused
    failed: int = 0  # that began since then and ended otherwise
    error: str | None = None  # of the latest that failed
    running: bool = False  # one is under way

    def due_at(
        self, slot: datetime, last_started_at: datetime | None, created_at: datetime | None
    ) -> datetime | None:
        """When the day's is, or was, due: its `slot`, or so long after a try that did not go well;
        None where the day has had it. A connection's first day needs none: its first sync reads
        everything."""
        well_at = self.well_at or created_at
        if well_at is None or well_at >= slot:
            return None
        if last_started_at is None or last_started_at < slot:
            return slot
        return last_started_at + AGAIN * (1 << min(max(self.failed - 1, 0), DOUBLED))

    def failing(
        self,
        now: datetime,
        *,
        created_at: datetime | None,
        chosen_at: datetime | None,
        resumed_at: datetime | None,
    ) -> str | None:
        """What is wrong, in a sentence: the last that went well is too long ago, or there was none
        since the connection was made, or the object chosen. Where none was even tried, it has as
        long from its resuming on: before that, none was due."""
        since = self.well_at or chosen_at or created_at
        tried = bool(self.failed)
        if since is None or (self.running and not tried):
            return None
        moments = (since, chosen_at, None if tried else resumed_at)
        if now - max(it for it in moments if it is not None) <= OVERDUE:
            return None
        how = f"gone well since {since:%F %R} UTC ({self._failures})"
        if not tried:
            how = f"begun since {since:%F %R} UTC, although each day has one"
        return (
            f"no full sync has {how}, so what was deleted without a word may still be in its table."
            + (f" Last: {self.error}" if self.error else "")
        )

    @property
    def _failures(self) -> str:
        return "1 try failed" if self.failed == 1 else f"{self.failed} tries failed"


@dataclass(frozen=True, kw_only=True)
class TargetActivity:
    """The latest of an object's syncs; `recent` holds at least five of them, newest first."""

    last_started_at: datetime | None = None
    last_full_started_at: datetime | None = None
    fulls: FullSyncs = FullSyncs()
    last_computed_at: datetime | None = None  # a refresh of computed fields began
    running: bool = False
    recent: Sequence[SyncResult] = ()
    resumed_at: datetime | None = None  # by hand: it, its connection, or chosen anew
