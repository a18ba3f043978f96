"""A fake HubSpot: the CRM, properties, owners, account and OAuth endpoints over one portal.

Faithful where it hurts: search lags behind the lists and ends at 10,000 results, archived records
leave it without a trace, calculated values change in silence, a 429 says nothing of when to retry.
"""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from sync_platform.sandbox import hubspot_errors
from sync_platform.sandbox.calls import Call, Endpoint, Json, Refusal
from sync_platform.sandbox.hubspot_account import account_endpoints
from sync_platform.sandbox.hubspot_crm import crm_endpoints
from sync_platform.sandbox.hubspot_objects import OBJECTS
from sync_platform.sandbox.hubspot_portal import Portal
from sync_platform.sandbox.hubspot_properties import FIELD_TYPES, Property, options
from sync_platform.sandbox.limits import Bucket
from sync_platform.sandbox.oauth import OAuth, Tokens, VendorAccount
from sync_platform.sandbox.vendor import Clock, Vendor

A_YEAR = 365 * 86_400_000
POLICIES = {
    "burst": "TEN_SECONDLY_ROLLING",
    "search_per_second": "SECONDLY",
    "daily": "DAILY",
}
CATEGORIES = {
    400: "VALIDATION_ERROR",
    401: "INVALID_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
}
PORTALS = (
    VendorAccount(str(hubspot_errors.PORTAL_ID), "Acme GmbH"),
    VendorAccount("24117734", "Acme test portal"),  # the same records, under another id
)


