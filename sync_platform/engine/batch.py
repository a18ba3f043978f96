"""What a sync has taken in: commits it by size and time, while more is read, and tells of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event, Thread
from time import monotonic
from typing import Protocol

from sync_platform.engine.destination import Loader, Progress
from sync_platform.engine.fields import Doubt
from sync_platform.engine.heartbeat import BEAT_SECONDS
from sync_platform.engine.interpreter import short_turns
from sync_platform.engine.ports import SyncRecord, VendorApi
from sync_platform.engine.results import Counts
from sync_platform.spec import Json, Page

TOLD_ONE_BY_ONE = 20  # pages; later ones are told together, once in so many seconds:
TOLD_EVERY = 1.0  # a line of a run's log costs milliseconds, a quick vendor has hundreds of pages
FIRST_BYTES = 500_000  # worth the first commit; each later one, twice as much, up to a whole batch


class Position(Protocol):
    """Where a sync stands at a moment; opaque here."""

    def as_json(self, at: datetime) -> Json: ...


class Commit:
    """A commit under way, in a thread of its own: Postgres works while the next rows come."""

    def __init__(self, work: Callable[[], Counts], *, pages: int, rows: int) -> None:
        self.pages, self.rows = pages, rows  # those of the whole sync up to it; those in it
        self.ended = Event()
        self._work = work
        self._counts: Counts | None = None
        self._error: BaseException | None = None
        Thread(target=self._run, name="committer", daemon=True).start()

    def _run(self) -> None:
        try:
            with short_turns():
                self._counts = self._work()
        except BaseException as error:  # raised again by whoever asks for the counts
            self._error = error
        finally:
            self.ended.set()

    def counts(self) -> Counts:
        """What it did, once it has ended; raises what ended it."""
        if self._error is not None:
            raise self._error
        assert self._counts is not None
        return self._counts


@dataclass
class Batch:
    """Takes pages in for `loader`. `tell` is given a sentence and the counts so far, with what was
    fetched and not yet committed.

    One commit at most is under way; while it is, the loader does nothing but `write` and `seal`.
    What became of it is known, counted, told and, where it failed, raised when it is settled. Only
    the sync's own thread calls these methods.
    """

    loader: Loader
    record: SyncRecord
    progress: Progress
    api: VendorApi
    tell: Callable[[str, Counts], None]
    commit_bytes: int
    commit_seconds: float
    now: Callable[[], datetime]
    doubt: Doubt
    total: Counts = field(default_factory=Counts)  # committed
    pages: int = 0  # of the whole sync
    committed_pages: int = 0
    sealed_at: float = field(default_factory=monotonic)
    told_pages: int = 0
    told_at: float = field(default_factory=monotonic)
    untold: Counts = field(default_factory=Counts)  # fetched: rows; deleted: gone keys
    pending: int = 0  # records that were taken in and not yet sealed
    empty: bool = True  # no page had anything yet, nor told that some was lost
    enough: int = field(init=False)  # bytes that are worth a commit now
    under_way: Commit | None = None

    def __post_init__(self) -> None:
        self.enough = min(FIRST_BYTES, self.commit_bytes)

    @contextmanager
    def closing(self) -> Iterator["Batch"]:
        """Nothing is under way after the block, whatever ends it; what was committed counts."""
        try:
            yield self
            self.settle()
        except BaseException as error:
            self._leave(error)
            raise

    def take(self, page: Page, position: Position) -> None:
        """Hand a page to the loader; commit if it is time to."""
        self.doubt.look(page.rows)
        self.loader.write(page)
        self.beat()
        self.pages += 1
        self.untold += Counts(fetched=len(page.rows), deleted=len(page.gone))
        self.pending += len(page.rows)
        nothing = not page.rows and not page.gone and not page.forgotten
        self.empty = self.empty and nothing
        if self.pages <= TOLD_ONE_BY_ONE or monotonic() - self.told_at >= TOLD_EVERY:
            self._tell_pages()
        late = monotonic() - self.sealed_at >= self.commit_seconds
        # Where the page cannot be resumed from, a restart reads its step again: merges allow it.
        if self.loader.pending >= self.enough or late:
            self.commit(position)

    def commit(self, position: Position) -> None:
        """Begin to merge what was taken in and to keep the position, in one transaction; the one
        before is settled first. As long as nothing but empty pages came, there is nothing to merge,
        and the position is kept only now and then: little is lost with it. Raises FieldsMoved where
        a field that a page lacked is gone: nothing of the pages since the last commit is kept."""
        self.settle()
        self.progress = progress = replace(self.progress, position=position.as_json(self.now()))
        if self.pages > self.committed_pages:
            self._tell_pages()
        if self.empty and monotonic() - self.sealed_at < self.commit_seconds:
            return
        self.doubt.prove()
        sealed = self.loader.seal()
        self.under_way = Commit(
            lambda: self.loader.commit(progress, sealed), pages=self.pages, rows=self.pending
        )
        self.sealed_at, self.pending = monotonic(), 0
        self.enough = min(2 * self.enough, self.commit_bytes)

    def beat(self) -> None:
        """The sync is alive. A commit that has ended is settled first, so that it counts."""
        if self.under_way is not None and self.under_way.ended.is_set():
            self.settle()
        self.record.beat(self.api.usage)

    def settle(self) -> None:
        """Wait for the commit under way, if there is one; raises what it raised."""
        if self.under_way is None:
            return
        while not self.under_way.ended.wait(BEAT_SECONDS):
            self.record.beat(self.api.usage)
        commit, self.under_way = self.under_way, None
        counts = commit.counts()
        self.total += counts
        self.record.add(counts, self.api.usage)
        if commit.pages > self.committed_pages:
            self.tell(
                f"Committed: {counts.created:,} created, {counts.updated:,} updated, "
                f"{counts.deleted:,} deleted, {counts.unchanged:,} unchanged"
                + (f", {counts.rejected:,} rejected" if counts.rejected else "")
                + f"; {self.total.fetched:,} records so far.",
                self.total,
            )
        self.committed_pages = commit.pages

    def _leave(self, error: BaseException) -> None:
        """Let the commit under way end, or give up where somebody wants the sync to stop."""
        stop = not isinstance(error, Exception)
        while self.under_way is not None and not self.under_way.ended.is_set():
            try:
                if stop:
                    self.loader.cancel()
                if not self.under_way.ended.wait(BEAT_SECONDS):
                    self.record.beat(self.api.usage)
            except BaseException:  # asked again; the first one goes on
                stop = True
        try:
            self.settle()
        except BaseException as another:
            if not stop:
                error.add_note(f"The commit under way failed, too: {another}")

    def _tell_pages(self) -> None:
        """A line for the pages that came since the last one."""
        first, last = self.told_pages + 1, self.pages
        if last < first:
            return
        rows, keys = self.untold.fetched, self.untold.deleted
        what = f"{rows:,} records" + (f", {keys:,} keys that are gone" if keys else "")
        which = f"Page {last}" if first == last else f"Pages {first} to {last}"
        uncommitted = self.pending + (self.under_way.rows if self.under_way else 0)
        self.tell(f"{which}: {what}.", self.total + Counts(fetched=uncommitted))
        self.told_pages, self.told_at, self.untold = last, monotonic(), Counts()
