"""Connections that signed in by OAuth, and processes that call their vendor at the same time."""

import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe

import httpx

from sync_platform import spec
from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import OAuthClient, ObjectChoice
from sync_platform.engine.signing_in import scopes_for
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.sandbox.oauth import OAuth
from sync_platform.settings import Settings
from sync_platform.transport import oauth
from sync_platform_tests.consenting import allowed
from sync_platform_tests.journeys.killable import CONTEXT, LONGEST

VERIFIER = "a-verifier-that-nobody-guesses-0123456789abc"
NAME = "acme-signed-in"
ACME = '''
"""A vendor of nothing but an account, for signing in."""

from datetime import timedelta

from sync_platform import spec

connector = spec.Connector(
    name="acme",
    label="Acme",
    base_url="https://api.acme.test",
    auth=[
        spec.OAuth2(
            authorize_url="https://acme.test/oauth/authorize",
            token_url="https://acme.test/oauth/token",
            refresh_lasts=timedelta(days=60),
            refresh_rotates=True,
        ),
        spec.ClientCredentials(token_url="https://acme.test/oauth/token"),
        spec.BearerToken(),
    ],
    check=spec.get("/me"),
    objects=[
        spec.ConnectorObject(name="me", fields=[spec.Field("id")], read=spec.get("/me")),
    ],
)
'''


def with_client(settings: Settings, connector: str, server: OAuth) -> Settings:
    """The settings, with the app that is registered at this vendor."""
    return replace(settings, oauth_clients={connector: (server.client_id, server.client_secret)})


def signed_in(
    platform: Platform,
    connector: str,
    url: str,
    *,
    redirect_uri: str = "http://127.0.0.1:8000/callback",
    objects: tuple[str, ...] = (),
) -> Connection:
    """A connection whose person went to the vendor at `url`, and said yes."""
    client, endpoints = platform.oauth_client(connector), oauth.Endpoints(base_url=url)
    assert isinstance(client, OAuthClient)
    way = next(it for it in platform.connector(connector).auth if isinstance(it, spec.OAuth2))
    asked = oauth.authorization_url(
        way,
        client,
        endpoints,
        scopes=scopes_for(platform.connector(connector), objects or None),
        redirect_uri=redirect_uri,
        state="s",
        verifier=VERIFIER,
    )
    got = oauth.exchange(
        way,
        client,
        endpoints,
        platform.clock,
        code=allowed(asked)["code"],
        redirect_uri=redirect_uri,
        verifier=VERIFIER,
    )
    unlimited = {"rate_limit.burst": "unlimited", "rate_limit.search": "unlimited"}
    connection = platform.store.register(
        Connection(
            name=NAME,
            connector=connector,
            schema=NAME.replace("-", "_"),
            base_url=url,
            settings=unlimited if connector == "hubspot" else {},
            objects=[ObjectChoice(object=each) for each in objects],
        )
    )
    platform.credentials.save(NAME, got.secret)
    return connection


def call(platform: Platform) -> None:
    """The connector's cheapest call, as the connection; raises what the platform makes of it."""
    connection = platform.connection(NAME)
    api = platform.api(connection)
    check = platform.connector(connection.connector).check
    assert isinstance(check, spec.Request)
    try:
        api.send(check)
    finally:
        api.close()


def calling(settings: Settings, news: Pipe) -> None:
    """The process: one call for each word it is sent, and how that ended."""
    platform = Platform(settings)
    try:
        platform.connection(NAME)
        news.send("ready")
        while news.recv() == "call":
            try:
                call(platform)
                news.send("done")
            except SyncPlatformError as error:
                news.send(f"{error.code}: {error}")
    except (EOFError, KeyboardInterrupt):
        sys.exit(0)
    finally:
        platform.close()


class Caller:
    """Another process of the installation."""

    def __init__(self, settings: Settings) -> None:
        self._news, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=calling, args=(settings, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def hear(self) -> str:
        """The next it has to say."""
        assert self._news.poll(LONGEST)
        return str(self._news.recv())

    def call(self) -> None:
        """Have it call the vendor."""
        self._news.send("call")

    def interrupt(self) -> None:
        """Ctrl-C, and its end is awaited."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGINT)
        self._process.join(LONGEST)
        assert self._process.exitcode is not None

    def kill(self) -> None:
        """SIGKILL, and its end is awaited."""
        if self._news.closed:
            return
        self._process.kill()
        self._process.join()
        self._news.close()
        self._process.close()


def forget_calls(url: str) -> None:
    """Count the vendor's calls from here on."""
    httpx.delete(f"{url}/_sandbox/calls").raise_for_status()


def days(count: float) -> timedelta:
    return timedelta(days=count)
