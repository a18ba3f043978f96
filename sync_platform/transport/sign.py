"""Proves to the vendor who we are, and keeps the proof out of everything that people read."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from sync_platform.engine.ports import Secret
from sync_platform.errors import NeedsReauth
from sync_platform.spec import (
    ApiKey,
    Auth,
    BasicAuth,
    BearerToken,
    ClientCredentials,
    Connector,
    JwtBearer,
    OAuth2,
)

NOT_SECRET = (
    "auth", "expires_at", "expires_in", "refresh_expires_at", "renewed_at", "scope", "scopes",
    "token_type",
)  # fmt: skip
SHORTEST = 4  # characters: taking shorter values out of texts would only garble them


class Proof(Protocol):
    """Proves who calls."""

    def sign(self, headers: dict[str, str], target: str) -> str:
        """Put the proof into the headers (their names in small letters), or else into the target;
        the target to call."""


@dataclass(frozen=True)
class HeaderProof:
    """The proof in a header."""

    name: str
    value: str

    @property
    def sendable(self) -> bool:
        """Whether HTTP can carry it."""
        return self.value.isascii() and self.value.isprintable()

    def sign(self, headers: dict[str, str], target: str) -> str:
        headers[self.name.lower()] = self.value
        return target


@dataclass(frozen=True)
class QueryProof:
    """The proof in a query parameter."""

    name: str
    value: str

    def sign(self, headers: dict[str, str], target: str) -> str:
        path, _, query = target.partition("?")
        given = parse_qsl(query, keep_blank_values=True)
        others = [(name, value) for name, value in given if name != self.name]
        return f"{path}?{urlencode([*others, (self.name, self.value)])}"


class Found(Secret):
    """A secret that was found in place of a refused one, and not renewed just now: if the vendor
    refuses it as well, renewing it may help."""


class Signing:
    """How the calls of one connection are signed.

    `read` gives the secret when first needed; its entry `auth` names the way ("OAuth2",
    "BearerToken" …), without it the first way of the connector that it fits. `refresh` is given a
    secret that the vendor refused and gives a fresh one, `Found` where it did not renew it itself;
    without it, `read` is asked once more. Once the secret is `due`, `read` is asked again before it
    is used.
    """

    def __init__(
        self,
        connector: Connector,
        connection: str,
        read: Callable[[], Secret],
        refresh: Callable[[Secret], Secret] | None = None,
        due: Callable[[Secret], bool] | None = None,
    ) -> None:
        self._connector, self._connection = connector, connection
        self._read, self._refresh, self._due = read, refresh, due
        self._lock = Lock()
        self._secret: Secret | None = None
        self._made_last: tuple[Secret, Proof] | None = None
        self._seen: set[str] = set()

    def secret(self) -> Secret:
        """The secret to sign with now."""
        with self._lock:
            if self._secret is None or (self._due and self._due(self._secret)):
                self._secret = self._keep(self._read())
            return self._secret

    def renewed(self, refused: Secret) -> Secret | None:
        """A secret to try in place of the refused one; None where there is no other. If it is
        `Found`, and refused as well, it can be given here in its turn."""
        with self._lock:
            if self._secret is not None and self._secret is not refused:
                return self._secret  # another thread was quicker
            fresh = self._keep(self._refresh(refused) if self._refresh else self._read())
            if dict(fresh) == dict(refused):
                return None
            self._secret = fresh
            return fresh

    def proof(self, secret: Secret) -> Proof:
        """What signs a call with this secret; raises NeedsReauth where nothing can."""
        found = self._made_last
        if found is None or found[0] is not secret:
            self._made_last = found = secret, self._made(secret)
        return found[1]

    def _made(self, secret: Secret) -> Proof:
        named = secret.get("auth")
        for way in self._connector.auth:
            if named in (None, type(way).__name__) and (proof := _proof(way, secret)):
                if isinstance(proof, HeaderProof) and not proof.sendable:
                    raise NeedsReauth(
                        f"The credentials of {self._connection} hold characters that cannot be "
                        f"sent. Copy them again, whole, and reconnect {self._connection}."
                    )
                return proof
        ways = ", ".join(type(way).__name__ for way in self._connector.auth)
        raise NeedsReauth(
            f"The credentials kept for {self._connection} fit no sign-in of "
            f"{self._connector.label} ({ways}). Reconnect {self._connection}."
        )

    def scrub(self, text: str) -> str:
        """The text with "…" wherever a secret stood in it, as it is or encoded."""
        with self._lock:
            found = sorted(self._seen, key=len, reverse=True)
        for value in found:
            text = text.replace(value, "…")
        return text

    def _keep(self, secret: Secret) -> Secret:
        self._seen.update(written(secret))
        for way in self._connector.auth:
            if isinstance(way, BasicAuth) and (username := _username(way, secret)) is not None:
                pair = f"{username}:{str(secret.get('token') or '').strip()}"
                self._seen.add(base64.b64encode(pair.encode()).decode())
        return secret


def _proof(way: Auth, secret: Mapping[str, Any]) -> Proof | None:
    """Signs the way's way; None where the secret lacks what it needs."""
    exchanged = isinstance(way, OAuth2 | ClientCredentials | JwtBearer)
    name = "access_token" if exchanged else "token"
    token = str(secret.get(name) or "").strip()
    if not token:
        return None
    match way:
        case OAuth2():
            return HeaderProof("Authorization", way.token_prefix + token)
        case ClientCredentials() | JwtBearer() | BearerToken():
            return HeaderProof("Authorization", f"Bearer {token}")
        case ApiKey(sent_in="header"):
            return HeaderProof(way.name, way.prefix + token)
        case ApiKey():
            return QueryProof(way.name, way.prefix + token)
        case BasicAuth():
            username = _username(way, secret)
            return (
                None if username is None else HeaderProof("Authorization", _basic(username, token))
            )


def _basic(username: str, token: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{token}'.encode()).decode()}"


def _username(way: BasicAuth, secret: Mapping[str, Any]) -> str | None:
    if way.username is not None:
        return way.username
    return str(secret["username"]).strip() if "username" in secret else None


def written(secret: Mapping[str, Any]) -> Iterable[str]:
    """Every way in which a value of the secret may stand in a text."""
    for name, value in secret.items():
        text = str(value).strip()
        if name in NOT_SECRET or len(text) < SHORTEST:
            continue
        yield from (text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1])
