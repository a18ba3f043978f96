"""Who signs in, as an OpenID Connect provider vouches for it (OpenID Connect Core 1.0, code flow).

Discovery and keys are kept for an hour. No message holds a code, a token or our secret.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import httpx
from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from sync_platform.engine.access import Vouched
from sync_platform.engine.ports import Clock
from sync_platform.errors import (
    ConfigurationError,
    NotAllowed,
    NotSignedIn,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.transport.address import is_safe, unsafe
from sync_platform.transport.url import is_loopback, parsed

KEPT = timedelta(hours=1)
TIMEOUT = 10.0  # seconds, of each step of a call
LARGEST = 2**20  # bytes of an answer
LEEWAY = 60  # seconds that clocks may differ
SCOPES = "openid email profile"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True)
class Known:
    """What the provider says of itself."""

    about: Mapping[str, Any]
    keys: KeySet
    at: datetime


class OpenIdProvider:
    """One provider, and our client there. `allow_http` names the hosts that may be called without
    encryption (see `address`)."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        redirect_uri: str,
        clock: Clock,
        *,
        allow_http: Collection[str] = (),
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._allow_http = allow_http
        self._known: Known | None = None
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"OpenIdProvider({self._issuer})"

    def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises VendorUnavailable, UnexpectedResponse,
        ConfigurationError where the provider is none."""
        url: str = prepare_grant_uri(
            self._endpoint("authorization_endpoint"),
            self._client_id,
            "code",
            redirect_uri=self._redirect_uri,
            scope=SCOPES,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return url

    def vouched(self, params: Mapping[str, str], *, nonce: str, verifier: str) -> Vouched:
        """Who the browser's way back stands for; the caller has checked its state.

        Raises NotAllowed where the person said no or the e-mail address is not verified,
        NotSignedIn where the code or the ID token is not good, and what `address` does.
        """
        if "error" in params:
            raise NotAllowed(f"The sign-in provider said no: {params['error'][:80]!r}.")
        # Another provider's answer, mixed up with this one's (RFC 9207).
        if params.get("iss", self._issuer) != self._issuer:
            raise _not_good("it came from another provider")
        token = self._exchange(params.get("code", ""), verifier)
        claims = self._proved(token.get("id_token"), nonce)
        if "email" not in claims and token.get("access_token"):
            claims = {**self._user_info(str(token["access_token"]), claims["sub"]), **claims}
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") not in (True, "true"):
            raise NotAllowed(
                "The sign-in provider does not vouch for your e-mail address. Verify it there, "
                "then try again."
            )
        name = claims.get("name")
        return Vouched(
            subject=f"{self._issuer} {claims['sub']}",
            email=email,
            name=name if isinstance(name, str) else None,
        )

    def _exchange(self, code: str, verifier: str) -> Mapping[str, Any]:
        body = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=self._redirect_uri,
            code_verifier=verifier,
        )
        offered = self._provider().about.get("token_endpoint_auth_methods_supported")
        if self._client_secret is None:
            method = "none"
        elif isinstance(offered, list) and "client_secret_basic" not in offered:
            method = "client_secret_post"
        else:
            method = "client_secret_basic"  # the default of OpenID Connect Discovery 1.0
        client = ClientAuth(self._client_id, self._client_secret, method)
        uri, headers, body = client.prepare("POST", self._endpoint("token_endpoint"), FORM, body)
        return self._asked("POST", uri, dict(headers), body)

    def _proved(self, id_token: Any, nonce: str) -> dict[str, Any]:
        """The claims of the ID token; raises NotSignedIn where it proves nothing."""
        wanted = JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self._issuer},
            sub={"essential": True},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        for again in (False, True):  # a key that we do not know yet: it may be new
            try:
                token = jwt.decode(
                    str(id_token), self._provider(again).keys, algorithms=list(ALGORITHMS)
                )
                break
            except (JoseError, ValueError) as error:
                if again:
                    raise _not_good("its signature is not the provider's") from error
        claims = dict(token.claims)
        try:
            wanted.validate(claims)
        except JoseError as error:
            raise _not_good("it is for another sign-in, or has expired") from error
        many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (many or "azp" in claims) and claims.get("azp") != self._client_id:
            raise _not_good("it is for another app")
        return claims

    def _user_info(self, access_token: str, subject: str) -> Mapping[str, Any]:
        told = self._asked(
            "GET",
            self._endpoint("userinfo_endpoint"),
            {"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
        )
        if told.get("sub") != subject:
            raise _not_good("its user information is about someone else")
        return told

    def _endpoint(self, name: str) -> str:
        return self._usable(self._provider().about.get(name), name)

    def _usable(self, url: Any, name: str) -> str:
        """The address that the provider names; raises ConfigurationError where it cannot be used:
        codes, secrets and the keys that prove who signs in go over it."""
        try:
            found = parsed(url)
        except (ValueError, TypeError):
            found = None
        if found is None or found.scheme not in ("http", "https") or not found.host:
            raise ConfigurationError(
                f"The sign-in provider {self._issuer} names no usable {name}. Check "
                "SYNC_PLATFORM_OIDC_ISSUER."
            )
        if not is_safe(found, self._allow_http):
            raise ConfigurationError(
                f"The {name} of the sign-in provider {self._issuer} cannot be used: {unsafe(found)}"
            )
        return str(url)

    def _provider(self, again: bool = False) -> Known:
        """What the provider says of itself, at most an hour (`again`: a minute) old."""
        with self._lock:
            known, now = self._known, self._clock.now()
            oldest = timedelta(minutes=1) if again else KEPT
            if known is not None and now - known.at < oldest:
                return known
            issuer = self._usable(self._issuer, "address").rstrip("/")
            about = self._asked("GET", f"{issuer}/.well-known/openid-configuration", {})
            if about.get("issuer") != self._issuer:
                raise ConfigurationError(
                    f"SYNC_PLATFORM_OIDC_ISSUER is {self._issuer!r}, but the provider there calls "
                    f"itself {str(about.get('issuer'))[:200]!r}. Write that, to the letter."
                )
            where = self._usable(about.get("jwks_uri"), "jwks_uri")
            try:
                keys = KeySet.import_key_set(self._asked("GET", where, {}))  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise UnexpectedResponse(
                    f"The keys of the sign-in provider {self._issuer} cannot be read."
                ) from error
            self._known = Known(about, keys, now)
            return self._known

    def _asked(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None = None
    ) -> dict[str, Any]:
        try:
            answer = httpx.request(
                method,
                url,
                headers=headers,
                content=body,
                timeout=TIMEOUT,
                follow_redirects=False,
                trust_env=not is_loopback(parsed(url).host),  # no proxy between us and us
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise VendorUnavailable(
                f"The sign-in provider {self._issuer} cannot be reached. Try again in a minute."
            ) from error
        evidence = {"status": answer.status_code, "url": url.partition("?")[0]}
        if answer.status_code >= 500 or answer.status_code == 429:
            raise VendorUnavailable(
                f"The sign-in provider {self._issuer} does not answer now. Try again in a minute.",
                evidence=evidence,
            )
        try:
            told = json.loads(answer.content[:LARGEST])
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise UnexpectedResponse(
                f"The sign-in provider {self._issuer} answered what is no JSON object.",
                evidence=evidence,
            )
        if answer.status_code != 200 or "error" in told:
            evidence["error"] = str(told.get("error"))[:80]
            if told.get("error") in ("invalid_client", "unauthorized_client"):
                raise ConfigurationError(
                    "The sign-in provider does not accept this platform. Check "
                    "SYNC_PLATFORM_OIDC_CLIENT_ID and SYNC_PLATFORM_OIDC_CLIENT_SECRET.",
                    evidence=evidence,
                )
            if told.get("error") == "invalid_grant":
                raise _not_good("its code is used or has expired")
            raise UnexpectedResponse(
                f"The sign-in provider {self._issuer} refused a call of ours.", evidence=evidence
            )
        return told


def _not_good(why: str) -> NotSignedIn:
    return NotSignedIn(f"This sign-in cannot be trusted: {why}. Begin it again.")
