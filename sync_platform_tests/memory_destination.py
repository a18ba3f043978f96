"""The destination in dictionaries: MemoryDestination and its loader.

It keeps what the protocols promise (`engine/destination.py`), so that a sync that is right here is
right in Postgres; it keeps values as they came.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sync_platform.engine.destination import NEVER_READ, Progress, Sealed, Table, another_account
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Clock
from sync_platform.engine.results import Counts, SchemaChange
from sync_platform.errors import IncompleteRead, LeaseLost, TooManyDeletes
from sync_platform.spec import Field, Page, Row, Unreadable

Identity = tuple[str, ...]  # a key as text: 7 and "7" are one record, as in a text column


@dataclass
class MemoryRow:
    """A row with its system columns."""

    values: dict[str, Any]
    synced_at: datetime
    deleted_at: datetime | None = None
    deleted_by: str | None = None  # "vendor" or "reconcile"


@dataclass
class MemoryTable:
    """A table with what lies beside it."""

    rows: dict[Identity, MemoryRow] = field(default_factory=dict)
    rejected: list[Row] = field(default_factory=list)
    progress: Progress | None = None
    began_at: datetime | None = None  # the sync whose progress that is, by the destination's clock
    seen: set[Identity] = field(default_factory=set)
    seen_count: int = 0  # another one than len(seen): keys were lost with the server
    commits: list[Counts] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)  # whose values the rows may hold

    @property
    def live(self) -> dict[Identity, dict[str, Any]]:
        """The rows that are not deleted, by key."""
        return {key: row.values for key, row in self.rows.items() if row.deleted_at is None}

    def lose_seen(self) -> None:
        """What a crash of the server does to an unlogged table."""
        self.seen.clear()

    def forget_seen(self) -> None:
        """No key was seen yet."""
        self.seen.clear()
        self.seen_count = 0


class MemoryDestination:
    """Where rows go, when they go nowhere. `before_commit` and `before_reconcile` may raise, as a
    lost server would; `cancel` hears that a commit is to give up."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tables: dict[tuple[str, str], MemoryTable] = {}
        self.before_commit: Callable[[], None] = lambda: None
        self.before_reconcile: Callable[[], None] = lambda: None
        self.cancel: Callable[[], None] = lambda: None
        self.told: tuple[SchemaChange, ...] = ()  # what is mended whenever a table is opened

    @contextmanager
    def open(
        self, table: Table, fields: Sequence[Field], *, sync: str,
        account: str | None = None, known_only: bool = False,
    ) -> Iterator["MemoryLoader"]:  # fmt: skip
        """Make the table if it is not there, and give a loader for it."""
        names = [each.name for each in fields]
        if (table.schema, table.name) not in self.tables:
            never = Progress(
                sync="",
                mode=SyncMode.FULL,
                window=SyncWindow(),
                started_at=self.clock.now(),
                shape=NEVER_READ,
            )
            self.table(table).progress = never
        loader = MemoryLoader(self, table, self.table(table), names, sync, known_only)
        loader.account = account
        yield loader

    def table(self, table: Table) -> MemoryTable:
        """What is in the table; empty before the first sync."""
        return self.tables.setdefault((table.schema, table.name), MemoryTable())


@dataclass
class MemoryTaken(Sealed):
    """What was taken in."""

    written: dict[Identity, dict[str, Any]] = field(default_factory=dict)
    gone: dict[Identity, None] = field(default_factory=dict)
    rejected: list[Row] = field(default_factory=list)
    fetched: int = 0
    size: int = 0


