"""What a sandbox's authorization server keeps and says, as values."""

import base64
import hashlib
from dataclasses import dataclass, field


class Denied(Exception):
    """The authorization server says no, in the words of RFC 6749; `about` is what is wrong."""

    def __init__(self, error: str, description: str, about: str = "", status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.about, self.status = error, description, about, status


@dataclass(frozen=True)
class VendorAccount:
    """One of the accounts behind a person's login."""

    id: str
    name: str


@dataclass(frozen=True)
class Token:
    """A token that is accepted; without scopes it may do everything, without an end it lasts."""

    scopes: frozenset[str] | None = None
    expires_at: float | None = None
    accounts: tuple[str, ...] = ()
    chain: str = ""  # all that came of one consent

    def allows(self, scope: str) -> bool:
        return self.scopes is None or scope in self.scopes


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What someone consented to; waits behind a code, then behind a refresh token."""

    scopes: list[str] | None
    redirect_uri: str | None = None
    challenge: str | None = None
    accounts: list[str] = field(default_factory=list)
    given_at: float = 0.0
    chain: str = ""

    def proven_by(self, verifier: str) -> bool:
        """Whether the PKCE verifier belongs to the challenge that came with the consent."""
        return self.challenge is None or challenge_of(verifier) == self.challenge


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """A refresh token that is accepted."""

    grant: Grant
    used_at: float


def challenge_of(verifier: str) -> str:
    """PKCE's challenge, by SHA-256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
