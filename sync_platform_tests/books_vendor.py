"""A sandbox vendor with everything that a sign-in may have to settle: an address of the account's
own, an instance told with the token, a company and a data centre told on the callback, and several
organisations behind one login."""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from starlette.responses import Response

from sync_platform.sandbox.calls import Call, Endpoint, Json, Refusal, answer
from sync_platform.sandbox.consent import oauth_endpoints
from sync_platform.sandbox.oauth import Grant, OAuth, VendorAccount
from sync_platform.sandbox.vendor import Vendor

FOLDER = Path(__file__).parent / "own_connectors"  # its connector
CLIENT = ("books-app", "books-app-secret")
LOGINS = (VendorAccount("ann", "Ann"), VendorAccount("bob", "Bob"))


class Books(Vendor):
    """Organisations by login; invoices and notes of each. Keys are accepted for `ann`."""

    name = "books"

    def __init__(self) -> None:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.private_key = private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode()
        self.organisations = {"ann": {"o1": "One Ltd", "o2": "Two & Sons"}, "bob": {"o9": "Nine"}}
        self.key = "books-key-0123456789"
        self.hides_instance = False
        self.location = "eu"  # the data centre that the way back names
        self.oauth = OAuth(
            client_id=CLIENT[0],
            client_secret=CLIENT[1],
            accounts=LOGINS,
            rotates=True,
            told=self._told,
            called_back=lambda grant: {
                "realmId": f"company-{grant.accounts[0]}",
                "location": self.location,
            },
            services={"service-1": "service-secret"},
            service_accounts={"robot@books": public.decode()},
            clock=lambda: self.clock(),
        )
        super().__init__()

    def _told(self, grant: Grant) -> Json:
        return {} if self.hides_instance else {"instance_url": self.url}

    def endpoints(self) -> Sequence[Endpoint]:
        return [
            *oauth_endpoints(
                self.oauth,
                label="Books",
                url=lambda: self.url,
                authorize="/login/authorize",
                token="/login/centres/eu/token",
                revoke="/login/revoke",
            ),
            Endpoint("GET", "/me", self._me),
            Endpoint("GET", "/organisations", self._organisations),
            Endpoint("GET", "/{organisation}/fields", self._fields),
            Endpoint("GET", "/{organisation}/{things}", self._things),
        ]

    def check_token(self, call: Call) -> None:
        login = self._login(call)
        organisation = call.places.get("organisation")
        if organisation is not None and organisation not in self.organisations[login]:
            raise Refusal(404, {"message": "There is no such organisation."})

    def _login(self, call: Call) -> str:
        if call.headers.get("x-key") == self.key:
            return "ann"
        token = self.oauth.token(call.headers.get("authorization", ""))
        if token is None or (token.expires_at or 0) <= self.clock():
            raise Refusal(401, {"message": "Who are you?"})
        return token.accounts[0]

    def _allows(self, call: Call, scope: str) -> bool:
        token = self.oauth.token(call.headers.get("authorization", ""))
        return token is None or token.allows(scope)

    def _me(self, call: Call) -> Response:
        login = self._login(call)
        return answer({"id": login, "name": login.capitalize()})

    def _organisations(self, call: Call) -> Response:
        listed = self.organisations[self._login(call)].items()
        return answer({"list": [{"id": id, "name": name} for id, name in listed]})

    def _fields(self, call: Call) -> Response:
        if not self._allows(call, "notes.read"):
            raise Refusal(403, {"message": "The scope notes.read is missing."})
        return answer({"fields": ["id", "text"]})

    def _things(self, call: Call) -> Response:
        organisation = call.places["organisation"]
        return answer({"list": [{"id": f"{organisation}-1", "text": organisation}]})
