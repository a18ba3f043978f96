"""Syncs in place, with a line of progress for each object."""

from collections.abc import Sequence

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from sync_platform.cli.shows import console
from sync_platform.engine.results import Counts, SyncResult
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NeedsReauth, SyncPlatformError
from sync_platform.platform import Platform


def sync_in_place(
    platform: Platform, requests: Sequence[SyncRequest], *, quiet: bool
) -> tuple[list[SyncResult], SyncPlatformError | None]:
    """Run the syncs one after the other: their results, and the first error.

    All requests are checked before the first call to the vendor. One that fails does not stop the
    others, unless the sign-in itself is no longer good.
    """
    syncs = [platform.sync(request) for request in requests]
    results: list[SyncResult] = []
    first_error: SyncPlatformError | None = None
    with Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.fields[object]:<16}"),
        TextColumn("{task.fields[records]:>10,} records"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=quiet,
    ) as progress:
        for sync in syncs:
            task = progress.add_task("", total=None, object=sync.target.object, records=0, note="")

            def tell(sentence: str, counts: Counts, task: TaskID = task) -> None:
                if counts.fetched:
                    progress.update(task, records=counts.fetched)

            sync.on_progress = tell
            try:
                sync.run(into=platform.destination)
                progress.update(task, total=1, completed=1)
            except SyncPlatformError as error:
                first_error = first_error or error
                progress.update(task, total=1, note=f"[red]{error}")
                progress.stop_task(task)
            if sync.result is not None:
                results.append(sync.result)
            if isinstance(first_error, NeedsReauth):
                break
    return results, first_error
