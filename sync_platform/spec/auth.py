"""The ways of proving who we are that a connector may offer; the first is the one suggested."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

Url = str | Callable[[Mapping[str, str]], str]  # or a function of the connection's settings
# Where the client's id and secret go. "header": HTTP Basic; "secret": Basic, the secret as the user
# and no password, for vendors whose secret says who it is (Stripe).
ClientSentIn = Literal["body", "header", "secret"]


@dataclass(frozen=True, kw_only=True)
class OAuth2:
    """Authorization code with PKCE; secrets: `access_token`, `refresh_token`, `expires_at`.

    `scopes` are always asked for; what each object needs is said there (`ConnectorObject.scopes`).
    What the vendor tells in the token's answer or on the callback (`instance_url`, `realmId`) fills
    settings that say so (`Setting.found_in`).
    """

    authorize_url: Url
    token_url: Url
    scopes: Sequence[str] = ()
    write_scopes: Sequence[str] = ()  # asked for, too, where the person allows writing
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    token_params: Mapping[str, str] = field(default_factory=dict)  # beside the standard ones
    scope_separator: str = " "
    pkce: bool = True  # False only where the vendor refuses it
    client_sent_in: ClientSentIn = "body"
    token_prefix: str = "Bearer "  # before the access token in `Authorization`
    access_lasts: timedelta | None = None  # where the answer has no `expires_in`; None: until a 401
    refresh_lasts: timedelta | None = None  # unused for so long, a refresh token dies; None: never
    refresh_rotates: bool = False  # each refresh gives a new refresh token and ends the old one
    revoke_url: Url | None = None  # told when the connection is disconnected (RFC 7009)


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """OAuth 2 without a person; secrets: `client_id`, `client_secret` of the account itself."""

    token_url: Url
    scopes: Sequence[str] = ()
    token_params: Mapping[str, str] = field(default_factory=dict)
    client_sent_in: ClientSentIn = "header"
    label: str = "Client id and secret"


@dataclass(frozen=True, kw_only=True)
class JwtBearer:
    """A service account that signs its own assertions (RFC 7523); secret: `private_key` (PEM), with
    what `claims` needs. Where the vendor hands out a JSON key file, `key_file` makes the secret
    out of its content.

    `claims` gives `iss`, `sub`, `aud` and the like, of the secret and the connection's settings;
    `iat` and `exp` are added.
    """

    token_url: Url
    claims: Callable[[Mapping[str, Any], Mapping[str, str]], Mapping[str, Any]]
    scopes: Sequence[str] = ()  # sent as the claim `scope`
    key_file: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    algorithm: str = "RS256"
    label: str = "Service account"


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


Auth = OAuth2 | ClientCredentials | JwtBearer | BearerToken | ApiKey | BasicAuth
