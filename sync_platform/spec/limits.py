"""How fast a vendor may be called."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """At most `calls` in `seconds` for paths that match `path` (a glob), counted per connection.

    A connection may raise or lower `calls` by its setting `rate_limit.<name>`, because vendors sell
    larger budgets.
    """

    name: str
    calls: int
    seconds: float
    path: str = "*"
