"""How values are put into words on pages: ages, spans, counts, sizes, states.

Templates have each function of FILTERS as a filter: `{{ sync.seconds|duration }}`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.overview import Condition
from sync_platform.engine.requested import AskedStatus
from sync_platform.engine.results import SyncResult, SyncStatus

OLD = timedelta(days=30)  # from then on a date says more than an age


@dataclass(frozen=True)
class Shown:
    """A state as a page shows it: a word, and the colour's class beside it."""

    word: str
    tone: str = ""


STATES: dict[Condition | SyncStatus | AskedStatus, Shown] = {
    Condition.HEALTHY: Shown("Healthy", "good"),
    Condition.SYNCING: Shown("Syncing", "busy"),
    Condition.NEEDS_ATTENTION: Shown("Needs attention", "warning"),
    Condition.NEEDS_REAUTH: Shown("Needs a new sign-in", "wrong"),
    Condition.PAUSED: Shown("Paused"),
}
ENDS = {
    "waiting": Shown("Waiting"),
    "running": Shown("Running", "busy"),
    "succeeded": Shown("Succeeded", "good"),
    "failed": Shown("Failed", "wrong"),
    "stale": Shown("Stale", "warning"),
    "canceled": Shown("Canceled"),
    "stopped": Shown("Stopped"),
}


def shown(state: Condition | SyncStatus | AskedStatus) -> Shown:
    """The state's word and colour."""
    return STATES.get(state) or ENDS[state.value]


def number(count: float) -> str:
    """1234567 is `1,234,567`."""
    return f"{count:,.0f}"


def counted(count: float, one: str, many: str | None = None) -> str:
    """`1 record`, `1,500 records`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def size(count: float) -> str:
    """Bytes as `830 B`, `1.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return (
                f"{count:.1f} {unit}" if 0 < count < 10 and unit != "B" else f"{count:.0f} {unit}"
            )
        count /= 1000
    return f"{count:,.1f} TB"


def span(length: timedelta) -> str:
    """`15 minutes`, `1 hour 30 minutes`, `1 day`: for how often something happens."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return counted(seconds, "second")
    days, rest = divmod(seconds // 60, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    return " ".join(counted(count, unit) for count, unit in parts if count)


def minutes(length: timedelta) -> str:
    """The number for a field that asks for minutes."""
    return f"{length.total_seconds() / 60:g}"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`: how long something took."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{number(whole // 3600)} h {whole % 3600 // 60} min"


def age(at: datetime, now: datetime) -> str:
    """`just now`, `3 minutes ago`, `yesterday`; older than a month, its date."""
    return day(at) if now - at > OLD else _away(now - at, "just now", "{} ago", "yesterday")


def ahead(at: datetime, now: datetime) -> str:
    """`due now`, `in 12 minutes`, `tomorrow`."""
    return _away(at - now, "due now", "in {}", "tomorrow")


def _away(length: timedelta, none: str, some: str, one_day: str) -> str:
    seconds = length.total_seconds()
    if seconds < 15:
        return none
    if seconds < 90:
        return some.format("a minute")
    if seconds < 90 * 60:
        return some.format(counted(round(seconds / 60), "minute"))
    if seconds < 24 * 3600:
        return some.format(counted(round(seconds / 3600), "hour"))
    days = round(seconds / 86_400)
    return one_day if days <= 1 else some.format(counted(days, "day"))


def day(at: datetime) -> str:
    """`2026-01-31`."""
    return at.strftime("%Y-%m-%d")


def clock(at: datetime) -> str:
    """`2026-01-31 08:15 UTC`."""
    return at.strftime("%Y-%m-%d %H:%M UTC")


def what(sync: SyncResult) -> str:
    """What a sync was to read, in words."""
    return asked(sync.mode, sync.window.since, sync.window.until)


def asked(mode: SyncMode, since: datetime | None, until: datetime | None = None) -> str:
    """What such a sync reads."""
    if mode is SyncMode.COMPUTED:
        return "Computed fields"
    if mode is SyncMode.FULL or (since is None and (mode is SyncMode.INCREMENTAL or not until)):
        return "Everything"
    if mode is SyncMode.INCREMENTAL:
        return "What changed"
    end = f" to {day(until)}" if until else ""
    return f"From {day(since)}{end}" if since else f"All{end}"


FILTERS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        shown, number, counted, size, span, minutes, duration, age, ahead, day, clock, what, asked,
    )
}  # fmt: skip
