"""OAuth as vendors do it: codes for consent, refresh tokens, access tokens that expire."""

import base64
import hashlib
import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Token:
    """A token that is accepted; without scopes it may do everything, without an end it lasts."""

    scopes: frozenset[str] | None = None
    expires_at: float | None = None

    def allows(self, scope: str) -> bool:
        return self.scopes is None or scope in self.scopes


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What someone consented to; waits behind a code, then behind a refresh token."""

    scopes: list[str] | None
    redirect_uri: str | None = None
    challenge: str | None = None

    def proven_by(self, verifier: str) -> bool:
        """Whether the PKCE verifier belongs to the challenge that came with the consent."""
        if self.challenge is None:
            return True
        digest = hashlib.sha256(verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.challenge


Tokens = Iterable[str] | Mapping[str, Iterable[str] | None]


def tokens_from(tokens: Tokens) -> dict[str, Token]:
    """Accepted tokens, given as names or as names with their scopes."""
    if isinstance(tokens, Mapping):
        return {
            name: Token(None if scopes is None else frozenset(scopes))
            for name, scopes in tokens.items()
        }
    return {name: Token() for name in tokens}


@dataclass(kw_only=True)
class OAuth:
    """One app registered with the vendor, and everything it was given."""

    client_id: str
    client_secret: str
    lasts: float
    seed: int = 7
    codes: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    issued: dict[str, Token] = field(default_factory=dict)
    made: int = 0

    def consent(
        self,
        scopes: Iterable[str] | None = None,
        redirect_uri: str | None = None,
        challenge: str | None = None,
    ) -> str:
        """Say yes in the place of a person; gives the code, which works once."""
        code = self._new("code")
        listed = None if scopes is None else sorted(scopes)
        self.codes[code] = Grant(scopes=listed, redirect_uri=redirect_uri, challenge=challenge)
        return code

    def keep(self, grant: Grant) -> str:
        """A refresh token for a grant whose code was redeemed."""
        refresh_token = self._new("refresh")
        self.refresh_tokens[refresh_token] = grant
        return refresh_token

    def issue(self, grant: Grant, now: float) -> str:
        """A new access token, which ends after `lasts` seconds."""
        access_token = self._new("access")
        scopes = None if grant.scopes is None else frozenset(grant.scopes)
        self.issued[access_token] = Token(scopes, now + self.lasts)
        return access_token

    def expire(self, now: float) -> None:
        """End every access token issued so far."""
        self.issued = {name: Token(token.scopes, now) for name, token in self.issued.items()}

    def state(self) -> dict[str, Any]:
        return {
            "made": self.made,
            "codes": {code: asdict(grant) for code, grant in self.codes.items()},
            "refresh_tokens": {name: asdict(grant) for name, grant in self.refresh_tokens.items()},
            "issued": {
                name: [None if token.scopes is None else sorted(token.scopes), token.expires_at]
                for name, token in self.issued.items()
            },
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        self.made = state["made"]
        self.codes = {code: Grant(**grant) for code, grant in state["codes"].items()}
        self.refresh_tokens = {
            name: Grant(**grant) for name, grant in state["refresh_tokens"].items()
        }
        self.issued = {
            name: Token(None if scopes is None else frozenset(scopes), expires_at)
            for name, (scopes, expires_at) in state["issued"].items()
        }

    def _new(self, kind: str) -> str:
        self.made += 1
        made = random.Random(f"{self.seed} {kind} {self.made}")
        return f"{kind}-{made.getrandbits(128):032x}"
