"""A fake Salesforce: REST, Bulk API 2.0 for queries, and OAuth over one org.

Faithful where it hurts: sessions end without a word on when, queries lag behind what long
transactions commit, formulas change in silence, deletions are told for 15 days and by the minute,
addresses of over 16,384 characters are refused, the daily limit is a 403. Each module's docstring
names the guide that describes what it does; written from memory of these, not beside them. Here:
- `Sforce-Limit-Info: api-usage=N/M`, REQUEST_LIMIT_EXCEEDED: REST API guide, Limit Info Header.
- URI length: Salesforce Developer Limits, API Requests. Token answers: restforce's recorded ones.
- Audience of a JWT is the login host, not the token endpoint: Help, OAuth 2.0 JWT Bearer Flow.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.types import Receive, Scope, Send

from sync_platform.sandbox import salesforce_setup
from sync_platform.sandbox.calls import Call, Endpoint, Json, Refusal, refused
from sync_platform.sandbox.consent import oauth_endpoints
from sync_platform.sandbox.limits import Bucket
from sync_platform.sandbox.oauth import Grant, OAuth, Tokens, VendorAccount
from sync_platform.sandbox.salesforce_bulk import Bulk
from sync_platform.sandbox.salesforce_errors import of_status, refusal, token_refused
from sync_platform.sandbox.salesforce_kinds import SField, fields_of
from sync_platform.sandbox.salesforce_org import ADMIN, ORG_ID, Org, Record
from sync_platform.sandbox.salesforce_people import BOUGHT
from sync_platform.sandbox.salesforce_rest import Answering, rest_endpoints
from sync_platform.sandbox.vendor import Clock, Vendor

LONGEST_URI = 16_384
A_YEAR = 365 * 86_400.0
HOST = "https://login.salesforce.com"


@dataclass(kw_only=True)
class SalesforceOAuth(OAuth):
    """Assertions are for the login host."""

    audience: str = HOST

    def grant(self, form: Mapping[str, str], header: str, endpoint: str) -> Json:
        return super().grant(form, header, self.audience)


class Salesforce(Vendor):
    """One Salesforce org, over HTTP once it is served and in Python for its test."""

    name: ClassVar[str] = "salesforce"

    def __init__(
        self,
        *,
        tokens: Tokens = (),
        records: int = 0,
        lag: float = 0.0,
        daily: int | None = None,
        clock: Clock | None = None,
        seed: int = 7,
        rotates: bool = False,
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-secret",
        redirect_uris: Sequence[str] | None = None,
        services: Mapping[str, str] | None = None,
        service_accounts: Mapping[str, str] | None = None,
    ) -> None:
        self.org = Org(lambda: self.clock(), seed, lag)
        self.answering = Answering()
        self.bulk = Bulk(org=self.org, jobs={})
        self.oauth = SalesforceOAuth(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=redirect_uris,
            accounts=(VendorAccount(ORG_ID, "Acme GmbH"),),
            lasts=7200.0,
            rotates=rotates,
            expires_in="missing",
            told=self._told,
            services=dict(services or {}),
            service_accounts=dict(service_accounts or {}),
            clock=lambda: self.clock(),
            seed=seed,
        )
        limits = {"daily": Bucket(calls=daily, seconds=86_400.0)}
        super().__init__(tokens=tokens, limits=limits, clock=clock)
        self.org.create("Organization", {"Id": ORG_ID, "Name": "Acme GmbH"})
        self.org.create("User", {"LastName": "Admin", "Email": "admin@example.com", "Id": ADMIN})
        for object in (*BOUGHT, "Attachment", "AccountHistory") if records else ():
            self.org.add_many(object, records, over=A_YEAR)

    # For tests: the org as its people see it ------------------------------------------------------

    def add(self, object: str, **values: object) -> str:
        """A new record; its id."""
        with self.lock:
            checked = self.org.checked(object, values, trusted=True)
            return str(self.org.create(object, checked)["Id"])

    def add_many(self, object: str, count: int) -> list[str]:
        with self.lock:
            return self.org.add_many(object, count)

    def edit(self, object: str, id: str, **values: object) -> None:
        with self.lock:
            self.org.edit(object, id, values)

    def recalculate(self, object: str, id: str, **values: object) -> None:
        """Change what a formula gives: nothing counts as modified."""
        with self.lock:
            self.org.recalculate(object, id, values)

    def delete(self, object: str, id: str) -> None:
        with self.lock:
            self.org.delete(object, id)

    def undelete(self, object: str, id: str) -> None:
        with self.lock:
            self.org.undelete(object, id)

    def purge(self, object: str, id: str) -> None:
        """Out of the recycle bin, for good."""
        with self.lock:
            self.org.purge(object, id)

    def add_fields(self, object: str, *written: str) -> list[SField]:
        """New fields, each as a line of salesforce_objects.py."""
        fields = list(fields_of("\n".join(written)).values())
        with self.lock:
            salesforce_setup.add_fields(self.org, object, fields)
        return fields

    def rename(self, object: str, name: str, label: str) -> None:
        """Give a custom object another API name; its key prefix stays."""
        with self.lock:
            salesforce_setup.rename(self.org, object, name, label)

    def drop_field(self, object: str, name: str) -> None:
        with self.lock:
            salesforce_setup.drop_field(self.org, object, name)

    def records(self, object: str) -> dict[str, Record]:
        """The truth: every record that is not deleted, by id."""
        with self.lock:
            latest = self.org.tables[object].latest
            return {id: dict(it) for id, it in latest.items() if not it.get("IsDeleted")}

    def expire_tokens(self) -> None:
        """End every session that OAuth issued so far."""
        with self.lock:
            self.oauth.expire(self.clock())

    def revoke(self) -> None:
        """The app is not let in any more, by a person's consent or by itself."""
        with self.lock:
            self.oauth.revoke()
            self.oauth.services = self.oauth.service_accounts = {}

    def hide(self, object: str) -> None:
        """Take the right to read an object: as if there was none."""
        with self.lock:
            self.org.objects[object].flags = "h"

    # What a vendor fills in -----------------------------------------------------------------------

    def endpoints(self) -> Sequence[Endpoint]:
        return (
            *rest_endpoints(self.org, self.answering),
            *self.bulk.endpoints(),
            *oauth_endpoints(
                self.oauth,
                label="Salesforce",
                url=lambda: self.url,
                authorize="/services/oauth2/authorize",
                token="/services/oauth2/token",
                revoke="/services/oauth2/revoke",
                refused=token_refused,
            ),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = scope["type"] == "http"
        if http and len(scope["raw_path"]) + 1 + len(scope["query_string"]) > LONGEST_URI:
            self.statuses[414] += 1
            await refused(self.error(414))(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    def check_token(self, call: Call) -> None:
        kind, _, name = call.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(name) or self.oauth.issued.get(name)
        if kind.lower() != "bearer" or not name:
            raise refusal(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        if token is None or (token.expires_at is not None and token.expires_at <= self.clock()):
            raise of_status(401)
        if token.scopes is not None and not {"api", "full"} & token.scopes:
            said = "This session is not valid for use with the REST API"
            raise refusal(403, "INVALID_SESSION_ID", said)

    def connecting(self) -> Json:
        id, secret = next(iter(self.oauth.services.items()), ("", ""))
        return {
            "secret": {"client_id": id, "client_secret": secret},
            "settings": {"instance_url": "https://acme.my.salesforce.com"},
        }

    def authorization_server(self) -> OAuth:
        return self.oauth

    def limit_headers(self, call: Call) -> Mapping[str, str]:
        daily = self.limits["daily"]
        if daily.calls is None:
            return {}
        used = daily.calls - (daily.left(self.clock()) or 0)
        return {"Sforce-Limit-Info": f"api-usage={used}/{daily.calls}"}

    def over_limit(self, name: str) -> Refusal:
        return of_status(403)

    def error(self, status: int) -> Refusal:
        return of_status(status)

    def truth(self, object: str, *, archived: bool = False) -> Iterable[Json]:
        for record in self.org.tables[object].latest.values():
            if record.get("IsDeleted", False) == archived:
                yield record

    def change(
        self, object: str, *, creates: int = 0, updates: int = 0, archives: int = 0
    ) -> dict[str, list[str]]:
        with self.lock:
            if object not in BOUGHT:
                raise KeyError(object)
            return self.org.change(object, creates, updates, archives)

    def live(self) -> None:
        chance = self.org.rng.random
        self.change("Contact", creates=1, updates=2)
        self.change("Opportunity", creates=int(chance() * 2), updates=2)
        if chance() < 0.3:
            self.change("Lead", creates=1, archives=1)

    def version(self) -> int:
        return self.org.version + self.oauth.made

    def state(self) -> Json:
        return {"org": self.org.state(), "oauth": self.oauth.state()}

    def resume(self, state: Json) -> None:
        self.org.resume(state["org"])
        self.oauth.resume(state["oauth"])

    def _told(self, grant: Grant) -> Json:
        return {
            "instance_url": self.url,
            "id": f"{HOST}/id/{ORG_ID}/{ADMIN}",
            "issued_at": str(int(self.clock() * 1000)),
            "signature": "sig=",
            "scope": " ".join(grant.scopes or ["full"]),
            "token_type": "Bearer",
        }


def asked_for(wanted: argparse.Namespace, *, empty: bool, **usual: Any) -> Salesforce:
    """The org that the command line wants."""
    return Salesforce(
        records=0 if empty else wanted.others,
        lag=wanted.search_lag,
        daily=None if wanted.unlimited else 100_000,
        services={"sandbox-service": "sandbox-service-secret"},
        **usual,
    )
