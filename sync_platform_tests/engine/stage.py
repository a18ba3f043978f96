"""What a sync needs, set up once: a vendor that is a dictionary, the ports in memory, and a clock
that a test turns by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sync_platform.engine.destination import Table
from sync_platform.engine.fields import Found
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import Sync, SyncRequest
from sync_platform.errors import VendorUnavailable
from sync_platform.spec import (
    ConnectorObject,
    Field,
    Json,
    Read,
    Request,
    get,
    iso,
    keyset_pages,
    moment,
)
from sync_platform_tests.fakes import NOON, FakeClock
from sync_platform_tests.memory import (
    Answer,
    MemoryApi,
    MemoryCursors,
    MemoryDestination,
    MemoryHistory,
    MemoryLeases,
    MemoryTable,
)

WHOLE = SyncWindow()
CONTACTS = Target("acme", "contacts")
TABLE = Table(schema="acme", name="contacts", keys=("id",), connection="acme", label="contacts")
FIELDS = (Field("id"), Field("name"), Field("updated", "timestamp"))


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def contacts(**slots: Any) -> ConnectorObject:
    """Contacts, paged by id; without `deletes` unless they are asked for."""
    read = get("/contacts", records="results", pages=keyset_pages("id"))
    declared: dict[str, Any] = {"name": "contacts", "fields": FIELDS, "cursor": "updated"}
    return ConnectorObject(**{**declared, "read": read, **slots})


DELETES = get("/gone", records="results", pages=keyset_pages("id"))


class SmallVendor:
    """Holds contacts and tells them by id, `limit` a page. `before` is called with each call's
    number, and may raise or change things."""

    def __init__(self, *, limit: int = 2) -> None:
        self.limit = limit
        self.knows_until = True
        self.records: dict[int, dict[str, Any]] = {}
        self.gone: dict[int, datetime] = {}
        self.before: Callable[[int], None] = lambda call: None
        self.reads: list[tuple[str, Read]] = []

    def put(self, id: int, minutes: float, name: str = "") -> None:
        """Create or edit a contact, so many minutes after noon."""
        self.records[id] = {"id": id, "name": name or f"contact {id}", "updated": iso(at(minutes))}

    def delete(self, id: int, minutes: float) -> None:
        """Delete a contact, so many minutes after noon."""
        del self.records[id]
        self.gone[id] = at(minutes)

    def answer(self, request: Request, asked: object) -> Json:
        assert isinstance(asked, Read)
        self.reads.append((request.path, asked))
        self.before(len(self.reads))
        if request.path == "/gone":
            found = [
                {"id": id} for id, when in sorted(self.gone.items()) if self._within(when, asked)
            ]
        else:
            found = [
                record
                for _, record in sorted(self.records.items())
                if self._within(moment(record["updated"]), asked)
            ]
        after = int(asked.after) if asked.after is not None else -1
        return {"results": [record for record in found if record["id"] > after][: self.limit]}

    def _within(self, when: datetime, asked: Read) -> bool:
        late_enough = asked.since is None or when >= asked.since
        return late_enough and (asked.until is None or not self.knows_until or when < asked.until)

    @property
    def windows(self) -> list[SyncWindow]:
        """The windows that contacts were asked for, one after the other, each once."""
        asked = [SyncWindow(read.since, read.until) for path, read in self.reads]
        return [it for n, it in enumerate(asked) if n == 0 or it != asked[n - 1]]


@dataclass
class Stage:
    """A connection whose contacts can be synced; every attribute may be replaced."""

    vendor: SmallVendor = field(default_factory=SmallVendor)
    clock: FakeClock = field(default_factory=FakeClock)
    obj: ConnectorObject = field(default_factory=contacts)
    fields: tuple[Field, ...] = FIELDS
    filters: Mapping[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)  # of Sync

    def __post_init__(self) -> None:
        self.answer: Answer = self.vendor.answer
        self.destination = MemoryDestination(self.clock)
        self.cursors = MemoryCursors()
        self.history = MemoryHistory(self.clock)
        self.leases = MemoryLeases()
        self.apis: list[MemoryApi] = []
        self.told: list[str] = []

    def plan(self, mode: SyncMode, window: SyncWindow = WHOLE, **asked: Any) -> Sync:
        """A sync that has not run; commits after every page unless `options` say otherwise."""
        request = SyncRequest(target=CONTACTS, mode=mode, window=window, **asked)
        plan: dict[str, Any] = {
            "request": request,
            "obj": self.obj,
            "table": TABLE,
            "settings": {},
            "filters": self.filters,
            "open_api": self._open_api,
            "find_fields": lambda api, anew: Found(self.fields),
            "cursors": self.cursors,
            "history": self.history,
            "leases": self.leases,
            "clock": self.clock,
            "on_progress": lambda sentence, counts: self.told.append(sentence),
            "commit_bytes": 0,
        }
        return Sync(**{**plan, **self.options})

    def was_read_up_to(self, cursor: datetime) -> None:
        """As after a sync that went well."""
        self.destination.table(TABLE)
        self.cursors.save(CONTACTS, cursor)

    def sync(self, mode: SyncMode, window: SyncWindow = WHOLE, **asked: Any) -> SyncResult:
        """Run one."""
        return self.plan(mode, window, **asked).run(self.destination)

    def incremental(self) -> SyncResult:
        return self.sync(SyncMode.INCREMENTAL)

    def full(self, **asked: Any) -> SyncResult:
        return self.sync(SyncMode.FULL, **asked)

    def from_date(self, since: datetime | None, until: datetime | None) -> SyncResult:
        return self.sync(SyncMode.FROM_DATE, SyncWindow(since, until))

    def _open_api(self) -> MemoryApi:
        self.apis.append(MemoryApi(self.answer))
        return self.apis[-1]

    @property
    def table(self) -> MemoryTable:
        return self.destination.table(TABLE)

    @property
    def ids(self) -> list[int]:
        """The contacts that are in the table and not deleted."""
        return sorted(values["id"] for values in self.table.live.values())

    @property
    def cursor(self) -> datetime | None:
        return self.cursors.get(CONTACTS)

    @property
    def last(self) -> SyncResult:
        """What history says of the latest sync."""
        return self.history.recent()[0]

    def asking(self, **slots: Any) -> None:
        """Change slots of the object."""
        self.obj = replace(self.obj, **slots)


def interrupt(
    stage: Stage, mode: SyncMode = SyncMode.FULL, window: SyncWindow = WHOLE, *, at_call: int = 3
) -> None:
    """Begin a sync that ends when the vendor cannot be reached any more."""

    def fail(call: int) -> None:
        if call == at_call:
            raise VendorUnavailable

    stage.vendor.reads.clear()
    stage.vendor.before = fail
    with pytest.raises(VendorUnavailable):
        stage.sync(mode, window)
    stage.vendor.before = lambda call: None
    stage.vendor.reads.clear()
