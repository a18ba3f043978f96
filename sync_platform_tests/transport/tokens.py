"""What the tests of tokens share: our app at Acme, a secret that it gave, and a renewal."""

from typing import Any
from urllib.parse import parse_qs

from sync_platform import spec
from sync_platform.engine.ports import OAuthClient, Secret
from sync_platform.transport import oauth
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.transport.wire import Wire

VERIFIER = "the-hidden-verifier-of-this-one-sign-in-0123"
CLIENT = OAuthClient("our-app", "hidden/client+secret")
WAY = spec.OAuth2(
    authorize_url="https://acme.test/authorize", token_url="https://acme.test/oauth/token"
)
NAMES = {"label": "Acme", "connector": "acme", "connection": "acme-main"}
KEPT = Secret(
    {
        "auth": "OAuth2",
        "access_token": "hidden-access",
        "refresh_token": "hidden-refresh",
        "expires_at": 1.0,
    }
)
NOW = FakeClock().now().timestamp()


def at(url: str | None, **more: Any) -> oauth.Endpoints:
    return oauth.Endpoints(base_url=url, **(NAMES | more))


def refreshed(
    wire: Wire, clock: FakeClock, way: spec.OAuth2 = WAY, kept: Secret = KEPT, **more: Any
) -> Secret:
    return oauth.renew(way, kept, at(wire.url, **more), clock, CLIENT).secret


def form(wire: Wire) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(wire.heard[-1].body.decode()).items()}
