"""A small OpenID Connect provider: discovery, a sign-in page, codes with PKCE, signed ID tokens.

It enforces what a good provider does: exact redirect URI, PKCE with S256, codes that work once and
for a minute, the client's secret. What it says wrongly on purpose is set on `wrong`.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, ClassVar
from urllib.parse import unquote, urlencode

import orjson
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sync_platform.sandbox.calls import Call, Endpoint, Refusal, answer
from sync_platform.sandbox.vendor import Clock, Vendor

CODE_LASTS = 60.0  # seconds
TOKEN_LASTS = 300  # seconds


@dataclass(frozen=True, kw_only=True)
class User:
    """Someone with an account at the provider."""

    subject: str
    email: str
    name: str
    email_verified: bool = True


@dataclass
class _Code:
    user: User
    redirect_uri: str
    challenge: str
    nonce: str
    until: float


@dataclass
class _Keys:
    """A signing key and its name."""

    kid: str
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )


class OpenId(Vendor):
    """A provider with one client."""

    name: ClassVar[str] = "openid"

    def __init__(
        self,
        users: Sequence[User] = (),
        *,
        redirect_uri: str = "http://127.0.0.1:8000/sign-in/openid/callback",
        client_id: str = "sandbox-openid-client",
        client_secret: str = "sandbox-openid-secret",
        email_in_token: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """`email_in_token`: the ID token tells the address; otherwise only userinfo does."""
        super().__init__(clock=clock)
        self.users = {user.email: user for user in users}
        self.redirect_uri = redirect_uri
        self.client_id = client_id
        self.client_secret = client_secret
        self.email_in_token = email_in_token
        self.wrong: Mapping[str, Any] = {}  # claims of ID tokens to replace
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, User] = {}
        self._key = _Keys("1")
        self._told_key = self._key

    def roll_key(self, *, told: bool = True) -> None:
        """Sign with another key from now on; `told`: the published keys have it."""
        with self.lock:
            self._key = _Keys(str(int(self._key.kid) + 1))
            if told:
                self._told_key = self._key

    def endpoints(self) -> Sequence[Endpoint]:
        """Everything it answers."""
        return (
            Endpoint("GET", "/.well-known/openid-configuration", self._about, open=True),
            Endpoint("GET", "/keys", self._keys, open=True),
            Endpoint("GET", "/authorize", self._sign_in_page, open=True),
            Endpoint("POST", "/authorize", self._sign_in, open=True),
            Endpoint("POST", "/token", self._token, open=True),
            Endpoint("GET", "/userinfo", self._user_info, open=True),
        )

    def _about(self, call: Call) -> Response:
        return answer(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    def _keys(self, call: Call) -> Response:
        numbers = self._told_key.key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self._told_key.kid,
            "n": _base64(numbers.n.to_bytes(256, "big")),
            "e": _base64(numbers.e.to_bytes(3, "big")),
        }
        return answer({"keys": [key]})

    def _sign_in_page(self, call: Call) -> Response:
        """Asks who it is; the buttons send the whole request on."""
        if call.first("client_id") != self.client_id:
            raise Refusal(400, {"error": "invalid_client"})
        if call.first("redirect_uri") != self.redirect_uri:
            raise Refusal(400, {"error": "invalid_request", "message": "unknown redirect_uri"})
        asked = {name: values[0] for name, values in call.query.items()}
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return self._back(asked, error="invalid_request")
        if "openid" not in asked.get("scope", "").split():
            return self._back(asked, error="invalid_scope")
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in asked.items()
        )
        buttons = "".join(
            f'<p><button name="email" value="{escape(user.email)}">{escape(user.name)}</button></p>'
            for user in self.users.values()
        )
        return HTMLResponse(
            '<!doctype html><html lang="en"><title>Sandbox sign-in</title><h1>Who are you?</h1>'
            f'<form method="post">{hidden}{buttons}<p><button name="email" value="">Cancel</button>'
            "</p></form></html>"
        )

    def _sign_in(self, call: Call) -> Response:
        asked = call.form()
        if asked.get("redirect_uri") != self.redirect_uri:
            raise Refusal(400, {"error": "invalid_request", "message": "unknown redirect_uri"})
        user = self.users.get(asked.get("email", ""))
        if user is None:
            return self._back(asked, error="access_denied")
        code = secrets.token_urlsafe(16)
        self._codes[code] = _Code(
            user,
            asked["redirect_uri"],
            asked["code_challenge"],
            asked.get("nonce", ""),
            self.clock() + CODE_LASTS,
        )
        return self._back(asked, code=code, iss=self.url)

    def _back(self, asked: Mapping[str, str], **params: str) -> Response:
        given = urlencode({**params, "state": asked.get("state", "")})
        return RedirectResponse(f"{self.redirect_uri}?{given}", 303)

    def _token(self, call: Call) -> Response:
        form = call.form()
        if self._client_of(call, form) != (self.client_id, self.client_secret):
            raise Refusal(401, {"error": "invalid_client"})
        code = self._codes.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            form.get("grant_type") != "authorization_code"
            or code is None
            or code.until < self.clock()
            or code.redirect_uri != form.get("redirect_uri")
            or code.challenge != _base64(proof)
        ):
            raise Refusal(400, {"error": "invalid_grant"})
        access = secrets.token_urlsafe(16)
        self._access[access] = code.user
        now = int(self.clock())
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": code.user.subject,
            "aud": self.client_id,
            "iat": now,
            "exp": now + TOKEN_LASTS,
            "nonce": code.nonce,
        }
        if self.email_in_token:
            claims |= _about_user(code.user)
        return answer(
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": TOKEN_LASTS,
                "id_token": self._signed({**claims, **self.wrong}),
            }
        )

    def _client_of(self, call: Call, form: Mapping[str, str]) -> tuple[str, str]:
        kind, _, given = call.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return form.get("client_id", ""), form.get("client_secret", "")
        name, _, secret = base64.b64decode(given).decode().partition(":")
        return unquote(name), unquote(secret)

    def _user_info(self, call: Call) -> Response:
        user = self._access.get(call.headers.get("authorization", "").removeprefix("Bearer "))
        if user is None:
            raise Refusal(401, {"error": "invalid_token"})
        return answer({"sub": user.subject, **_about_user(user)})

    def _signed(self, claims: Mapping[str, Any]) -> str:
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key.kid}
        signed = f"{_base64(orjson.dumps(header))}.{_base64(orjson.dumps(dict(claims)))}"
        signature = self._key.key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
        return f"{signed}.{_base64(signature)}"


def _about_user(user: User) -> dict[str, Any]:
    return {"email": user.email, "email_verified": user.email_verified, "name": user.name}


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
