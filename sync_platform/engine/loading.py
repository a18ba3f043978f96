"""Loads the steps of a sync's window, oldest first, and saves the cursor after each; that of a full
sync when what has gone is marked, too."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from sync_platform.engine import ways
from sync_platform.engine.batch import Batch
from sync_platform.engine.modes import SyncMode, SyncWindow, cursor_after, joins
from sync_platform.engine.ports import Cursors
from sync_platform.engine.position import Position
from sync_platform.engine.reading import Arrival, Gone, Reading, Rows, RowsEnd, Said, Way
from sync_platform.engine.results import Target

FORGOTTEN = (
    "The vendor can no longer tell which {} were deleted since the last sync: the next one reads "
    "everything."
)


@dataclass(frozen=True, kw_only=True)
class Loading:
    """From what is read into the batches of one sync."""

    target: Target
    reading: Reading
    batch: Batch
    cursors: Cursors
    tell: Callable[[str], None]

    def load(self) -> None:
        """Load the steps that are left, from the progress on; commit as they come."""
        progress, obj = self.batch.progress, self.reading.obj
        windows = list(progress.window.steps(obj.step, progress.started_at))
        position = Position.from_json(progress.position)
        left = windows[position.step :]
        with closing(self.reading.steps(left, position, self.batch.beat)) as steps:
            for window, arriving in zip(left, steps, strict=True):
                position = self._step(window, position, arriving).next_step()

    def _step(
        self, window: SyncWindow, position: Position, arriving: Iterator[Arrival]
    ) -> Position:
        """Load one step to its end, rows and then gone keys, and only then offer its cursor: the
        next sync asks from there, also for gone keys."""
        obj = self.reading.obj
        for it in arriving:
            match it:
                case Said(sentence):
                    self.tell(sentence)
                case Way(name):
                    position = replace(position, way=name)
                case Rows(page):
                    highest = ways.highest_in(obj, page, position.highest)
                    position = position.after(page, highest)
                    rows = self.reading.kept(page)
                    self.batch.take(replace(page, rows=rows), position)
                case RowsEnd():
                    position = replace(position, phase="gone", resume=None)
                    self.batch.commit(position)
                case Gone(page):
                    if page.forgotten and self.batch.progress.mode is not SyncMode.FULL:
                        self.tell(FORGOTTEN.format(obj.name))
                        position = replace(position, lost=True)
                    covered = ways.covered_by(page, position.covered)
                    position = replace(position.after(page), covered=covered)
                    self.batch.take(page, position)
        if obj.deletes is not None:
            self.batch.commit(position)
        self.batch.settle()  # the first law: a cursor follows rows that are committed
        if self.batch.progress.mode is not SyncMode.FULL:
            self._save(window, position)
        return position

    def save_cursor(self) -> None:
        """Save the cursor that a full sync has earned: once it is reconciled, because the next sync
        asks from there what has gone."""
        progress = self.batch.progress
        self._save(progress.window, Position.from_json(progress.position))

    def _save(self, window: SyncWindow, position: Position) -> None:
        """Save the cursor that a window read to its end has earned, if it has."""
        progress, obj = self.batch.progress, self.reading.obj
        before = self.cursors.get(self.target)
        # A first window with nothing in it sets the starting point where it begins.
        highest = position.highest or (window.since if before is None else None)
        seen = (obj, progress.mode, highest, progress.started_at)
        reached = ways.reached(*seen, before=before, covered=position.covered)
        reached = cursor_after(reached, window, progress.started_at, obj.lookback)
        # The cursor of a first sync's earlier step is its own.
        stood = None if position.first else before
        joined = joins(
            progress.window, stood, obj.lookback, progress.started_at, first=position.first
        )
        # One that stays is not saved again: most syncs find nothing new.
        if reached is not None and joined and (before is None or reached > before):
            self.cursors.save(self.target, reached)
