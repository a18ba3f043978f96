"""A fake Airtable: bases with tables of any fields, records, webhooks and OAuth over one account.

Faithful where it hurts: empty cells are missing from records, computed ones change in silence,
offsets expire, a base that was called too often refuses everything for half a minute, deletions are
told by webhooks alone, whose payloads are kept for a week.
"""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import Any

from sync_platform.sandbox import airtable_errors, airtable_life
from sync_platform.sandbox.airtable_bases import Base, Field, Table, Workspace
from sync_platform.sandbox.airtable_changes import Transaction
from sync_platform.sandbox.airtable_kinds import Checking
from sync_platform.sandbox.airtable_meta import Meta, scope_of
from sync_platform.sandbox.airtable_records import Records
from sync_platform.sandbox.airtable_shown import shown
from sync_platform.sandbox.calls import Call, Endpoint, Json, Refusal
from sync_platform.sandbox.consent import oauth_endpoints
from sync_platform.sandbox.limits import Bucket
from sync_platform.sandbox.oauth import Grant, OAuth, Token, Tokens, VendorAccount
from sync_platform.sandbox.vendor import Clock, Vendor

SIXTY_DAYS = 60 * 86_400.0


class Airtable(Vendor):
    """One person's Airtable account, over HTTP once it is served and in Python for its test.

    `per_base` and `per_token` are calls a second; who makes more waits for `penalty` seconds.
    """

    name = "airtable"

    def __init__(
        self,
        *,
        tokens: Tokens = ("sandbox-token",),
        records: int | None = None,
        lag: float = 0.0,
        offset_lasts: float = 300.0,
        per_base: int | None = None,
        per_token: int | None = None,
        penalty: float = 30.0,
        clock: Clock | None = None,
        seed: int = 7,
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-secret",
        redirect_uris: Sequence[str] | None = None,
    ) -> None:
        """Without a number of `records` there are no bases."""
        self.workspace = Workspace(lambda: self.clock(), seed)
        self.listing = Records(self.workspace, lag, offset_lasts)
        self.oauth = OAuth(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=redirect_uris,
            client_sent_in=("header",),
            lasts=3600.0,
            rotates=True,
            refresh_lasts=SIXTY_DAYS,
            choose="many",
            told=_told,
            clock=lambda: self.clock(),
            seed=seed,
        )
        self.per_base, self.penalty = per_base, penalty
        self.refused_until: dict[str, float] = {}  # by the limit's name
        month = Bucket(calls=None, seconds=30 * 86_400.0)  # set_limits gives it a number
        limits = {"token": Bucket(calls=per_token, seconds=1.0), "month": month}
        super().__init__(tokens=tokens, limits=limits, clock=clock)
        if records is not None:
            airtable_life.furnish(self.workspace, records)
            self._bases_are_accounts()

    # For tests: the account as its users see it ---------------------------------------------------

    def add_base(self, name: str, permission: str = "create") -> str:
        """A base in which the token's owner may do so much: read, comment, edit or create."""
        with self.lock:
            base = self.workspace.add_base(name, permission)
            self._bases_are_accounts()
            return base.id

    def add_table(self, base: str, name: str, **fields: str | tuple[str, Json]) -> str:
        """A table with these fields: their types, or those with options."""
        listed = [(it, *(of if isinstance(of, tuple) else (of, None))) for it, of in fields.items()]
        with self.lock:
            return self.workspace.add_table(self.workspace.bases[base], name, listed).id

    def add_field(self, table: str, name: str, type: str, options: Json | None = None) -> str:
        with self.lock:
            base, found = self.workspace.find(table)
            return self.workspace.add_field(base, found, name, type, options).id

    def rename_field(self, table: str, before: str, after: str) -> None:
        with self.lock:
            self._field(table, before).name = after

    def remove_field(self, table: str, name: str) -> None:
        with self.lock:
            found, field = self.workspace.find(table)[1], self._field(table, name)
            found.fields.remove(field)
            for record in (*found.records.values(), *found.trash.values()):
                record.cells.pop(field.id, None)

    def edit_formula(self, table: str, name: str, formula: str) -> None:
        """Compute a field otherwise from now on; no record counts as modified."""
        with self.lock:
            field = self._field(table, name)
            field.options = {**(field.options or {}), "formula": formula}
            self.workspace.changes += 1

    def rename_table(self, table: str, name: str) -> None:
        with self.lock:
            self.workspace.find(table)[1].name = name
            self.workspace.changes += 1

    def add(self, table: str, /, **cells: Any) -> str:
        """A new record; its cells by the fields' names, or `{"A name": value}` as `cells`."""
        with self.lock:
            doing, found = self._doing(table)
            record = doing.create(found, self._checked(found, cells))
            doing.commit()
            return record.id

    def add_many(self, table: str, count: int) -> list[str]:
        """Invented records, all in the same millisecond."""
        with self.lock:
            doing, found = self._doing(table)
            cells = (airtable_life.invented(self.workspace, found) for _ in range(count))
            made = [doing.create(found, each) for each in cells]
            doing.commit()
            return [record.id for record in made]

    def edit(self, table: str, id: str, /, **cells: Any) -> None:
        with self.lock:
            doing, found = self._doing(table)
            doing.edit(found, found.records[id], self._checked(found, cells))
            doing.commit()

    def delete(self, table: str, *ids: str) -> None:
        with self.lock:
            doing, found = self._doing(table)
            for id in ids:
                doing.delete(found, found.records[id])
            doing.commit()

    def restore(self, table: str, id: str) -> None:
        """Back from the trash."""
        with self.lock:
            doing, found = self._doing(table)
            doing.restore(found, id)
            doing.commit()

    def hide(self, table: str, view: str, *ids: str) -> None:
        """A view without these records."""
        with self.lock:
            found = self.workspace.find(table)[1]
            made = self.workspace.id("viw")
            found.views[made], found.hidden[made] = view, list(ids)

    def records(self, table: str) -> dict[str, Json]:
        """The truth: the cells of every live record by the fields' names, by id."""
        with self.lock:
            found = self.workspace.find(table)[1]
            there = found.records
            return {id: shown(self.workspace, found, it)["fields"] for id, it in there.items()}

    def forget_offsets(self) -> None:
        """Every offset that was given expires."""
        with self.lock:
            self.listing.forget()

    def revoke(self) -> None:
        """End everything that OAuth gave, as when a person removes the integration."""
        with self.lock:
            self.oauth.revoke()

    # What a vendor fills in -----------------------------------------------------------------------

    def endpoints(self) -> Sequence[Endpoint]:
        oauth = oauth_endpoints(
            self.oauth,
            label="Airtable",
            url=lambda: self.url,
            authorize="/oauth2/v1/authorize",
            token="/oauth2/v1/token",
            refused=airtable_errors.token_refused,
        )
        return (*oauth, *Meta(self.workspace, self._token).endpoints(), *self.listing.endpoints())

    def check_token(self, call: Call) -> None:
        token = self._token(call)
        scope, base = scope_of(call), call.places.get("base")
        unseen = base is not None and token.accounts and base not in token.accounts
        if unseen or (scope is not None and not token.allows(scope)):
            raise airtable_errors.not_permitted()
        for name in self.limits_for(call):
            if self.clock() < self.refused_until.get(name, 0.0):
                raise airtable_errors.over_limit()

    def _token(self, call: Call) -> Token:
        kind, _, name = call.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(name) or self.oauth.issued.get(name)
        if kind.lower() != "bearer" or token is None:
            raise airtable_errors.not_authenticated()
        if token.expires_at is not None and token.expires_at <= self.clock():
            raise airtable_errors.not_authenticated()
        return token

    def connecting(self) -> Json:
        return {**super().connecting(), "settings": {"bases": ",".join(self.workspace.bases)}}

    def authorization_server(self) -> OAuth:
        return self.oauth

    def limits_for(self, call: Call) -> Sequence[str]:
        base = call.places.get("base")
        if base is None or self.per_base is None:
            return ("month", "token")
        name = f"base {base}"
        self.limits.setdefault(name, Bucket(calls=self.per_base, seconds=1.0))
        return ("month", "token", name)

    def over_limit(self, name: str) -> Refusal:
        if name == "month":
            return airtable_errors.month_used_up()
        self.refused_until[name] = self.clock() + self.penalty
        return airtable_errors.over_limit()

    def error(self, status: int) -> Refusal:
        return airtable_errors.of_status(status)

    def truth(self, object: str, *, archived: bool = False) -> Iterable[Json]:
        """As the API gives records, with cells by the fields' ids."""
        table = self.workspace.find(object)[1]
        for record in (table.trash if archived else table.records).values():
            yield shown(self.workspace, table, record, by_id=True)

    def change(
        self, object: str, *, creates: int = 0, updates: int = 0, archives: int = 0
    ) -> dict[str, list[str]]:
        with self.lock:
            base, table = self.workspace.find(object)
            return airtable_life.change(self.workspace, base, table, creates, updates, archives)

    def live(self) -> None:
        with self.lock:
            airtable_life.live(self.workspace)

    def version(self) -> int:
        return self.workspace.changes + self.oauth.made

    def state(self) -> Json:
        return {"workspace": self.workspace.state(), "oauth": self.oauth.state()}

    def resume(self, state: Json) -> None:
        self.workspace.resume(state["workspace"])
        self.oauth.resume(state["oauth"])
        self._bases_are_accounts()

    def _bases_are_accounts(self) -> None:
        """On the consent page a person chooses bases."""
        bases = self.workspace.bases.values()
        self.oauth.accounts = [VendorAccount(it.id, it.name) for it in bases]

    def _doing(self, table: str) -> tuple[Transaction, Table]:
        base, found = self.workspace.find(table)
        return Transaction(self.workspace, base, source="client"), found

    def _checked(self, table: Table, cells: Json) -> dict[str, Any]:
        return Checking(self.workspace, typecast=True).cells(table, cells)

    def _field(self, table: str, name: str) -> Field:
        field = self.workspace.find(table)[1].field(name)
        if field is None:
            raise KeyError(name)
        return field

    def base(self, name: str) -> Base:
        return next(it for it in self.workspace.bases.values() if it.name == name)


def _told(grant: Grant) -> Json:
    return {"scope": " ".join(grant.scopes or ()), "refresh_expires_in": int(SIXTY_DAYS)}


def asked_for(wanted: Namespace, *, empty: bool, **usual: Any) -> Airtable:
    """The account that a command line asks for; `--others` is its number of tasks."""
    return Airtable(
        records=None if empty else wanted.others,
        lag=wanted.search_lag,
        per_base=None if wanted.unlimited else 5,
        per_token=None if wanted.unlimited else 50,
        **usual,
    )
