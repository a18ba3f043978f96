"""What history knows of one object of one connection, for deciding whether it is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.engine.results import SyncResult


@dataclass(frozen=True, kw_only=True)
class TargetActivity:
    """The latest of an object's syncs; `recent` holds at least five of them, newest first."""

    last_started_at: datetime | None = None
    last_full_started_at: datetime | None = None
    last_computed_at: datetime | None = None  # a refresh of computed fields began
    running: bool = False
    recent: Sequence[SyncResult] = ()
    resumed_at: datetime | None = None  # of the object or its connection, the later one
