"""A fake Xero: the accounting API, its connections and OAuth, over two organisations.

Faithful where it hurts: one token opens several organisations and each call must name one, refresh
tokens change with each use, moments are `/Date(...)/`, lists without a page have no lines, a
deletion is a status (except of items), and the sixth call at the same time is refused.

Not of the vendor's description, but from memory: how long an Idempotency-Key is remembered, which
deleted and archived records lists leave out, and the bodies of errors other than validation's.
"""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sync_platform.sandbox import xero_errors, xero_people
from sync_platform.sandbox.calls import Call, Endpoint, Json, Refusal, answer, refused
from sync_platform.sandbox.consent import oauth_endpoints
from sync_platform.sandbox.limits import Bucket
from sync_platform.sandbox.oauth import OAuth, Token, Tokens, VendorAccount
from sync_platform.sandbox.vendor import Clock, Vendor
from sync_platform.sandbox.xero_api import Books, connections
from sync_platform.sandbox.xero_kinds import KINDS, scopes_for
from sync_platform.sandbox.xero_org import Organisation

TENANTS = (
    VendorAccount("fe79f7dd-b6d4-4a92-ba7b-538af6289c58", "Acme Ltd (NZ)"),
    VendorAccount("70784a63-d24b-46a9-a4db-0e70a274b056", "Maple Florist"),
)
MINUTE, A_DAY, SIXTY_DAYS = 60.0, 86_400.0, 60 * 86_400.0


