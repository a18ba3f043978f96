"""How a sign-in gets its tokens: for the code that a person brings back, or for a key."""

from collections.abc import Mapping

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import OAuthClient, Secret
from sync_platform.engine.signing_in import SignIn, scopes_for
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    NotPermitted,
    SignedInAnew,
    SyncPlatformError,
    UnexpectedResponse,
)
from sync_platform.spec import Auth, ClientCredentials, Connector, JwtBearer, OAuth2
from sync_platform.transport import oauth
from sync_platform.waist.clients import oauth_of
from sync_platform.waist.parts import Parts

SOON = 300.0  # seconds: an access token that ends so soon is renewed before it is used


def client_for(parts: Parts, connector: Connector, redirect_uri: str | None) -> OAuthClient:
    """Our app at the vendor; raises ConfigurationError, telling how to register one."""
    client = parts.oauth_client(connector.name)
    if client is None:
        setting = f"SYNC_PLATFORM_OAUTH_{connector.name.upper()}_CLIENT"
        raise ConfigurationError(
            f"There is no OAuth client for {connector.label} yet. Register an app at "
            f"{connector.label} with the redirect address {redirect_uri}, then give its id and "
            f"secret: sync-platform oauth-client set {connector.name} --client-id … (or set "
            f"{setting}_ID and {setting}_SECRET)."
        )
    return client


def consented(parts: Parts, connector: Connector, before: Connection | None) -> list[str]:
    """What the connection was given before, as far as the connector still knows it: signing in
    anew must not take the right to write away."""
    if before is None:
        return []
    try:
        had = parts.credentials.read(before.name).get("scopes") or ()
    except (NeedsReauth, ConfigurationError):  # there are none, or no key opens them
        return []
    return [each for each in scopes_for(connector, writing=True) if each in had]


def exchanged(
    parts: Parts, sign_in: SignIn, kept: Secret, params: Mapping[str, str]
) -> tuple[Secret, Mapping[str, object]]:
    """The tokens for what the vendor sent back, and what it told with them."""
    connector = parts.connector(sign_in.connector)
    if "error" in params:
        raise _declined(connector.label, params)
    if not params.get("code"):
        raise UnexpectedResponse(
            f"{connector.label} sent you back without a code, so nothing was connected."
        )
    got = oauth.exchange(
        oauth_of(connector),
        client_for(parts, connector, sign_in.redirect_uri),
        endpoints_of(parts, sign_in),
        parts.clock,
        code=params["code"],
        redirect_uri=sign_in.redirect_uri or "",
        verifier=kept["verifier"],
    )
    return Secret({**got.secret, "scopes": kept["scopes"]}), got.told


def with_access(
    parts: Parts, sign_in: SignIn, auth: Auth, secret: Secret
) -> tuple[Secret, Mapping[str, object]]:
    """The secret with an access token, where it is one that must be exchanged for one, and what the
    vendor told with it."""
    if not isinstance(auth, ClientCredentials | JwtBearer):
        return secret, {}
    got = oauth.renew(auth, secret, endpoints_of(parts, sign_in), parts.clock)
    return got.secret, got.told


def lasts(parts: Parts, secret: Secret) -> bool:
    """Whether its access token is good for a while yet."""
    ends = secret.get("expires_at")
    return ends is None or float(ends) > parts.clock.now().timestamp() + SOON


def lasting(parts: Parts, sign_in: SignIn, secret: Secret) -> Secret:
    """The secret, with another access token where that one is about to end: people take their
    time between signing in and choosing. A refresh token may be good for one use: let nobody else
    be at it (`SignIns.rotate`)."""
    if lasts(parts, secret):
        return secret
    connector = parts.connector(sign_in.connector)
    way = next(each for each in connector.auth if type(each).__name__ == secret.get("auth"))
    if not isinstance(way, OAuth2):
        return with_access(parts, sign_in, way, secret)[0]
    client = parts.oauth_client(connector.name)
    if client is None or not secret.get("refresh_token"):
        return secret
    return oauth.renew(way, secret, endpoints_of(parts, sign_in), parts.clock, client).secret


def kept(parts: Parts, connection: Connection) -> Secret:
    """The connection's secret; an empty one where there is none for it, or no key opens it."""
    try:
        return parts.credentials.read(connection)
    except (NeedsReauth, ConfigurationError, SignedInAnew):
        return Secret({})


def revoke(parts: Parts, connection: Connection, secret: Secret) -> bool:
    """Tell the vendor that the tokens of a connection that is gone are not needed any more, where
    it has a way to; whether it was told. What goes wrong there keeps nobody from disconnecting."""
    try:
        connector = parts.declared(connection)
        client = parts.oauth_client(connector.name)
        ways = [each for each in connector.auth if isinstance(each, OAuth2) and each.revoke_url]
        if not ways or client is None or secret.get("auth") != "OAuth2":
            return False
        endpoints = parts.endpoints(
            connector,
            connection=connection.name,
            settings=connection.settings,
            base_url=connection.base_url,
        )
        return oauth.revoke(ways[0], client, secret, endpoints, parts.clock)
    except SyncPlatformError:
        return False


def endpoints_of(parts: Parts, sign_in: SignIn) -> oauth.Endpoints:
    """Where signing in goes; messages do not tell to reconnect what is no connection yet."""
    return parts.endpoints(
        parts.connector(sign_in.connector),
        connection=sign_in.connection if sign_in.again else None,
        settings=sign_in.settings,
        base_url=sign_in.base_url,
    )


def _declined(label: str, params: Mapping[str, str]) -> SyncPlatformError:
    """What the vendor's error on the callback means."""
    error = _plain(params["error"])
    if error == "access_denied":
        return NotPermitted(
            f"{label} was told not to allow it, so nothing was connected. Begin again and choose "
            "Allow; if you may not, ask an admin of the account."
        )
    said = " ".join(filter(None, (error, _plain(params.get("error_description", "")))))
    return ConfigurationError(
        f"{label} refused the sign-in: {said}. Check the app's redirect addresses and scopes there."
    )


def _plain(text: str) -> str:
    return "".join(each for each in text[:200] if each.isprintable())
