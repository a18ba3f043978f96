"""Syncs in place, with a line of progress for each object."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from sync_platform.cli.shows import paper
from sync_platform.engine.results import Counts, SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NeedsReauth, SyncPlatformError
from sync_platform.platform import Platform


@dataclass(frozen=True)
class Outcome:
    """How one sync ended: its result, unless it never began; and its error, if it failed."""

    target: Target
    result: SyncResult | None
    error: SyncPlatformError | None = None


def sync_in_place(platform: Platform, requests: Sequence[SyncRequest]) -> list[Outcome]:
    """Run the syncs one after the other, and show on a terminal how far they are.

    All requests are checked before the first call to the vendor. One that fails does not stop the
    others, unless the sign-in itself is no longer good.
    """
    syncs = [platform.sync(request) for request in requests]
    outcomes: list[Outcome] = []
    with Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.fields[object]:<16}", markup=False),
        TextColumn("{task.fields[records]:>10,} records"),
        TimeElapsedColumn(),
        console=paper(stderr=True),
        transient=True,  # the table that follows tells the same
        disable=not sys.stderr.isatty(),
    ) as progress:
        for sync in syncs:
            task = progress.add_task("", total=None, object=sync.target.object, records=0)

            def tell(sentence: str, counts: Counts, task: TaskID = task) -> None:
                if counts.fetched:
                    progress.update(task, records=counts.fetched)

            sync.on_progress = tell
            error: SyncPlatformError | None = None
            try:
                sync.run(into=platform.destination)
            except SyncPlatformError as raised:
                error = raised
            progress.update(task, total=1, completed=1)
            outcomes.append(Outcome(sync.target, sync.result, error))
            if isinstance(error, NeedsReauth):
                break
    return outcomes
