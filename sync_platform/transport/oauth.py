"""OAuth 2 over the wire: sending a person to the vendor, and getting tokens for what comes back.

Nothing here is kept: callers save what they are given before they use it. No message holds secrets.
Everything that calls a vendor raises ConfigurationError where our app is not accepted (or its
address cannot be used), RateLimited, VendorUnavailable and UnexpectedResponse; it takes about a
minute at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7009 import prepare_revoke_token_request  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from sync_platform.engine.ports import Clock, Secret
from sync_platform.engine.signing_in import OAuthClient
from sync_platform.errors import NeedsReauth
from sync_platform.spec import ClientCredentials, JwtBearer, OAuth2
from sync_platform.transport.assertions import assertion
from sync_platform.transport.token_answers import Given
from sync_platform.transport.token_calls import Names, TokenCall, url_of

__all__ = [
    "Exchanged", "Names", "authorization_url", "client_credentials", "exchange", "jwt_bearer",
    "refresh", "revoke",
]  # fmt: skip

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
NOBODY = Names()


@dataclass(frozen=True, kw_only=True)
class Exchanged:
    """What a code was exchanged for. `told` is the vendor's answer without its tokens."""

    secret: Secret
    told: Mapping[str, Any]


def authorization_url(
    way: OAuth2,
    client: OAuthClient,
    *,
    settings: Mapping[str, str],
    scopes: Sequence[str],
    redirect_uri: str,
    state: str,
    verifier: str,
    base_url: str | None = None,
    names: Names = NOBODY,
) -> str:
    """The address of the vendor's consent page, with PKCE's challenge of `verifier` (S256).

    With `base_url` its origin replaces the vendor's. Raises ConfigurationError where the address
    cannot be used.
    """
    more: dict[str, Any] = dict(way.authorize_params)
    if way.pkce:
        more |= {
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
    return str(
        prepare_grant_uri(
            url_of(way.authorize_url, settings, base_url, names),
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
    *,
    settings: Mapping[str, str],
    code: str,
    redirect_uri: str,
    verifier: str,
    clock: Clock,
    base_url: str | None = None,
    names: Names = NOBODY,
) -> Exchanged:
    """A code for tokens. Raises NeedsReauth where the code is not accepted."""
    fields = {"code": code, "redirect_uri": redirect_uri, **way.token_params}
    if way.pkce:
        fields["code_verifier"] = verifier
    call = TokenCall(
        url_of(way.token_url, settings, base_url, names),
        names,
        clock,
        hidden={"code": code, "verifier": verifier, "client_secret": client.client_secret},
        doing="this sign-in",
        ended=f"{names.label} did not accept this sign-in: its code was used already or has "
        "expired. Begin again.",
        again=False,  # a code that comes twice ends all that came of it
    )
    form = prepare_token_request("authorization_code", **fields)
    found, at = call.given(form, client, way.client_sent_in, way.access_lasts)
    return Exchanged(secret=_secret({"auth": "OAuth2"}, found, at), told=found.told)


def refresh(
    way: OAuth2,
    client: OAuthClient,
    secret: Secret,
    *,
    settings: Mapping[str, str],
    clock: Clock,
    base_url: str | None = None,
    names: Names = NOBODY,
) -> Secret:
    """The secret with a new access token, and the vendor's new refresh token or the old one.

    Raises NeedsReauth where the refresh token is not accepted, or there is none.
    """
    token = str(secret.get("refresh_token") or "")
    if not token:
        raise NeedsReauth(
            f"The sign-in of {names.connection or names.label} has expired, and {names.label} gave "
            f"nothing to renew it with. {names.reconnect}"
        )
    call = TokenCall(
        url_of(way.token_url, settings, base_url, names),
        names,
        clock,
        hidden={**secret, "client_secret": client.client_secret},
        doing="renewing the sign-in",
        ended=f"{names.label} no longer accepts this sign-in: it was revoked there, was not used "
        "for too long, or a renewal was cut off before its answer could be kept. "
        f"{names.reconnect}",
    )
    form = prepare_token_request("refresh_token", refresh_token=token, **way.token_params)
    found, at = call.given(form, client, way.client_sent_in, way.access_lasts)
    return _secret(secret, found, at)


def client_credentials(
    way: ClientCredentials,
    secret: Secret,
    *,
    settings: Mapping[str, str],
    clock: Clock,
    base_url: str | None = None,
    names: Names = NOBODY,
) -> Secret:
    """The secret with a new access token, for its own `client_id` and `client_secret`. Raises
    NeedsReauth where they are not accepted."""
    call = TokenCall(
        url_of(way.token_url, settings, base_url, names),
        names,
        clock,
        hidden=secret,
        doing="signing in",
        ended=f"{names.label} does not accept this client id and secret. Check them there, then "
        f"give them again: {names.reconnect}",
        own_client=True,
    )
    own = OAuthClient(str(secret.get("client_id") or ""), str(secret.get("client_secret") or ""))
    fields = {"scope": " ".join(way.scopes), **way.token_params}
    form = prepare_token_request("client_credentials", **fields)
    found, at = call.given(form, own, way.client_sent_in)
    return _secret(secret, found, at)


def jwt_bearer(
    way: JwtBearer,
    secret: Secret,
    *,
    settings: Mapping[str, str],
    clock: Clock,
    base_url: str | None = None,
    names: Names = NOBODY,
) -> Secret:
    """The secret with a new access token, for an assertion that its `private_key` signs. Raises
    NeedsReauth where the service account is not accepted."""
    signed = assertion(way, secret, settings, clock.now().timestamp())
    call = TokenCall(
        url_of(way.token_url, settings, base_url, names),
        names,
        clock,
        hidden={**secret, "assertion": signed},
        doing="signing in",
        ended=f"{names.label} does not accept this service account. Check there that it exists, "
        f"that its key is valid and that it may see the data; then: {names.reconnect}",
        own_client=True,
    )
    found, at = call.given(prepare_token_request(JWT_BEARER, assertion=signed), None, "body")
    return _secret(secret, found, at)


def revoke(
    way: OAuth2,
    client: OAuthClient,
    secret: Secret,
    *,
    settings: Mapping[str, str],
    clock: Clock,
    base_url: str | None = None,
    names: Names = NOBODY,
) -> bool:
    """Tell the vendor that its tokens are not needed any more (RFC 7009), where it has a way to;
    whether it agreed."""
    token = secret.get("refresh_token") or secret.get("access_token")
    if way.revoke_url is None or not token:
        return False
    hint = "refresh_token" if secret.get("refresh_token") else "access_token"
    call = TokenCall(
        url_of(way.revoke_url, settings, base_url, names),
        names,
        clock,
        hidden={**secret, "client_secret": client.client_secret},
        doing="ending the sign-in",
        ended="",
    )
    body, _ = prepare_revoke_token_request(token, hint)
    return call.agreed(body, client, way.client_sent_in)


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
