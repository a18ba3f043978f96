"""How many calls a sandbox vendor answers in a span of time, counted over a rolling window."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Bucket:
    """At most `calls` calls in any `seconds`; without a number of calls there is no limit."""

    calls: int | None
    seconds: float
    taken: deque[float] = field(default_factory=deque, repr=False)

    def left(self, now: float) -> int | None:
        """How many calls may still come now; None means as many as one likes."""
        if self.calls is None:
            return None
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        return max(0, self.calls - len(self.taken))

    def take(self, now: float) -> None:
        if self.calls is not None:
            self.taken.append(now)
