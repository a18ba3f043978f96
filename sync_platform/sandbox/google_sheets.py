"""A fake Google Sheets: spreadsheets, their cells, and Google's OAuth and service accounts.

Faithful where it hurts: nothing tells when a row changed, rows have no identity, empty cells at the
end are left out, dates are serial numbers by the spreadsheet's own clock, errors are texts, ranges
beyond the grid are refused, and a 429 says nothing of when to come back.
"""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sync_platform.sandbox import google_sheets_errors as errors
from sync_platform.sandbox import google_sheets_people as people
from sync_platform.sandbox.assertions import key_pair
from sync_platform.sandbox.calls import Call, Endpoint, Json, Refusal
from sync_platform.sandbox.consent import oauth_endpoints
from sync_platform.sandbox.google_sheets_api import Service
from sync_platform.sandbox.google_sheets_book import Spreadsheet, Tab, known_as, resumed
from sync_platform.sandbox.limits import Bucket
from sync_platform.sandbox.oauth import OAuth, Tokens, VendorAccount
from sync_platform.sandbox.vendor import Clock, Vendor

WRITE = "https://www.googleapis.com/auth/spreadsheets"
READ = f"{WRITE}.readonly"
TOKEN = "https://oauth2.googleapis.com"  # what assertions are for, wherever this is served
PLAN = "1AcmePlanSandbox0000000000000000000000000001"

ROBOT = "robot@acme.iam.example"  # a service account that the sheets are shared with


class GoogleSheets(Vendor):
    """Spreadsheets that one person may see, over HTTP once it is served.

    `service_accounts` are public keys (PEM) by the accounts' addresses. `reads` are the calls that
    are answered in a minute, reads and writes together.
    """

    name = "google_sheets"

    def __init__(
        self,
        *,
        tokens: Tokens = ("sandbox-token",),
        people: int = 0,
        reads: int | None = None,
        service_accounts: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        seed: int = 7,
        client_id: str = "sandbox-client.apps.googleusercontent.com",
        client_secret: str = "GOCSPX-sandbox-secret",
        redirect_uris: Sequence[str] | None = None,
    ) -> None:
        self.spreadsheets: dict[str, Spreadsheet] = {}
        self.changes = 0
        self.switched_off = False
        self.robot_key = ""  # of the service account, where a command line made one
        self.oauth = OAuth(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=redirect_uris,
            lasts=3599.0,
            accounts=(VendorAccount("ada@acme.example", "Ada Lovelace"),),
            told=lambda grant: {"scope": " ".join(grant.scopes or [WRITE])},
            service_accounts=dict(service_accounts or {}),
            clock=lambda: self.clock(),
            seed=seed,
        )
        super().__init__(
            tokens=tokens, limits={"reads": Bucket(calls=reads, seconds=60.0)}, clock=clock
        )
        self.crowd = _crowd(seed)
        self.plan = self.add_spreadsheet(PLAN, "Acme plan")
        self.crowd.fill(self.plan, people)

    # For tests: the files as their owner sees them ----------------------------------------------

    def add_spreadsheet(self, id: str, title: str, zone: str = "Europe/Berlin") -> Spreadsheet:
        with self.lock:
            self.spreadsheets[id] = Spreadsheet(id=id, title=title, zone=zone)
            return self.spreadsheets[id]

    def tab(self, object: str) -> tuple[Spreadsheet, Tab]:
        """The tab that is known by this name, and its spreadsheet; raises KeyError."""
        for it in self.spreadsheets.values():
            for tab in it.tabs:
                if known_as(tab.title) == object:
                    return it, tab
        raise KeyError(object)

    def revoke(self) -> None:
        """End all sign-ins and delete the keys of all service accounts."""
        with self.lock:
            self.oauth.revoke()
            self.oauth.service_accounts = {}
            self.tokens.clear()

    # What a vendor fills in ---------------------------------------------------------------------

    def endpoints(self) -> Sequence[Endpoint]:
        service = Service(self._opened, self._changed)
        return (
            *service.endpoints(),
            *oauth_endpoints(
                self.oauth,
                label="Google",
                url=lambda: TOKEN,
                authorize="/o/oauth2/v2/auth",
                token="/token",
                revoke="/revoke",
            ),
        )

    def check_token(self, call: Call) -> None:
        name = call.headers.get("authorization", "").partition(" ")[2]
        token = self.tokens.get(name) or self.oauth.issued.get(name)
        if token is None or (token.expires_at is not None and token.expires_at <= self.clock()):
            raise errors.no_credentials()
        if self.switched_off:
            raise errors.switched_off()
        writes = call.path.endswith((":append", ":batchUpdate")) or call.method == "PUT"
        if not (token.allows(WRITE) or (token.allows(READ) and not writes)):
            raise errors.too_few_scopes()

    def connecting(self) -> Json:
        secret = {"client_email": ROBOT, "private_key": self.robot_key}
        return {"secret": secret, "settings": {"spreadsheet_ids": PLAN}}

    def authorization_server(self) -> OAuth:
        return self.oauth

    def over_limit(self, name: str) -> Refusal:
        return errors.over_limit()

    def error(self, status: int) -> Refusal:
        if status == 429:
            return errors.over_limit()
        if status == 403:
            return errors.not_shared()
        if status == 401:
            return errors.no_credentials()
        return errors.refusal(status, errors.WORDS.get(status, "An error occurred."))

    def truth(self, object: str, *, archived: bool = False) -> Iterable[Json]:
        it, tab = self.tab(object)
        if not archived:
            yield from tab.records(it.zone)

    def change(
        self, object: str, *, creates: int = 0, updates: int = 0, archives: int = 0
    ) -> dict[str, list[str]]:
        with self.lock:
            self.changes += 1
            return self.crowd.change(self.tab(object)[1], creates, updates, archives)

    def live(self) -> None:
        self.change("people", creates=1, updates=3)
        if self.crowd.rng.random() < 0.3:
            self.change("people", archives=1)

    def version(self) -> int:
        return self.changes + self.oauth.made

    def state(self) -> Json:
        files = [it.state() for it in self.spreadsheets.values()]
        return {"files": files, "made": self.crowd.made, "oauth": self.oauth.state()}

    def resume(self, state: Json) -> None:
        self.spreadsheets = {each["id"]: resumed(each) for each in state["files"]}
        self.plan, self.crowd.made = self.spreadsheets[PLAN], state["made"]
        self.oauth.resume(state["oauth"])

    def _opened(self, call: Call) -> Spreadsheet:
        it = self.spreadsheets.get(call.places["id"])
        if it is None or it.gone:
            raise errors.refusal(404, errors.WORDS[404])
        name = call.headers.get("authorization", "").partition(" ")[2]
        token: Any = self.oauth.issued.get(name)
        who = token.chain.removeprefix("service ") if token else ""
        if it.readers is not None and who not in it.readers:
            raise errors.not_shared()
        return it

    def _changed(self) -> None:
        self.changes += 1


def _crowd(seed: int) -> people.Crowd:
    return people.Crowd(seed)


def asked_for(wanted: Namespace, *, empty: bool, **usual: Any) -> GoogleSheets:
    """The spreadsheets that a command line asks for; `--others` is the number of people in one."""
    private, public = key_pair()
    made = GoogleSheets(
        people=0 if empty else wanted.others,
        reads=None if wanted.unlimited else 60,
        service_accounts={ROBOT: public},
        **usual,
    )
    made.robot_key = private
    return made
