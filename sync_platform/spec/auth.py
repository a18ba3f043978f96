"""The ways of proving who we are that a connector may offer; the first is the one suggested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class OAuth2:
    """Authorization code with PKCE; secrets: `access_token`, `refresh_token`, `expires_at`."""

    authorize_url: str
    token_url: str
    scopes: Sequence[str] = ()
    authorize_params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BearerToken:
    """`Authorization: Bearer …`; secret: `token`. `label` is the vendor's word for it."""

    label: str = "Access token"


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key in a header or a query parameter called `name`; secret: `token`."""

    name: str
    sent_in: Literal["header", "query"] = "header"
    prefix: str = ""
    label: str = "API key"


@dataclass(frozen=True, kw_only=True)
class BasicAuth:
    """HTTP Basic; secrets: `username` (or a fixed one) and `token`."""

    username: str | None = None
    label: str = "Password"


Auth = OAuth2 | BearerToken | ApiKey | BasicAuth
