"""What the engine needs of the place where rows go, as protocols, with the values they exchange."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Counts, SchemaChange
from sync_platform.spec import Field, Json, Page


@dataclass(frozen=True, kw_only=True)
class Table:
    """Where an object's rows go. `label` and `connection` are for comments and messages."""

    schema: str
    name: str
    keys: tuple[str, ...]
    connection: str
    label: str  # such as "HubSpot contacts"


NEVER_READ = "never read"  # the shape of the progress that a new table begins with


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an unfinished sync got: kept beside the rows, written in their transaction.

    `position` is the engine's own JSON; None only where the table lost rows or values, or a full
    sync the keys it had seen: it is to be read in full, of which nothing is done. `shape` tells
    fields and filters apart: a sync that was asked something else must not go on from it. A table
    that was just made has a progress of the shape NEVER_READ, and no sync's.
    """

    sync: str  # the sync that wrote it last
    mode: SyncMode
    window: SyncWindow
    started_at: datetime  # of the sync that began it
    shape: str
    position: Json = None


def another_account(one: str, other: str) -> bool:
    """Whether two accounts differ, each told as its connector's name and, after a blank, the
    vendor's id of it. One that is not told may be any of its connector."""
    (connector, _, id), (others_connector, _, others_id) = one.partition(" "), other.partition(" ")
    return connector != others_connector or ("" not in (id, others_id) and id != others_id)


class Sealed:
    """What a loader took in up to a moment; only the loader knows what is inside."""


class Loader(Protocol):
    """Writes one sync's rows into one table. Made by Destination.open; used by one thread, except
    that `commit` may run in another one, one at a time and in the order of the seals. Meanwhile
    the first may call `write`, `pending`, `seal` and `cancel`, and nothing else."""

    @property
    def told(self) -> Sequence[SchemaChange]:
        """What was mended in the table when it was opened, or renamed; and always, which columns
        cannot have the types that their fields need."""
        ...

    def progress(self) -> Progress | None:
        """What an interrupted sync of this table left; None where none did. Where the keys it had
        seen were lost with the server, its position is None."""
        ...

    def begin(self, progress: Progress, *, resume: bool) -> None:
        """Take the table over for `progress.sync`. Without `resume`, forget earlier progress."""
        ...

    @property
    def has_others(self) -> bool:
        """Whether the rows may hold values of another account than the one that it reads, too."""
        ...

    def write(self, page: Page) -> None:
        """Take a page in; it is not in the table yet."""
        ...

    @property
    def pending(self) -> int:
        """Bytes taken in and not yet sealed."""
        ...

    def seal(self) -> Sealed:
        """What was taken in since the last seal, for a commit. Nothing is pending afterwards."""
        ...

    def commit(self, progress: Progress, sealed: Sealed | None = None) -> Counts:
        """Merge what was sealed (if None: what is pending) and keep `progress`, in one transaction.

        Raises LeaseLost if another sync has taken the table over.
        """
        ...

    def cancel(self) -> None:
        """Have the commit that runs in another thread give up what it is at, and raise. Does
        nothing where it just has nothing under way; raises nothing."""
        ...

    def reconcile(self, *, lookback: timedelta, most: float | None) -> Counts | None:
        """Mark as deleted what this (full) sync did not see and was last written `lookback` before
        it began (or what it goes on with), or earlier, by the clock that says when rows were
        written. None, having marked nothing, where a record came that nobody can read or tell from
        others: it may be any of them.

        Raises TooManyDeletes, having marked nothing, if more than the share `most` (0 to 1) of the
        live rows would go, or any of them although nothing was read. `most=None`: no guard.
        """
        ...

    def clear_others(self) -> Counts:
        """After a full read was reconciled: take out of all rows what they hold in columns that
        this sync does not write. These are values of another account, whose place this one took;
        from here on the rows hold values of this one alone. Not so while a row cannot be changed,
        now or when it was to be marked as deleted: it is rejected, and left to the next full sync.
        """
        ...

    def finish(self) -> None:
        """The sync ended well: forget its progress."""
        ...

    def is_empty(self) -> bool:
        """Whether the table has no rows, not even deleted ones."""
        ...

    def rows(self) -> int:
        """How many live rows the table has now."""
        ...


class Destination(Protocol):
    """Where rows go."""

    def open(
        self,
        table: Table,
        fields: Sequence[Field],
        *,
        sync: str,
        account: str | None = None,
        known_only: bool = False,
    ) -> AbstractContextManager[Loader]:
        """Make or widen the table for these fields, and give a loader for it. Once that has loaded
        rows, the table may hold values of the `account` (see `another_account`; None: not told).

        With `known_only` it writes these fields into rows that are there, and makes none.
        """
        ...
