"""A connector beside its sandbox vendor and a real Postgres: what every behaviour is tried on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from sync_platform.demo.compare import differences
from sync_platform.engine import outbound
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.outbound import Written
from sync_platform.engine.ports import Clock, ObjectChoice, Secret
from sync_platform.engine.results import Counts, SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox.oauth import OAuth
from sync_platform.sandbox.vendor import Vendor
from sync_platform.spec import ConnectorObject, Field, OutboundChange
from sync_platform_tests.person import Person

CONNECTION = "under-test"
HERE, BROWSER = "http://127.0.0.1:8000/connect/callback", "a-cookie-that-nobody-else-has"
HOUR = timedelta(hours=1)
V = TypeVar("V", bound=Vendor)


@dataclass(frozen=True, kw_only=True)
class Vouched:
    """What the kit must know of one connector beyond its declaration.

    `vendor` makes an empty sandbox, without call limits; `limited` the same with its limits.
    `not_offered` says, by the names of behaviours, why the vendor does not have them: in the words
    of the scorecard. `gaps` is what the connector does not do though the vendor could.
    """

    connector: str
    vendor: Callable[[], Vendor]
    object: str  # what most behaviours are tried on
    page: int  # records on a full page of it
    secret: Mapping[str, Any] = field(default_factory=lambda: {"token": "sandbox-token"})
    settings: Mapping[str, str] = field(default_factory=dict)
    limited: Callable[[], Vendor] | None = None
    others_call: Callable[[Any], None] | None = None  # others use up all but a few of the calls
    tick: timedelta = timedelta(seconds=1)  # how finely the vendor's times are told apart
    objects: Sequence[str] = ()  # to connect with; the object alone where there are none
    after_connecting: Callable[[Any], None] = lambda vendor: None
    reads: str = "*"  # the paths of calls that read the object, for faults
    writes: Mapping[str, Any] = field(default_factory=dict)  # of a new record
    rewrites: Mapping[str, Any] = field(default_factory=dict)  # of an edited one
    refused: Mapping[str, Any] | None = None  # what the vendor will not take in a new record
    cap: Callable[[Any], None] | None = None  # bring the vendor past a cap of its
    tie: Callable[[Any], None] | None = None  # change several records in one moment
    lag: Callable[[Any], None] | None = None  # let changes show late
    settled: Callable[[Any], None] | None = None  # let everything show
    vanish: Callable[[Any, str], None] | None = None  # a record goes, and nothing tells of it
    restore: Callable[[Any, str], None] | None = None  # a deleted record comes back
    weird: Callable[[Any, str], None] | None = None  # a record whose text is this
    weird_column: str = ""
    new_field: Callable[[Any], str] | None = None  # adds a field; its column's name
    rename_field: Callable[[Any], tuple[str, str]] | None = None  # columns before and after
    drop_field: Callable[[Any], str] | None = None  # its column's name
    fill_field: Callable[[Any], Any] = lambda vendor: None  # a record with a value in that field
    revoke: Callable[[Any], None] | None = None  # the token or key is not accepted any more
    forbid: Callable[[Any], None] | None = None  # the account may not read the object
    not_offered: Mapping[str, str] = field(default_factory=dict)
    gaps: Sequence[str] = ()


@dataclass(kw_only=True)
class Stage:
    """One connection of the connector to its sandbox."""

    it: Vouched
    vendor: Any
    platform: Platform
    clock: Clock

    def connect(self, **changed: Any) -> None:
        """Connect; the rate limits of the declaration count unless `it` says otherwise."""
        given: dict[str, Any] = {
            "base_url": self.vendor.url,
            "settings": dict(self.it.settings),
            "objects": list(self.it.objects) or [self.it.object],
        }
        secret = changed.pop("secret", self.it.secret)
        self.platform.connect(self.it.connector, CONNECTION, Secret(secret), **given | changed)
        self.it.after_connecting(self.vendor)

    def sign_in(self, *, again: bool = False) -> None:
        """Connect through the vendor's consent page; `again` the connection that there is."""
        connecting = self.platform.connecting
        begun = connecting.begin(
            self.it.connector,
            redirect_uri=HERE,
            browser=BROWSER,
            connection=CONNECTION,
            base_url=self.vendor.url,
            settings=self.it.settings,
            writing=True,
            again=again,
        )
        sign_in = connecting.finish(Person().allows(begun.url), browser=BROWSER)
        objects = [ObjectChoice(object=name) for name in self.it.objects or [self.it.object]]
        connecting.complete(sign_in.id, browser=BROWSER, objects=objects)

    def synced(self) -> None:
        """Connect, with ten records that are in the table."""
        self.connect()
        self.change(creates=10)
        self.let_show()
        self.incremental()

    def let_show(self) -> None:
        """Wait until the vendor shows all that was changed."""
        if self.it.settled is not None:
            self.it.settled(self.vendor)

    @property
    def oauth(self) -> OAuth:
        """The vendor's authorization server."""
        server = self.vendor.authorization_server()
        assert isinstance(server, OAuth)
        return server

    def expire(self) -> None:
        """End every access token that the vendor gave."""
        with self.vendor.lock:
            self.oauth.expire(self.vendor.clock())

    @property
    def kept(self) -> Mapping[str, Any]:
        """The connection's secret, as it is stored."""
        return self.platform.credentials.read(CONNECTION)

    @property
    def fields(self) -> Sequence[Field]:
        """The object's fields, as they were last found."""
        return self.platform.catalogs.fields(self.target) or ()

    @property
    def obj(self) -> ConnectorObject:
        """The object under test, as its connection has it."""
        connection = self.platform.connection(CONNECTION)
        return self.platform.connector_of(connection)[self.it.object]

    @property
    def target(self) -> Target:
        return Target(CONNECTION, self.it.object)

    def sync(self, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> SyncResult:
        """Run one sync; automatic ones are nobody's."""
        request = SyncRequest(target=self.target, mode=mode, **asked)
        return self.platform.sync(request).run(into=self.platform.destination)

    def incremental(self) -> Counts:
        return self.sync().counts

    def full(self, **asked: Any) -> Counts:
        return self.sync(SyncMode.FULL, **asked).counts

    def since(self, moment: datetime, until: datetime | None = None) -> Counts:
        return self.sync(SyncMode.FROM_DATE, window=SyncWindow(moment, until)).counts

    def change(self, creates: int = 0, updates: int = 0, archives: int = 0) -> dict[str, list[str]]:
        """Change records at the vendor, at random; the ids of what was created and so on."""
        made: dict[str, list[str]] = self.vendor.change(
            self.it.object, creates=creates, updates=updates, archives=archives
        )
        return made

    def vanish(self, ids: Sequence[str]) -> None:
        """Let records go without the vendor's word; where it has none for any, delete as many."""
        if self.it.vanish is None:
            assert not self.obj.sees_deletes, "say how a record goes without the vendor's word"
            self.change(archives=len(ids))
            return
        with self.vendor.lock:
            for id in ids:
                self.it.vanish(self.vendor, id)

    def created_at(self, moment: datetime) -> str:
        """The id of a record that was created then, and not changed since."""
        present, self.vendor.clock = self.vendor.clock, moment.timestamp
        try:
            return self.change(creates=1)["created"][0]
        finally:
            self.vendor.clock = present

    def while_reading(self, happens: Callable[[], Any], *, page: int = 1, times: int = 1) -> None:
        """Let something happen just before the vendor answers with that page of the next read (the
        first is 1), and so often in all: again with each page after it."""
        before, left = self._reads + page - 1, times

        def meanwhile() -> None:
            nonlocal before, left
            if left and self._reads > before:
                before, left = self._reads, left - 1
                happens()

        self.vendor.meanwhile = meanwhile

    @property
    def _reads(self) -> int:
        asked = self.vendor.calls.items()
        return sum(calls for (_, path), calls in asked if fnmatchcase(path, self.it.reads))

    @property
    def differences(self) -> list[str]:
        """What differs between the table and the vendor's records, value by value."""
        return list(differences(self.platform, self.vendor.url, self.target))

    @property
    def truth(self) -> int:
        """How many records the vendor has."""
        return len(list(self.vendor.truth(self.it.object)))

    @property
    def keys(self) -> set[str]:
        """The keys of the live rows."""
        table = self.platform.table(self.platform.connection(CONNECTION), self.obj)
        key = self.platform.destination.column_names(table)[self.obj.keys[0]]
        return {str(row[key]) for row in self.rows()}

    def rows(self, *, deleted: bool = False) -> list[dict[str, Any]]:
        """The live rows, or those that are marked as deleted."""
        connection = self.platform.connection(CONNECTION)
        table = self.platform.table(connection, self.obj)
        name = self.platform.destination.table_name(table) or table.name
        where = "IS NOT NULL" if deleted else "IS NULL"
        query = sql.SQL("SELECT * FROM {} WHERE _deleted_at " + where + " ORDER BY 1").format(
            sql.Identifier(table.schema, name)
        )
        with psycopg.connect(self.platform.database_url, row_factory=dict_row) as postgres:
            return postgres.execute(query).fetchall()

    def age(self) -> None:
        """Make the rows look as old as yesterday's: a full sync spares those that were written
        within the object's look-back, which its list may not show yet."""
        connection = self.platform.connection(CONNECTION)
        table = self.platform.table(connection, self.obj)
        name = self.platform.destination.table_name(table) or table.name
        query = sql.SQL("UPDATE {} SET _synced_at = _synced_at - interval '1 day'").format(
            sql.Identifier(table.schema, name)
        )
        with psycopg.connect(self.platform.database_url) as postgres:
            postgres.execute(query)

    @property
    def calls(self) -> int:
        """How many calls the vendor has had."""
        total: int = self.vendor.calls.total()
        return total

    @property
    def refusals(self) -> int:
        """How many calls the vendor refused as too many, whichever status it gives them."""
        return int(self.vendor.statuses[429] + self.vendor.statuses[403])

    def check(self, times: int) -> None:
        """Make the connector's cheapest call so often, as fast as its limits allow."""
        check = self.platform.connector(self.it.connector).check
        api = self.platform.api(self.platform.connection(CONNECTION))
        try:
            for _ in range(times):
                _ = check(api) if callable(check) else api.send(check)
        finally:
            api.close()

    def push(self, change: OutboundChange) -> Written:
        """Carry out a declared change."""
        api = self.platform.api(self.platform.connection(CONNECTION))
        try:
            return outbound.write(api, self.obj, self.fields, change)
        finally:
            api.close()


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)
