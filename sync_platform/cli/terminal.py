"""What a person at a terminal sees of tables, and of syncs under way."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from sync_platform.cli.shows import Row, are_numbers, heading, said
from sync_platform.engine.results import Counts

FOLDING = ("found", "objects", "what_changed")  # the columns whose values may take several lines


def show_table(rows: Sequence[Row]) -> None:
    """Print rows, as wide as the terminal is; the first row's keys are the columns."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in rows[0]:
        table.add_column(
            heading(name),
            justify="right" if are_numbers(row[name] for row in rows) else "left",
            overflow="fold",
            no_wrap=name not in FOLDING,
        )
    for row in rows:
        table.add_row(*(said(value) for value in row.values()))
    _paper(sys.stdout).print(table)


@contextmanager
def lines() -> Iterator[Callable[[str], AbstractContextManager[Callable[[str, Counts], None]]]]:
    """What makes a line for the object of that name, and tells it how far the object is. The lines
    are gone after the block: the table that follows tells the same."""
    with Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.fields[object]:<16}", markup=False),
        TextColumn("{task.fields[records]:>10,} records"),
        TimeElapsedColumn(),
        console=_paper(sys.stderr),
        transient=True,
    ) as progress:

        @contextmanager
        def line(name: str) -> Iterator[Callable[[str, Counts], None]]:
            task = progress.add_task("", total=None, object=name, records=0)

            def tell(sentence: str, counts: Counts) -> None:
                if counts.fetched:
                    progress.update(task, records=counts.fetched)

            yield tell
            progress.update(task, total=1, completed=1)

        yield line


def _paper(stream: TextIO) -> Console:
    """Values are shown as they are."""
    return Console(file=stream, highlight=False, markup=False, emoji=False)