class MemoryLoader:
    """Writes one sync's rows into one table."""

    def __init__(
        self, destination: MemoryDestination, table: Table, into: MemoryTable,
        fields: Sequence[str], sync: str, known_only: bool = False,
    ) -> None:  # fmt: skip
        self._known_only = known_only
        self._destination, self._table, self._into = destination, table, into
        self._fields, self._sync = fields, sync
        self._mode: SyncMode | None = None  # None: it has not begun
        self._taken = MemoryTaken()
        self._left: list[str | None] = []  # whose progress it found, once it looked
        self.account: str | None = None  # whose data it reads
        self.told = destination.told

    def progress(self) -> Progress | None:
        """What an interrupted sync of this table left."""
        left = self._into.progress
        self._left = [left.sync if left else None]
        if left and left.mode is SyncMode.FULL and len(self._into.seen) != self._into.seen_count:
            return replace(left, position=None)
        return left

    def begin(self, progress: Progress, *, resume: bool) -> None:
        """Take the table over for `progress.sync`. Without `resume`, forget earlier progress."""
        before = self._into.progress
        if self._left and self._left != [before.sync if before else None]:
            raise LeaseLost(f"Another sync of {self._table.label} has taken over the table.")
        self._left = [progress.sync]
        if not (resume and before and before.mode is progress.mode):
            self._into.forget_seen()
            self._into.began_at = self._destination.clock.now()
        self._into.progress = _as_stored(progress)
        self._mode, self._sync = progress.mode, progress.sync

    @property
    def has_others(self) -> bool:
        """Whether the rows may hold values of another account than the one that it reads, too."""
        account = self.account
        return account is not None and any(
            another_account(it, account) for it in self._into.accounts
        )

    def write(self, page: Page) -> None:
        """Take a page in; it is not in the table yet."""
        taken = self._taken
        for row in page.rows:
            taken.fetched += 1
            if isinstance(row, Unreadable):
                taken.rejected.append(row.record)
                continue
            taken.size += len(json.dumps(dict(row), default=str))
            key = _identity([row.get(name) for name in self._table.keys])
            if key is None:
                taken.rejected.append(row)
            else:
                taken.written[key] = {name: row.get(name) for name in self._fields}
                taken.gone.pop(key, None)
        for values in page.gone:
            if isinstance(values, Unreadable):
                taken.rejected.append(values.record)
                continue
            key = _identity(values)
            if key is None:
                taken.rejected.append(dict(zip(self._table.keys, values, strict=False)))
            else:
                taken.gone[key] = None
                taken.size += sum(map(len, key))

    @property
    def pending(self) -> int:
        """Bytes taken in and not yet sealed."""
        return self._taken.size

    def seal(self) -> MemoryTaken:
        """What was taken in since the last seal, for a commit. Nothing is pending afterwards."""
        taken, self._taken = self._taken, MemoryTaken()
        return taken

    def commit(self, progress: Progress, sealed: Sealed | None = None) -> Counts:
        """Merge what was sealed and keep `progress`; LeaseLost if the table was taken over."""
        taken = self.seal() if sealed is None else sealed
        assert isinstance(taken, MemoryTaken)
        self._destination.before_commit()
        if self._mode is not None:
            self._hold(progress.sync)
            self._into.progress = _as_stored(progress)
        now = self._destination.clock.now()
        written = taken.written
        was_empty = self.is_empty()
        if self._known_only:
            live = self._into.live
            written = {key: {**live[key], **it} for key, it in written.items() if key in live}
        created = sum(key not in self._into.rows for key in written)
        updated = 0
        for key, values in written.items():
            has = self._into.rows.get(key)
            values = {**has.values, **values} if has is not None else values
            if has is None or has.deleted_at is not None or has.values != values:
                updated += has is not None
                self._into.rows[key] = MemoryRow(values, now)
        came = created or updated or (written and not self.has_others)
        if came and self.account is not None and self.account not in self._into.accounts:
            others = [] if was_empty and self.has_others else self._into.accounts
            self._into.accounts = [*others, self.account]
        if self._mode is SyncMode.FULL:
            self._into.seen |= taken.written.keys()
            self._into.seen_count = len(self._into.seen)
        counts = Counts(
            fetched=taken.fetched,
            created=created,
            updated=updated,
            deleted=self._mark(list(taken.gone), "vendor", now),
            rejected=len(taken.rejected),
        )
        self._into.rejected += taken.rejected
        self._into.commits.append(counts)
        return counts

    def cancel(self) -> None:
        """Have the commit that runs in another thread give up what it is at, and raise."""
        self._destination.cancel()

    def reconcile(self, *, lookback: timedelta, most: float | None) -> Counts:
        """Mark as deleted what this full sync did not see, and nobody wrote since `lookback` before
        it began."""
        self._destination.before_reconcile()
        self._hold(self._sync)
        assert self._into.began_at is not None
        before = self._into.began_at - lookback
        if self._mode is not SyncMode.FULL or len(self._into.seen) != self._into.seen_count:
            raise IncompleteRead("Which records the full sync saw is not known any more.")
        live = self._into.live
        going = [
            key
            for key in live
            if key not in self._into.seen and self._into.rows[key].synced_at < before
        ]
        count, total = len(going), len(live)
        if most is not None and going and (
            count > most * total or not self._into.seen
        ):  # fmt: skip
            raise TooManyDeletes(f"{count} of {total} records would be marked as deleted.")
        return Counts(deleted=self._mark(going, "reconcile", self._destination.clock.now()))

    def clear_others(self) -> Counts:
        """Take out of all rows what they hold in fields that this sync does not write."""
        for row in self._into.rows.values():
            row.values = {it: row.values[it] for it in self._fields if it in row.values}
        self._into.accounts = [it for it in [self.account] if it is not None]
        return Counts()

    def finish(self) -> None:
        """The sync ended well: forget its progress, unless another one has taken over."""
        if self._into.progress and self._into.progress.sync == self._sync:
            self._into.progress = None
            self._into.forget_seen()

    def is_empty(self) -> bool:
        """Whether the table has no rows, not even deleted ones."""
        return not self._into.rows

    def rows(self) -> int:
        """How many live rows the table has now."""
        return len(self._into.live)

    def _hold(self, sync: str) -> None:
        if self._into.progress is None or self._into.progress.sync != sync:
            raise LeaseLost(f"Another sync of {self._table.label} has taken over the table.")

    def _mark(self, keys: Sequence[Identity], by: str, now: datetime) -> int:
        marked = [key for key in keys if key in self._into.live]
        for key in marked:
            row = self._into.rows[key]
            row.deleted_at, row.deleted_by, row.synced_at = now, by, now
        return len(marked)


def _identity(values: Sequence[Any]) -> Identity | None:
    """The key as text; None where a part is missing or all of them are empty."""
    if any(value is None for value in values):
        return None
    texts = tuple(str(value) for value in values)
    return texts if any(texts) else None


def _as_stored(progress: Progress) -> Progress:
    """As it comes back from a database: its position has been JSON text."""
    return replace(progress, position=json.loads(json.dumps(progress.position)))