class HubSpot(Vendor):
    """One HubSpot account, over HTTP once it is served and in Python for its test."""

    name = "hubspot"

    def __init__(
        self,
        *,
        tokens: Tokens = ("sandbox-token",),
        id: int = hubspot_errors.PORTAL_ID,
        contacts: int = 0,
        others: int = 0,
        search_lag: float = 0.0,
        burst: int | None = None,
        search_per_second: int | None = None,
        daily: int | None = None,
        clock: Clock | None = None,
        seed: int = 7,
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-secret",
        redirect_uris: Sequence[str] | None = None,
    ) -> None:
        limits = {
            "burst": Bucket(calls=burst, seconds=10.0),
            "search_per_second": Bucket(calls=search_per_second, seconds=1.0),
            "daily": Bucket(calls=daily, seconds=86_400.0),
        }
        self.portal = Portal(id=id, clock=lambda: self.clock(), search_lag=search_lag, seed=seed)
        self.oauth = OAuth(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=redirect_uris,
            accounts=PORTALS,
            clock=lambda: self.clock(),
            seed=seed,
        )
        super().__init__(tokens=tokens, limits=limits, clock=clock)
        for object in OBJECTS:
            number = contacts if object == "contacts" else others
            self.portal.add_many(object, number, over=A_YEAR)

    # For tests: the account as its users see it ---------------------------------------------------

    @property
    def search_lag(self) -> float:
        """How many seconds search lags behind."""
        return self.portal.search_lag

    @search_lag.setter
    def search_lag(self, seconds: float) -> None:
        with self.lock:
            self.portal.search_lag = seconds

    def add(self, object: str, **properties: object) -> str:
        """A new record; values that the API calls read-only may be given here."""
        with self.lock:
            values = self.portal.checked(object, properties, trusted=True)
            return str(self.portal.create(object, values).id)

    def add_many(self, object: str, count: int) -> list[str]:
        """Invented records, all in the same millisecond."""
        with self.lock:
            return [str(id) for id in self.portal.add_many(object, count)]

    def edit(self, object: str, id: str, **properties: object) -> None:
        with self.lock:
            values = self.portal.checked(object, properties, trusted=True)
            self.portal.edit(object, self.portal.get(object, id).id, values)

    def recalculate(self, object: str, id: str, **properties: object) -> None:
        """Change calculated values as HubSpot does: nothing counts as modified."""
        with self.lock:
            values = self.portal.checked(object, properties, trusted=True)
            self.portal.recalculate(object, self.portal.get(object, id).id, values)

    def archive(self, object: str, id: str) -> None:
        with self.lock:
            self.portal.archive(object, self.portal.get(object, id).id)

    def restore(self, object: str, id: str) -> None:
        with self.lock:
            self.portal.restore(object, self.portal.get(object, id, archived=True).id)

    def purge(self, object: str, id: str) -> None:
        """Gone from everywhere, the recycle bin too, as after a privacy request."""
        with self.lock:
            self.portal.purge(object, int(id))

    def records(self, object: str) -> dict[str, dict[str, str]]:
        """The truth: the properties of every live record, by id."""
        with self.lock:
            live = self.portal.records[object].live
            return {str(record.id): dict(record.properties) for record in live}

    def add_property(
        self,
        object: str,
        name: str,
        type: str = "string",
        *,
        label: str = "",
        values: Iterable[str] = (),
        unique: bool = False,
        calculated: bool = False,
        read_only: bool = False,
    ) -> None:
        """A custom property; `values` are the options of an enumeration."""
        property = Property(
            name=name,
            label=label or name.replace("_", " ").capitalize(),
            type=type,
            field_type=FIELD_TYPES.get(type, "text"),
            options=options(*values) or None,
            unique=unique,
            calculated=calculated,
            read_only=read_only,
        )
        with self.lock:
            self.portal.add_property(object, property)

    def remove_property(self, object: str, name: str) -> None:
        with self.lock:
            self.portal.remove_property(object, name)

    def consent(self, scopes: Iterable[str] | None = None, redirect_uri: str | None = None) -> str:
        """A code, as a person's consent would bring it."""
        with self.lock:
            return self.oauth.consent(scopes, redirect_uri)

    def expire_tokens(self) -> None:
        """End every access token that OAuth issued so far."""
        with self.lock:
            self.oauth.expire(self.clock())

    def revoke(self) -> None:
        """End everything that OAuth gave, as when a person removes the app in HubSpot."""
        with self.lock:
            self.oauth.revoke()

    # What a vendor fills in -----------------------------------------------------------------------

    def endpoints(self) -> Sequence[Endpoint]:
        return (
            *crm_endpoints(self.portal, lambda: self.url),
            *account_endpoints(self.portal, self.oauth, lambda: self.url),
        )

    def check_token(self, call: Call) -> None:
        kind, _, name = call.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(name) or self.oauth.issued.get(name)
        if kind.lower() != "bearer" or token is None:
            raise hubspot_errors.no_credentials()
        now = self.clock()
        if token.expires_at is not None and token.expires_at <= now:
            raise hubspot_errors.expired(now - token.expires_at)
        scope = _scope(call)
        if scope is not None and not token.allows(scope):
            raise hubspot_errors.missing_scope(scope)

    def authorization_server(self) -> OAuth:
        return self.oauth

    def limits_for(self, call: Call) -> Sequence[str]:
        return tuple(self.limits) if _searches(call) else ("burst", "daily")

    def limit_headers(self, call: Call) -> Mapping[str, str]:
        """HubSpot tells nothing of its limits on the answers of search."""
        if _searches(call):
            return {}
        now, headers = self.clock(), {}
        burst, daily = self.limits["burst"], self.limits["daily"]
        if daily.calls is not None:
            headers["X-HubSpot-RateLimit-Daily"] = str(daily.calls)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(daily.left(now))
        if burst.calls is not None:
            headers["X-HubSpot-RateLimit-Max"] = str(burst.calls)
            headers["X-HubSpot-RateLimit-Remaining"] = str(burst.left(now))
            milliseconds = int(burst.seconds * 1000)
            headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(milliseconds)
        return headers

    def over_limit(self, name: str) -> Refusal:
        return hubspot_errors.over_limit(POLICIES[name])

    def error(self, status: int) -> Refusal:
        if status == 429:
            return hubspot_errors.over_limit(POLICIES["burst"])
        message = "resource not found" if status == 404 else HTTPStatus(status).phrase
        return hubspot_errors.refusal(status, message, CATEGORIES.get(status, "INTERNAL_ERROR"))

    def truth(self, object: str, *, archived: bool = False) -> Iterable[Json]:
        if object == "owners":
            yield from (each for each in self.portal.owners if each["archived"] == archived)
            return
        records = self.portal.records[object]
        for record in records.archived if archived else records.live:
            shown = self.portal.shown(object, record, [])
            shown["properties"] = record.properties
            yield shown

    def change(
        self, object: str, *, creates: int = 0, updates: int = 0, archives: int = 0
    ) -> dict[str, list[str]]:
        with self.lock:
            if object not in OBJECTS:
                raise KeyError(object)
            return self.portal.change(object, creates, updates, archives)

    def live(self) -> None:
        chance = self.portal.rng.random
        self.change("contacts", creates=1 + int(chance() * 2), updates=2 + int(chance() * 6))
        if chance() < 0.5:
            self.change("contacts", archives=1)
        if chance() < 0.3:
            object = "deals" if chance() < 0.5 else "companies"
            self.change(object, creates=1, updates=1, archives=int(chance() * 2))

    def version(self) -> int:
        return self.portal.version + self.oauth.made

    def state(self) -> Json:
        return {"portal": self.portal.state(), "oauth": self.oauth.state()}

    def resume(self, state: Json) -> None:
        self.portal.resume(state["portal"])
        self.oauth.resume(state["oauth"])


def _searches(call: Call) -> bool:
    return call.path.endswith("/search")


def _scope(call: Call) -> str | None:
    """The scope that a call needs."""
    if call.path == "/crm/v3/owners":
        return "crm.objects.owners.read"
    object = call.places.get("object")
    if object is None:
        return None
    kind = "schemas" if call.path.startswith("/crm/v3/properties/") else "objects"
    reads = call.method == "GET" or call.path.endswith(("/search", "/batch/read"))
    return (
        "tickets" if object == "tickets" else f"crm.{kind}.{object}.{'read' if reads else 'write'}"
    )


def asked_for(wanted: Namespace, *, empty: bool, **usual: Any) -> HubSpot:
    """The account that a command line asks for."""
    allowed: dict[str, int | None] = {"burst": 100, "search_per_second": 5, "daily": 250_000}
    return HubSpot(
        contacts=0 if empty else wanted.contacts,
        others=0 if empty else wanted.others,
        search_lag=wanted.search_lag,
        **(dict.fromkeys(allowed) if wanted.unlimited else allowed),
        **usual,
    )