class Xero(Vendor):
    """One login at Xero, over HTTP once it is served and in Python for its test.

    Methods that name no tenant mean the first one.
    """

    name = "xero"

    def __init__(
        self,
        *,
        tokens: Tokens = ("sandbox-token",),
        contacts: int = 0,
        others: int = 0,
        minute: int | None = None,
        day: int | None = None,
        at_once: int | None = 5,
        clock: Clock | None = None,
        seed: int = 7,
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-secret",
        redirect_uris: Sequence[str] | None = None,
    ) -> None:
        self.organisations = {
            it.id: Organisation(it.id, it.name, clock=lambda: self.clock(), seed=seed)
            for it in TENANTS
        }
        self.at_once = at_once  # how many calls may be under way at the same time
        self.under_way = 0
        self.forbidden: set[str] = set()  # kinds that no token may touch
        self.oauth = OAuth(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=redirect_uris,
            accounts=TENANTS,
            choose="many",
            rotates=True,
            refresh_lasts=SIXTY_DAYS,
            services={"custom-client": "custom-secret"},  # a custom connection, to the first
            clock=lambda: self.clock(),
            seed=seed,
        )
        self.books = Books(of=self._organisation)
        limits = {}
        for place in range(len(TENANTS)):  # each tenant has limits of its own
            after = f"_{place + 1}" if place else ""
            limits[f"minute{after}"] = Bucket(calls=minute, seconds=MINUTE)
            limits[f"day{after}"] = Bucket(calls=day, seconds=A_DAY)
        super().__init__(tokens=tokens, limits=limits, clock=clock)
        for org in self.organisations.values():
            xero_people.furnish(org)
        xero_people.fill(self.organisation(), contacts, others)

    # For tests: the account as its users see it ---------------------------------------------------

    def organisation(self, tenant: str = "") -> Organisation:
        return self.organisations[tenant or TENANTS[0].id]

    def add(self, object: str, tenant: str = "", **values: object) -> str:
        """A record as it is given, without any rule; its id."""
        with self.lock:
            return str(self.organisation(tenant).add(object, values)[KINDS[object].key])

    def create(self, object: str, tenant: str = "", **values: object) -> str:
        """A record by Xero's rules; its id."""
        with self.lock:
            return str(self.organisation(tenant).create(object, values)[KINDS[object].key])

    def add_many(self, object: str, count: int) -> list[str]:
        """Invented records."""
        with self.lock:
            org, key = self.organisation(), KINDS[object].key
            return [str(xero_people.invent(org, object)[key]) for _ in range(count)]

    def edit(self, object: str, id: str, **values: object) -> None:
        """Change a record without any rule; it counts as modified now."""
        with self.lock:
            org = self.organisation()
            org.touch(object, org.get(object, id), **values)

    def remove(self, object: str, id: str) -> None:
        """Delete a record as its kind is deleted."""
        with self.lock:
            xero_people.end(self.organisation(), object, id)

    def records(self, object: str, tenant: str = "") -> dict[str, Json]:
        """The truth: every record that counts, by its key."""
        with self.lock:
            live = self.organisation(tenant).live(object)
            return {str(record[KINDS[object].key]): dict(record) for record in live}

    def expire_tokens(self) -> None:
        """End every access token that OAuth issued so far."""
        with self.lock:
            self.oauth.expire(self.clock())

    def revoke(self) -> None:
        """End everything that OAuth gave, and the custom connection."""
        with self.lock:
            self.oauth.revoke()
            self.oauth.services = {}

    # What a vendor fills in -----------------------------------------------------------------------

    def endpoints(self) -> Sequence[Endpoint]:
        return (
            *oauth_endpoints(
                self.oauth,
                label="Xero",
                url=lambda: self.url,
                authorize="/identity/connect/authorize",
                token="/connect/token",
                revoke="/connect/revocation",
            ),
            Endpoint("GET", "/connections", self._connections),
            *self.books.endpoints(),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses what comes while as many calls as are allowed are under way."""
        if scope["type"] != "http" or not scope["path"].startswith("/api.xro/"):
            await super().__call__(scope, receive, send)
            return
        self.under_way += 1
        try:
            if self.at_once is not None and self.under_way > self.at_once:
                self.statuses[429] += 1
                await refused(xero_errors.over_limit("concurrent", 0.0))(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        finally:
            self.under_way -= 1

    def check_token(self, call: Call) -> None:
        token = self._token(call)
        if token.expires_at is not None and token.expires_at <= self.clock():
            raise xero_errors.expired(token.expires_at)
        if call.path == "/connections":
            return
        tenant = call.headers.get("xero-tenant-id", "")
        if tenant not in self.organisations or (token.accounts and tenant not in token.accounts):
            raise xero_errors.foreign_tenant()
        name = next(each for each, kind in KINDS.items() if kind.path == call.path.split("/")[3])
        enough = scopes_for(KINDS[name], reads=call.method == "GET")
        if name in self.forbidden or not any(token.allows(each) for each in enough):
            raise xero_errors.missing_scope()

    def connecting(self) -> Json:
        return {
            "secret": {"client_id": "custom-client", "client_secret": "custom-secret"},
            "settings": {},
        }

    def authorization_server(self) -> OAuth:
        return self.oauth

    def limits_for(self, call: Call) -> Sequence[str]:
        tenant = call.headers.get("xero-tenant-id", "")
        if call.path == "/connections" or tenant not in self.organisations:
            return ()
        place = [it.id for it in TENANTS].index(tenant)
        return tuple(self.limits)[2 * place : 2 * place + 2]

    def limit_headers(self, call: Call) -> Mapping[str, str]:
        now, headers = self.clock(), {}
        for name in self.limits_for(call):
            left = self.limits[name].left(now)
            if left is not None:
                kind = "Day" if name.startswith("day") else "Min"
                headers[f"X-{kind}Limit-Remaining"] = str(left)
        return headers

    def over_limit(self, name: str) -> Refusal:
        bucket = self.limits[name]
        oldest = bucket.taken[0] if bucket.taken else self.clock()
        return xero_errors.over_limit(
            name.partition("_")[0], oldest + bucket.seconds - self.clock()
        )

    def error(self, status: int) -> Refusal:
        if status == 429:
            return xero_errors.over_limit("minute", 1.0)
        return xero_errors.not_found() if status == 404 else xero_errors.problem(status)

    def truth(self, object: str, *, archived: bool = False) -> Iterable[Json]:
        """With `id`, which no record of Xero has."""
        kind, org = KINDS[object], self.organisation()
        for record in org.records[object].values():
            if (record.get(kind.status) in kind.gone) == archived:
                yield {"id": record[kind.key], **record}

    def change(
        self, object: str, *, creates: int = 0, updates: int = 0, archives: int = 0
    ) -> dict[str, list[str]]:
        with self.lock:
            org, kind = self.organisation(), KINDS[object]
            before = [
                str(record[kind.key])
                for record in org.live(object)
                if not archives or xero_people.endable(kind, record)
            ]
            chosen = org.rng.sample(before, min(len(before), updates + archives))
            edited, ended = chosen[:updates], chosen[updates:]
            for id in edited:
                xero_people.edit(org, object, id)
            for id in ended:
                xero_people.end(org, object, id)
            made = self.add_many(object, creates)
        return {"created": made, "updated": edited, "archived": ended}

    def live(self) -> None:
        chance = self.organisation().rng.random
        self.change("invoices", creates=1, updates=1 + int(chance() * 2))
        self.change("contacts", creates=int(chance() * 2), updates=1)
        if chance() < 0.5:
            self.change("payments", creates=1)
        if chance() < 0.3:
            self.change("invoices", archives=1)

    def version(self) -> int:
        return sum(org.version for org in self.organisations.values()) + self.oauth.made

    def state(self) -> Json:
        orgs = {tenant: org.state() for tenant, org in self.organisations.items()}
        return {"organisations": orgs, "oauth": self.oauth.state()}

    def resume(self, state: Json) -> None:
        for tenant, kept in state["organisations"].items():
            self.organisations[tenant].resume(kept)
        self.oauth.resume(state["oauth"])

    def _token(self, call: Call) -> Token:
        kind, _, name = call.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(name) or self.oauth.issued.get(name)
        if kind.lower() != "bearer" or token is None:
            raise xero_errors.no_credentials()
        return token

    def _organisation(self, call: Call) -> Organisation:
        return self.organisations[call.headers["xero-tenant-id"]]

    def _connections(self, call: Call) -> Response:
        opened = self._token(call).accounts
        return answer(connections([it for it in TENANTS if not opened or it.id in opened]))


def asked_for(wanted: Namespace, *, empty: bool, **usual: Any) -> Xero:
    """The account that a command line asks for."""
    allowed: dict[str, int | None] = {"minute": 60, "day": 5000}
    return Xero(
        contacts=0 if empty else wanted.contacts,
        others=0 if empty else wanted.others,
        **(dict.fromkeys(allowed) if wanted.unlimited else allowed),
        **usual,
    )
