"""A fake Stripe: lists, objects, events and OAuth over one account.

Faithful where it hurts: nothing has a date of its last change, events come a little late, hold
copies in the account's own API version and are forgotten after 30 days; lists within objects end
after ten elements; unknown parameters are refused; some changes have no event at all.
"""

import base64
import binascii
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

from sync_platform.sandbox import stripe_business, stripe_errors, stripe_money
from sync_platform.sandbox.calls import Call, Endpoint, Json, Refusal, answer
from sync_platform.sandbox.consent import oauth_endpoints
from sync_platform.sandbox.limits import Bucket
from sync_platform.sandbox.oauth import Grant, OAuth, Tokens, VendorAccount
from sync_platform.sandbox.stripe_account import KINDS, VERSION, Account
from sync_platform.sandbox.stripe_api import stripe_endpoints
from sync_platform.sandbox.vendor import Clock, Vendor

REASONS = {"account": "global-rate", "endpoint": "endpoint-rate"}
PATHS = sorted(((kind.path, kind) for kind in KINDS.values()), reverse=True, key=lambda it: it[0])


class Stripe(Vendor):
    """One Stripe account, over HTTP once it is served and in Python for its test.

    `api_version` is the account's own, in which its events are written. `per_endpoint` is counted
    for all endpoints of a kind of object together.
    """

    name = "stripe"

    def __init__(
        self,
        *,
        tokens: Tokens = ("sandbox-token",),
        customers: int = 0,
        api_version: str = VERSION,
        events_lag: float = 0.0,
        per_second: int | None = None,
        per_endpoint: int | None = None,
        clock: Clock | None = None,
        seed: int = 7,
        client_id: str = "ca_sandbox",
        client_secret: str = "sk_test_sandbox_secret",
        redirect_uris: Sequence[str] | None = None,
    ) -> None:
        self.account = Account(
            clock=lambda: self.clock(), version=api_version, lag=events_lag, seed=seed
        )
        self.oauth = OAuth(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=redirect_uris,
            pkce=False,
            client_sent_in=("secret",),
            lasts=3600.0,
            rotates=True,
            accounts=(VendorAccount(stripe_errors.ACCOUNT_ID, "Acme GmbH"),),
            told=_told,
            clock=lambda: self.clock(),
            seed=seed,
        )
        self.per_endpoint = per_endpoint
        self.revoked: set[str] = set()
        limits = {"account": Bucket(calls=per_second, seconds=1.0)}
        super().__init__(tokens=tokens, limits=limits, clock=clock)
        stripe_business.open_shop(self.account, customers)

    # For tests: the account as its users see it ---------------------------------------------------

    def add(self, object: str, /, **values: Any) -> str:
        """A new object; no value is checked."""
        with self.lock:
            return str(self.account.create(object, **values)["id"])

    def edit(self, object: str, id: str, /, **values: Any) -> None:
        """Change an object; `event` may be the type of the event that tells of it."""
        with self.lock:
            self.account.edit(object, id, **values)

    def edit_in_silence(self, object: str, id: str, /, **values: Any) -> None:
        """A change that no event tells of."""
        with self.lock:
            self.account.get(object, id).update(values)
            self.account.changes += 1

    def delete(self, object: str, id: str) -> None:
        with self.lock:
            self.account.delete(object, id)

    def cancel(self, subscription: str) -> None:
        """Cancel a subscription."""
        with self.lock:
            self.account.cancel(subscription)

    def add_customer(self) -> str:
        """A customer with a name and an address."""
        with self.lock:
            return str(stripe_business.add_customer(self.account)["id"])

    def subscribe(self, customer: str, items: int = 1) -> str:
        """A new subscription of so many items."""
        with self.lock:
            return str(stripe_business.subscribe(self.account, customer, items=items)["id"])

    def bill(self, subscription: str, *, paid: bool = True) -> str:
        """A new invoice of a subscription, a line for each of its items."""
        with self.lock:
            found = self.account.get("subscriptions", subscription)
            at, customer = self.account.now(), found["customer"]
            billed = stripe_business.bill(self.account, customer, found, at, paid=paid)
            return str(billed["id"])

    def refund(self, charge: str, amount: int) -> str:
        with self.lock:
            return str(stripe_money.refund(self.account, charge, amount)["id"])

    def fail_refund(self, refund: str) -> None:
        with self.lock:
            stripe_money.fail(self.account, refund)

    def discount(self, code: str, customer: str, subscription: str | None = None) -> None:
        """Redeem a promotion code, for a customer or one of its subscriptions."""
        with self.lock:
            stripe_money.discount(self.account, code, customer, subscription)

    def dispute(self, charge: str) -> str:
        with self.lock:
            return str(stripe_money.dispute(self.account, charge)["id"])

    def credit(self, invoice: str) -> str:
        """A credit note for the first line of an invoice."""
        with self.lock:
            found = self.account.get("invoices", invoice)
            return str(stripe_money.credit(self.account, found)["id"])

    def records(self, object: str) -> dict[str, Json]:
        """The truth: every live object, by id, with the lists in it whole."""
        with self.lock:
            return {it["id"]: it for it in self.truth(object)}

    def revoke(self) -> None:
        """End everything that OAuth gave, as when a person removes the app in Stripe."""
        with self.lock:
            self.revoked |= set(self.oauth.issued)
            self.oauth.revoke()

    # What a vendor fills in -----------------------------------------------------------------------

    def endpoints(self) -> Sequence[Endpoint]:
        return (
            *stripe_endpoints(self.account),
            Endpoint("GET", "/v1/account", self._account),
            *oauth_endpoints(
                self.oauth,
                label="Stripe",
                url=lambda: self.url,
                authorize="/oauth/v2/authorize",
                token="/v1/oauth/token",
            ),
        )

    def check_token(self, call: Call) -> None:
        key = _key(call.headers.get("authorization", ""))
        if not key:
            raise stripe_errors.no_key()
        if key in self.revoked:
            raise stripe_errors.revoked()
        token = self.tokens.get(key) or self.oauth.issued.get(key)
        if token is None:
            raise stripe_errors.invalid_key(key)
        if token.expires_at is not None and token.expires_at <= self.clock():
            raise stripe_errors.expired_key()
        permission = _permission(call)
        if permission is not None and key in self.tokens and not token.allows(permission):
            raise stripe_errors.not_permitted(permission)

    def authorization_server(self) -> OAuth:
        return self.oauth

    def limits_for(self, call: Call) -> Sequence[str]:
        if self.per_endpoint is None:
            return ("account",)
        name = f"endpoint {call.path.split('/')[2]}"
        if name not in self.limits:
            self.limits[name] = Bucket(calls=self.per_endpoint, seconds=1.0)
        return ("account", name)

    def over_limit(self, name: str) -> Refusal:
        return stripe_errors.over_limit(REASONS[name.partition(" ")[0]])

    def error(self, status: int) -> Refusal:
        if status == 429:
            return stripe_errors.over_limit(REASONS["account"])
        if status == 404:
            return stripe_errors.refusal(404, "Unrecognized request URL.")
        return stripe_errors.refusal(status, "An unknown error occurred.", type="api_error")

    def truth(self, object: str, *, archived: bool = False) -> Iterable[Json]:
        """Of deleted objects there are only stubs."""
        if archived:
            yield from ({"id": id, "deleted": True} for id in sorted(self.account.gone[object]))
            return
        for record in self.account.records[object].values():
            yield self.account.shown(object, record, whole=True)

    def change(
        self, object: str, *, creates: int = 0, updates: int = 0, archives: int = 0
    ) -> dict[str, list[str]]:
        with self.lock:
            if object not in KINDS:
                raise KeyError(object)
            return stripe_business.change(self.account, object, creates, updates, archives)

    def live(self) -> None:
        with self.lock:
            stripe_business.live(self.account)

    def version(self) -> int:
        return self.account.changes + self.oauth.made

    def state(self) -> Json:
        return {"account": self.account.state(), "oauth": self.oauth.state()}

    def resume(self, state: Json) -> None:
        self.account.resume(state["account"])
        self.oauth.resume(state["oauth"])

    def _account(self, call: Call) -> Response:
        return answer(
            {
                "id": stripe_errors.ACCOUNT_ID,
                "object": "account",
                "business_profile": {"name": "Acme GmbH", "url": "https://acme.example"},
                "country": "DE",
                "default_currency": "eur",
                "email": "owner@acme.example",
                "type": "standard",
                "settings": {
                    "branding": {},
                    "card_payments": {},
                    "dashboard": {"display_name": "Acme", "timezone": "Europe/Berlin"},
                    "payments": {},
                },
            }
        )


def _told(grant: Grant) -> Json:
    return {"stripe_user_id": stripe_errors.ACCOUNT_ID, "livemode": False, "scope": "stripe_apps"}


def _key(header: str) -> str:
    """The key in an Authorization header: as a bearer token, or as the user of Basic."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _permission(call: Call) -> str | None:
    """What a restricted key must be allowed for a call."""
    if call.path.startswith("/v1/events"):
        return "rak_event_read"
    for path, kind in PATHS:
        if call.path == path or call.path.startswith(f"{path}/"):
            does = "read" if call.method == "GET" else "write"
            return f"rak_{kind.object.replace('.', '_')}_{does}"
    return None


def asked_for(wanted: Namespace, *, empty: bool, **usual: Any) -> Stripe:
    """The account that a command line asks for; `--others` is its number of customers."""
    return Stripe(
        customers=0 if empty else wanted.others,
        events_lag=wanted.search_lag,
        per_second=None if wanted.unlimited else 100,
        per_endpoint=None if wanted.unlimited else 25,
        **usual,
    )
