"""The ports, in memory: what tests use where the real thing is not what they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Lock

from sync_platform.engine.ports import Budget, Clock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until somebody sleeps, or a test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._lock = Lock()
        self.sleeps: list[float] = []  # seconds, every single one

    def now(self) -> datetime:
        """The moment it shows."""
        with self._lock:
            return self._now

    def set(self, now: datetime) -> None:
        """Show another moment."""
        with self._lock:
            self._now = now

    def pass_by(self, span: timedelta) -> None:
        """Time passes without anybody sleeping."""
        with self._lock:
            self._now += span

    def sleep(self, seconds: float) -> None:
        """Be that much later, at once."""
        with self._lock:
            self.sleeps.append(seconds)
            self._now += timedelta(seconds=seconds)

    @property
    def slept(self) -> float:
        """All the seconds that were slept."""
        return sum(self.sleeps)


@dataclass
class _Bucket:
    calls: float
    tokens: float
    filled_at: datetime
    blocked_until: datetime | None = None


@dataclass
class MemoryQuotas:
    """The rate-limit buckets of every connection, counted as the store counts them."""

    clock: Clock
    taken: list[tuple[str, ...]] = field(default_factory=list)  # the limits of each call
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, connection: str, budgets: Sequence[Budget], *, reserve: float = 0.0) -> float:
        """Take a call out of each bucket at once; the seconds to wait before making it."""
        with self._lock:
            self.taken.append(tuple(budget.name for budget in budgets))
            waits = [self._take(connection, it, reserve) for it in _by_name(budgets).values()]
        return max(waits, default=0.0)

    def lower(self, connection: str, budget: Budget, left: float) -> None:
        """The bucket holds no more than so many calls."""
        with self._lock:
            bucket = self._filled(connection, budget)
            bucket.tokens = min(bucket.tokens, left, budget.calls)
            bucket.calls = budget.calls

    def block(self, connection: str, budgets: Sequence[Budget], seconds: float) -> None:
        """Nobody calls on these buckets for so long."""
        with self._lock:
            until = self.clock.now() + timedelta(seconds=seconds)
            for budget in budgets:
                bucket = self._bucket(connection, budget)
                bucket.blocked_until = max(bucket.blocked_until or until, until)

    def _take(self, connection: str, budget: Budget, reserve: float) -> float:
        now = self.clock.now()
        if budget.declared:
            budget = replace(budget, calls=self._bucket(connection, budget).calls)
        bucket = self._filled(connection, budget)
        bucket.calls = budget.calls
        bucket.tokens -= 1
        wait = (reserve * budget.calls - bucket.tokens) * budget.seconds / budget.calls
        blocked = (bucket.blocked_until - now).total_seconds() if bucket.blocked_until else 0.0
        return max(0.0, wait, blocked)

    def _filled(self, connection: str, budget: Budget) -> _Bucket:
        now = self.clock.now()
        bucket = self._bucket(connection, budget)
        gained = max(0.0, (now - bucket.filled_at).total_seconds()) * budget.calls / budget.seconds
        bucket.tokens = min(budget.calls, bucket.tokens + gained)
        bucket.filled_at = max(now, bucket.filled_at)
        return bucket

    def _bucket(self, connection: str, budget: Budget) -> _Bucket:
        fresh = _Bucket(calls=budget.calls, tokens=budget.calls, filled_at=self.clock.now())
        return self._buckets.setdefault((connection, budget.name), fresh)


def _by_name(budgets: Sequence[Budget]) -> Mapping[str, Budget]:
    return {budget.name: budget for budget in budgets}
