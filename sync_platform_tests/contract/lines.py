"""A line to a vendor, as the platform opens one: the real transport, by a clock that nobody waits
for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sync_platform import spec
from sync_platform.engine.ports import Secret
from sync_platform.transport.api import HttpApi
from sync_platform.transport.throttle import RateLimiter
from sync_platform_tests.fakes import FakeClock, MemoryQuotas


@contextmanager
def line_to(connector: spec.Connector, url: str, secret: Any, **settings: str) -> Iterator[HttpApi]:
    """A line of a connection with these settings, signed with this secret."""
    name, clock = f"acme-{connector.name}", FakeClock()
    api = HttpApi(
        connector,
        connection=name,
        base_url=url,
        secret=lambda: Secret(secret),
        settings=settings,
        limiter=RateLimiter(name, connector.limits, MemoryQuotas(clock), clock),
        clock=clock,
    )
    yield api
    api.close()
