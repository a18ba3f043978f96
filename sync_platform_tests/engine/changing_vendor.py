"""A vendor whose records change while they are read, and which is as careless with time as vendors
are: coarse stamps, a clock of its own, an index that lags."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Literal

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
    offset_pages,
)
from sync_platform_tests.fakes import FakeClock

FIELDS = (Field("id"), Field("revision", "integer"), Field("updated", "timestamp"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAWDLE = 0.002  # real seconds: enough for calls that are under way at the same time to overtake


@dataclass(frozen=True)
class Change:
    """Something that happens at the vendor, `after` seconds from the last thing, and is in its
    index `lag` seconds later."""

    kind: Literal["nothing", "create", "edit", "delete", "fail"]
    which: int = 0  # of the records there are; it wraps around
    after: int = 0
    lag: int = 0


@dataclass(frozen=True)
class Version:
    """A record from one moment to the next; `revision` is None when it is gone."""

    visible_at: datetime
    stamp: datetime
    revision: int | None


@dataclass(kw_only=True)
class ChangingVendor:
    """Tells records by id; before each answer the next of `coming` happens. Of calls at the same
    time, those that `dawdle` (one after the other, as they come) let others pass."""

    clock: FakeClock
    granule: int  # seconds; stamps are rounded down to it
    skew: int  # seconds by which its clock is ahead of ours
    closes_windows: bool  # False: it knows `since` and not `until`
    tells_deletes: bool
    paging: Literal["keyset", "offset"] = "keyset"
    limit: int = 2
    coming: list[Sequence[Change]] = field(default_factory=list)
    versions: dict[str, list[Version]] = field(default_factory=dict)
    created: int = 0
    dawdle: list[bool] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    @property
    def pace(self) -> int:
        """How many times slower all happens: where stamps are days, days must pass."""
        return max(self.granule // 600, 1)

    def happen(self, changes: Sequence[Change]) -> None:
        """Let these changes happen; "fail" raises VendorUnavailable."""
        for change in changes:
            self.clock.sleep(change.after * self.pace)
            living = [id for id, past in self.versions.items() if past[-1].revision is not None]
            if change.kind == "fail":
                raise VendorUnavailable
            if change.kind == "create":
                self.created += 1
                id = f"{self.created * 37 % 101:03}"  # new ids come before and behind a reader
                self._add(id, 1, change.lag)
            elif living and change.kind in ("edit", "delete"):
                id = living[change.which % len(living)]
                revision = (self.versions[id][-1].revision or 0) + 1
                self._add(id, revision if change.kind == "edit" else None, change.lag)

    def _add(self, id: str, revision: int | None, lag: int) -> None:
        now = self.clock.now()
        seconds = int((now - EPOCH).total_seconds()) + self.skew
        stamp = EPOCH + timedelta(seconds=seconds - seconds % self.granule)
        version = Version(now + timedelta(seconds=lag), stamp, revision)
        self.versions.setdefault(id, []).append(version)

    def index(self) -> dict[str, Version]:
        """What searches see now, by id."""
        now = self.clock.now()
        seen = {}
        for id, past in sorted(self.versions.items()):
            visible = [version for version in past if version.visible_at <= now]
            if visible:
                seen[id] = visible[-1]
        return seen

    def answer(self, request: Request, asked: object) -> Json:
        assert isinstance(asked, Read)
        with self.lock:
            dawdles = bool(self.dawdle) and self.dawdle.pop(0)
        if dawdles:
            time.sleep(DAWDLE)
        with self.lock:
            return self._answer(request, asked)

    def _answer(self, request: Request, asked: Read) -> Json:
        if self.coming:
            self.happen(self.coming.pop(0))
        gone = request.path == "/gone"
        found = [
            _record(id, version)
            for id, version in self.index().items()
            if (version.revision is None) == gone and self._within(version.stamp, asked)
        ]
        if self.paging == "offset":
            start = int(request.params.get("offset", 0))  # type: ignore[union-attr]
            return {"results": found[start : start + self.limit]}
        later = [record for record in found if asked.after is None or record["id"] > asked.after]
        return {"results": later[: self.limit]}

    def _within(self, stamp: datetime, asked: Read) -> bool:
        if asked.since is not None and stamp < asked.since:
            return False
        return asked.until is None or not self.closes_windows or stamp < asked.until

    def truth(self) -> dict[str, dict[str, Any]]:
        """Every record that there is, by id."""
        newest = {id: past[-1] for id, past in self.versions.items()}
        return {id: _record(id, it) for id, it in newest.items() if it.revision is not None}

    def described(
        self, *, lookback: timedelta, step: timedelta | None, side_by_side: int = 1
    ) -> ConnectorObject:
        """The vendor's only object, as a connector would declare it."""
        pages = (
            keyset_pages("id", limit=self.limit)
            if self.paging == "keyset"
            else offset_pages("offset", limit=self.limit)
        )
        return ConnectorObject(
            name="contacts",
            fields=FIELDS,
            cursor="updated",
            lookback=lookback,
            step=step,
            side_by_side=side_by_side,
            read=get("/contacts", records="results", pages=pages),
            deletes=get("/gone", records="results", pages=pages) if self.tells_deletes else None,
        )


def _record(id: str, version: Version) -> dict[str, Any]:
    return {"id": id, "revision": version.revision, "updated": iso(version.stamp)}
