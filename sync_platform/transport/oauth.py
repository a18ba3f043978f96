"""OAuth 2 over the wire: sending a person to the vendor, and getting tokens for what comes back.

Nothing here is kept: callers save what they are given before they use it. No message holds secrets.
Everything that calls a vendor raises ConfigurationError where our app is not accepted (or its
address cannot be used), RateLimited, VendorUnavailable and UnexpectedResponse; it takes about a
minute at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7009 import prepare_revoke_token_request  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from sync_platform.engine.ports import Clock, OAuthClient, Secret
from sync_platform.errors import ConfigurationError, NeedsReauth
from sync_platform.spec import ClientCredentials, JwtBearer, OAuth2
from sync_platform.spec.auth import ClientSentIn
from sync_platform.transport.assertions import assertion
from sync_platform.transport.endpoints import Endpoints
from sync_platform.transport.token_answers import Given
from sync_platform.transport.token_calls import TokenCall

__all__ = ["Endpoints", "Exchanged", "authorization_url", "exchange", "renew", "revoke"]

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, kw_only=True)
class Exchanged:
    """What was given for a code, a key or a refresh token. `told` is the vendor's answer without
    its tokens."""

    secret: Secret
    told: Mapping[str, Any]


def authorization_url(
    way: OAuth2,
    client: OAuthClient,
    endpoints: Endpoints,
    *,
    scopes: Sequence[str],
    redirect_uri: str,
    state: str,
    verifier: str,
) -> str:
    """The address of the vendor's consent page, with PKCE's challenge of `verifier` (S256).

    Raises ConfigurationError where the address cannot be used.
    """
    more: dict[str, Any] = dict(way.authorize_params)
    if way.pkce:
        more |= {
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
    return str(
        prepare_grant_uri(
            endpoints.of(way.authorize_url),
            client.client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=way.scope_separator.join(scopes),
            state=state,
            **more,
        )
    )


def exchange(
    way: OAuth2,
    client: OAuthClient,
    endpoints: Endpoints,
    clock: Clock,
    *,
    code: str,
    redirect_uri: str,
    verifier: str,
) -> Exchanged:
    """A code for tokens. Raises NeedsReauth where the code is not accepted."""
    fields = {"code": code, "redirect_uri": redirect_uri, **way.token_params}
    if way.pkce:
        fields["code_verifier"] = verifier
    call = TokenCall(
        way.token_url,
        endpoints,
        clock,
        hidden={"code": code, "verifier": verifier, "client_secret": client.client_secret},
        doing="this sign-in",
        ended=f"{endpoints.label} did not accept this sign-in: its code was used already or has "
        "expired. Begin again.",
        again=False,  # a code that comes twice ends all that came of it
    )
    form = prepare_token_request("authorization_code", **fields)
    found, at = call.given(form, client, way.client_sent_in, way.access_lasts)
    return Exchanged(secret=_secret({"auth": "OAuth2"}, found, at), told=found.told)


def renew(
    way: OAuth2 | ClientCredentials | JwtBearer,
    secret: Secret,
    endpoints: Endpoints,
    clock: Clock,
    client: OAuthClient | None = None,
) -> Exchanged:
    """The secret with a new access token, and the vendor's new refresh token or the old one; for
    its refresh token and our `client`, or for the client or the key that it is.

    Raises NeedsReauth where these are not accepted, or it has none; ConfigurationError where our
    client is needed and there is none.
    """
    match way:
        case OAuth2():
            asking = _by_refresh_token(way, secret, endpoints, client)
        case ClientCredentials():
            asking = _by_own_client(way, secret, endpoints)
        case JwtBearer():
            asking = _by_assertion(way, secret, endpoints, clock)
    call = TokenCall(
        way.token_url,
        endpoints,
        clock,
        hidden=asking.hidden,
        doing=asking.doing,
        ended=asking.ended,
        own_client=not isinstance(way, OAuth2),
    )
    found, at = call.given(asking.form, asking.client, asking.client_sent_in, asking.access_lasts)
    return Exchanged(secret=_secret(secret, found, at), told=found.told)


def revoke(
    way: OAuth2, client: OAuthClient, secret: Secret, endpoints: Endpoints, clock: Clock
) -> bool:
    """Tell the vendor that its tokens are not needed any more (RFC 7009), where it has a way to;
    whether it agreed."""
    token = secret.get("refresh_token") or secret.get("access_token")
    if way.revoke_url is None or not token:
        return False
    hint = "refresh_token" if secret.get("refresh_token") else "access_token"
    call = TokenCall(
        way.revoke_url,
        endpoints,
        clock,
        hidden={**secret, "client_secret": client.client_secret},
        doing="ending the sign-in",
        ended="",
    )
    body, _ = prepare_revoke_token_request(token, hint)
    return call.agreed(body, client, way.client_sent_in)


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """What is sent for a token; `hidden`, `doing` and `ended` as TokenCall has them."""

    form: str = field(repr=False)
    hidden: Mapping[str, Any] = field(repr=False)
    ended: str
    doing: str = "signing in"
    client: OAuthClient | None = None
    client_sent_in: ClientSentIn = "body"
    access_lasts: timedelta | None = None


def _by_refresh_token(
    way: OAuth2, secret: Secret, endpoints: Endpoints, client: OAuthClient | None
) -> _Asking:
    label, whose = endpoints.label, endpoints.connection or endpoints.label
    if client is None:
        raise ConfigurationError(
            f"The sign-in of {whose} cannot be renewed: there is no OAuth client for {label} any "
            f"more. Set {endpoints.client}."
        )
    token = str(secret.get("refresh_token") or "")
    if not token:
        raise NeedsReauth(
            f"The sign-in of {whose} has expired, and {label} gave nothing to renew it with. "
            f"{endpoints.reconnect}"
        )
    return _Asking(
        form=prepare_token_request("refresh_token", refresh_token=token, **way.token_params),
        hidden={**secret, "client_secret": client.client_secret},
        doing="renewing the sign-in",
        ended=f"{label} no longer accepts this sign-in: it was revoked there, was not used for too "
        f"long, or a renewal was cut off before its answer could be kept. {endpoints.reconnect}",
        client=client,
        client_sent_in=way.client_sent_in,
        access_lasts=way.access_lasts,
    )


def _by_own_client(way: ClientCredentials, secret: Secret, endpoints: Endpoints) -> _Asking:
    fields = {"scope": " ".join(way.scopes), **way.token_params}
    return _Asking(
        form=prepare_token_request("client_credentials", **fields),
        hidden=secret,
        ended=f"{endpoints.label} does not accept this client id and secret. Check them there, "
        f"then give them again: {endpoints.reconnect}",
        client=OAuthClient(
            str(secret.get("client_id") or ""), str(secret.get("client_secret") or "")
        ),
        client_sent_in=way.client_sent_in,
    )


def _by_assertion(way: JwtBearer, secret: Secret, endpoints: Endpoints, clock: Clock) -> _Asking:
    signed = assertion(way, secret, endpoints.settings, clock.now().timestamp())
    return _Asking(
        form=prepare_token_request(JWT_BEARER, assertion=signed),
        hidden={**secret, "assertion": signed},
        ended=f"{endpoints.label} does not accept this service account. Check there that it "
        "exists, that its key is valid and that it may see the data; then: "
        f"{endpoints.reconnect}",
    )


def _secret(before: Mapping[str, Any], given: Given, at: float) -> Secret:
    """The secret before, with what was given; where there is no new refresh token, the old stays.

    Moments are in seconds since 1970.
    """
    fresh: dict[str, Any] = {
        **before,
        "access_token": given.access_token,
        "expires_at": given.expires_at,
        "renewed_at": at,
    }
    optional = {
        "refresh_token": given.refresh_token,
        "refresh_expires_at": given.refresh_expires_at,
        "scope": given.scope,
    }
    return Secret(fresh | {name: value for name, value in optional.items() if value is not None})
