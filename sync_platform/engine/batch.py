"""What a sync has taken in since its last commit: commits it by size and time, and tells of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Protocol

from sync_platform.engine.ports import Loader, Progress, SyncRecord, VendorApi
from sync_platform.engine.results import Counts
from sync_platform.spec import Json, Page

TOLD_ONE_BY_ONE = 20  # pages; later ones are told together, once in so many seconds:
TOLD_EVERY = 1.0  # a line of a run's log costs milliseconds, a quick vendor has hundreds of pages


class Position(Protocol):
    """Where a sync stands; opaque here."""

    def as_json(self) -> Json: ...


@dataclass
class Batch:
    """Takes pages in for `loader`. `tell` is given a sentence and the counts so far, with what was
    fetched and not yet committed."""

    loader: Loader
    record: SyncRecord
    progress: Progress
    api: VendorApi
    tell: Callable[[str, Counts], None]
    commit_bytes: int
    commit_seconds: float
    total: Counts = field(default_factory=Counts)
    pages: int = 0  # of the whole sync
    committed_pages: int = 0
    committed_at: float = field(default_factory=monotonic)
    told_pages: int = 0
    told_at: float = field(default_factory=monotonic)
    untold: Counts = field(default_factory=Counts)  # fetched: rows; deleted: gone keys
    uncommitted: int = 0  # records

    def take(self, page: Page, position: Position) -> None:
        """Hand a page to the loader; commit if it is time to."""
        self.loader.write(page)
        self.record.beat()
        self.pages += 1
        self.untold += Counts(fetched=len(page.rows), deleted=len(page.gone))
        self.uncommitted += len(page.rows)
        if self.pages <= TOLD_ONE_BY_ONE or monotonic() - self.told_at >= TOLD_EVERY:
            self._tell_pages()
        late = monotonic() - self.committed_at >= self.commit_seconds
        # Where the page cannot be resumed from, a restart reads its step again: merges allow it.
        if self.loader.pending >= self.commit_bytes or late:
            self.commit(position)

    def commit(self, position: Position) -> None:
        """Merge what was taken in and keep the position, in one transaction."""
        self.progress = replace(self.progress, position=position.as_json())
        counts = self.loader.commit(self.progress)
        self.committed_at = monotonic()
        self.total += counts
        self.uncommitted = 0
        self.record.add(counts, self.api.usage)
        if self.pages > self.committed_pages:
            self._tell_pages()
            self.tell(
                f"Committed: {counts.created:,} created, {counts.updated:,} updated, "
                f"{counts.deleted:,} deleted, {counts.unchanged:,} unchanged"
                + (f", {counts.rejected:,} rejected" if counts.rejected else "")
                + f"; {self.total.fetched:,} records so far.",
                self.total,
            )
        self.committed_pages = self.pages

    def _tell_pages(self) -> None:
        """A line for the pages that came since the last one."""
        first, last = self.told_pages + 1, self.pages
        if last < first:
            return
        rows, keys = self.untold.fetched, self.untold.deleted
        what = f"{rows:,} records" + (f", {keys:,} keys that are gone" if keys else "")
        which = f"Page {last}" if first == last else f"Pages {first} to {last}"
        self.tell(f"{which}: {what}.", self.total + Counts(fetched=self.uncommitted))
        self.told_pages, self.told_at, self.untold = last, monotonic(), Counts()
