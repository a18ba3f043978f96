"""Keeps connections signed in: access tokens are renewed before they end, refresh tokens are used
before they die, each by one process at a time.

A vendor may end a refresh token the moment it gives the next one. So what it gives is committed
before anybody uses it, and neither Ctrl-C nor a sync that is canceled stops a renewal under way. A
SIGKILL can: if it comes between the vendor's answer and the commit, the vendor may refuse the next
renewal, and a person signs in again.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from sync_platform.engine import renewal
from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Clock, OAuthClient, Secret
from sync_platform.errors import RetryLater
from sync_platform.spec import Auth, ClientCredentials, Connector, JwtBearer, OAuth2
from sync_platform.store.credentials import Credentials
from sync_platform.transport.endpoints import Endpoints
from sync_platform.transport.sign import Found

log = logging.getLogger("sync_platform")

TRY_AGAIN = 60.0  # seconds, where a renewal failed and the access token is still good


class Store(Protocol):
    """What is asked of the parts."""

    @property
    def clock(self) -> Clock: ...

    @property
    def credentials(self) -> Credentials: ...

    def connector(self, name: str) -> Connector: ...

    def oauth_client(self, connector: str) -> OAuthClient | None: ...

    def endpoints(
        self,
        connector: Connector,
        *,
        connection: str | None,
        settings: Mapping[str, str],
        base_url: str | None,
    ) -> Endpoints: ...


class Renewal:
    """The secret of one connection, good for use whenever it is asked for. For the length of one
    line to the vendor."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store, self._connection = store, connection
        self._connector = store.connector(connection.connector)
        self._not_before = 0.0  # no renewal of a token that is still good

    def read(self) -> Secret:
        """The secret; renewed first where its access token is about to end.

        Raises NeedsReauth where the vendor does not accept the sign-in any more; ConfigurationError
        where it does not accept our app, or there is none; RetryLater where it does not answer and
        the old token is over; SignedInAnew where the connection is another account's by now.
        """
        kept = self._store.credentials.read(self._connection)
        if not self.due(kept):
            return kept
        try:
            return self._renewed(self.due)
        except RetryLater as error:
            now = self._now()
            if renewal.ended(kept, now):
                raise
            self._not_before = now + TRY_AGAIN
            log.warning("%s: %s The old access token is still good.", self._connection.name, error)
            return kept

    def due(self, secret: Secret) -> bool:
        """Whether its access token is missing or about to end, and can be renewed."""
        if not _renewable(secret) or self._now() < self._not_before:
            return False
        return self._way(secret) is not None and renewal.due(secret, self._now())

    def refresh(self, refused: Secret) -> Secret:
        """Another secret than the one the vendor refused: what someone else has put there since,
        if it is good (`Found`: the vendor may have ended that as well), else a renewed one; the
        same, where there is nothing to renew. Raises what `read` does."""
        renewing = False

        def needed(current: Secret) -> bool:
            nonlocal renewing
            same = current.get("access_token") == refused.get("access_token")
            renewing = same or renewal.due(current, self._now())
            return renewing

        kept = self._store.credentials.read(self._connection)
        if self._way(kept) is None:
            return kept
        secret = self._renewed(needed)
        return secret if renewing else Found(secret)

    def refresh_idle(self) -> bool:
        """Use the refresh token, where half of its life has passed unused; whether it was. Raises
        what `read` does."""
        used = False

        def needed(current: Secret) -> bool:
            nonlocal used
            way = self._way(current)
            lasts = way.refresh_lasts if isinstance(way, OAuth2) else None
            used = isinstance(way, OAuth2) and renewal.idle_due(current, lasts, self._now())
            return used

        if needed(self._store.credentials.read(self._connection)):
            self._renewed(needed)
        return used

    def _renewed(self, needed: Callable[[Secret], bool]) -> Secret:
        """The secret as it is kept once it is renewed, by us or, where it is not `needed` any more
        once it is our turn, by another process."""
        client = self._client()  # asked for now: nothing but the vendor is waited for in the lock

        def fresh(current: Secret) -> Secret:
            if not needed(current):
                return current
            log.info("%s: its sign-in is being renewed", self._connection.name)
            return self._asked_for(current, client)

        # In a thread, which a Ctrl-C here does not reach: it waits for the answer to be kept.
        with ThreadPoolExecutor(1, f"renewing {self._connection.name}") as thread:
            return thread.submit(self._store.credentials.rotate, self._connection, fresh).result()

    def _asked_for(self, secret: Secret, client: OAuthClient | None) -> Secret:
        from sync_platform.transport import oauth  # authlib: only a renewal pays for it

        way, connection = self._way(secret), self._connection
        if way is None:
            return secret
        endpoints = self._store.endpoints(
            self._connector,
            connection=connection.name,
            settings=connection.settings,
            base_url=connection.base_url,
        )
        return oauth.renew(way, secret, endpoints, self._store.clock, client).secret

    def _client(self) -> OAuthClient | None:
        if not any(isinstance(way, OAuth2) for way in self._connector.auth):
            return None
        return self._store.oauth_client(self._connector.name)

    def _way(self, secret: Secret) -> OAuth2 | ClientCredentials | JwtBearer | None:
        """How this secret gets its access tokens; None where it has none to get."""
        named = secret.get("auth")
        for way in self._connector.auth:
            if named == type(way).__name__ or (named is None and _fits(way, secret)):
                return way if isinstance(way, OAuth2 | ClientCredentials | JwtBearer) else None
        return None

    def _now(self) -> float:
        return self._store.clock.now().timestamp()


def _fits(way: Auth, secret: Mapping[str, Any]) -> bool:
    """Whether a secret that does not name its way is for this one."""
    match way:
        case OAuth2():
            return bool(secret.get("access_token") or secret.get("refresh_token"))
        case ClientCredentials():
            return bool(secret.get("client_secret"))
        case JwtBearer():
            return bool(secret.get("private_key"))
    return bool(secret.get("token"))


def _renewable(secret: Mapping[str, Any]) -> bool:
    """Whether another access token can be had without a person."""
    return any(secret.get(name) for name in ("refresh_token", "client_secret", "private_key"))
