"""An HttpApi on a scripted wire, closed after the test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.engine.ports import Secret
from sync_platform.transport.api import HttpApi
from sync_platform.transport.throttle import RateLimiter
from sync_platform_tests.fakes import FakeClock, MemoryQuotas
from sync_platform_tests.transport.wire import Wire, listening

Open = Callable[..., HttpApi]

acme = spec.Connector(
    name="acme",
    label="Acme",
    base_url="https://api.acme.test",
    auth=[spec.OAuth2(authorize_url="", token_url=""), spec.BearerToken()],
    check=spec.get("/me"),
    objects=[spec.ConnectorObject(name="things", fields=[spec.Field("id")], read=spec.get("/t"))],
    limits=[spec.RateLimit(name="burst", calls=100, seconds=10)],
)
TOKEN = "very-secret-token"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def quotas(clock: FakeClock) -> MemoryQuotas:
    return MemoryQuotas(clock)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with listening() as wire:
        yield wire


@pytest.fixture
def open_api(clock: FakeClock, quotas: MemoryQuotas, wire: Wire) -> Iterator[Open]:
    """Opens an HttpApi to the wire; what it is given replaces its parts."""
    opened: list[HttpApi] = []

    def open_api(connector: spec.Connector = acme, **parts: Any) -> HttpApi:
        settings = parts.pop("settings", {})
        used = parts.pop("clock", clock)
        limiter = RateLimiter("acme-main", connector.limits, quotas, used, settings)
        given: dict[str, Any] = {
            "connection": "acme-main",
            "base_url": wire.url,
            "secret": lambda: Secret({"token": TOKEN}),
            "settings": settings,
            "limiter": limiter,
            "clock": used,
        }
        api = HttpApi(connector, **(given | parts))
        opened.append(api)
        return api

    yield open_api
    wire.go_on.set()
    for api in opened:
        api.close()


@pytest.fixture
def api(open_api: Open) -> HttpApi:
    return open_api()
