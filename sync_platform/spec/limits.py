"""How fast a vendor may be called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CallsLeft:
    """What an answer tells of a limit: the calls that are left, and of how many, if it says."""

    left: float
    of: float | None = None


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """At most `calls` in `seconds` for paths that match `path` (a glob), counted per connection.

    A "{}" in `path` stands for one part of it, and each value there has the limit for itself (one
    budget per base). `told` reads what is left out of an answer's headers (their names in small
    letters). `penalty` is how long nobody calls after a 429 that does not say, in seconds.

    A connection may raise or lower `calls` by its setting `rate_limit.<name>`, because vendors sell
    larger budgets.
    """

    name: str
    calls: int
    seconds: float
    path: str = "*"
    told: Callable[[Mapping[str, str]], CallsLeft | None] | None = None
    penalty: float | None = None
