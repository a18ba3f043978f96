"""The smallest sandbox vendor with OAuth: the standard's own words, and one thing to ask for."""

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from starlette.responses import Response

from sync_platform.sandbox.calls import Call, Endpoint, Refusal, answer
from sync_platform.sandbox.consent import oauth_endpoints
from sync_platform.sandbox.oauth import OAuth, VendorAccount
from sync_platform.sandbox.vendor import Vendor

REDIRECT_URI = "http://127.0.0.1:8000/callback"


class Acme(Vendor):
    """Vendor of nothing. What it is given replaces parts of its OAuth."""

    name = "acme"

    def __init__(self, **oauth: Any) -> None:
        given: dict[str, Any] = {
            "client_id": "our-app",
            "client_secret": "our-app-secret",
            "redirect_uris": [REDIRECT_URI],
            "accounts": [VendorAccount("1", "One Ltd"), VendorAccount("2", "Two & Sons")],
            "clock": lambda: self.clock(),
        }
        self.oauth = OAuth(**(given | oauth))
        super().__init__()

    def authorization_server(self) -> OAuth:
        return self.oauth

    def endpoints(self) -> Sequence[Endpoint]:
        return [
            *oauth_endpoints(
                self.oauth, label="Acme", url=lambda: self.url, revoke="/oauth/revoke"
            ),
            Endpoint("GET", "/me", self._me),
        ]

    def check_token(self, call: Call) -> None:
        token = self.oauth.token(call.headers.get("authorization", ""))
        if token is None or (token.expires_at or 0) <= self.clock():
            raise Refusal(401, {"message": "Who are you?"})

    def _me(self, call: Call) -> Response:
        token = self.oauth.token(call.headers["authorization"])
        assert token
        return answer({"accounts": list(token.accounts), "scopes": sorted(token.scopes or ())})


def key_pair() -> tuple[str, str]:
    """A private key and its public one, as PEM."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret.decode(), public.decode()
