"""How the command line shows things: tables for people, lines for files, JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from sync_platform.engine.results import SchemaChange, SyncResult

Row = Mapping[str, Any]
HEADINGS = {
    "cursor": "cursor (UTC)",
    "found_at": "found (UTC)",
    "last_sync": "last sync (UTC)",
    "sign_in": "sign-in",
    "started_at": "started (UTC)",
    "two_way": "two-way",
}


def listing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command --json."""
    option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
    return option(command)


def show(rows: Sequence[Row], *, as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON; `empty` is said where there are none."""
    if as_json:
        click.echo(json.dumps([plain(row) for row in rows], indent=2))
    elif not rows:
        click.echo(empty)
    elif sys.stdout.isatty():
        from sync_platform.cli.terminal import show_table

        show_table(rows)
    else:
        click.echo("\n".join(_aligned(rows)))


def _aligned(rows: Sequence[Row]) -> Iterator[str]:
    """For a file or a pipe: a line for each row, whatever is in it, below a line of headings."""
    columns = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        cells = [heading(name), *(" ".join(said(value).split()) for value in values)]
        wide = max(map(len, cells))
        adjust = str.rjust if are_numbers(values) else str.ljust
        columns.append([adjust(cell, wide) for cell in cells])
    for line in zip(*columns, strict=True):
        yield "  ".join(line).rstrip()


def heading(name: str) -> str:
    """What stands above a column."""
    return HEADINGS.get(name, name.replace("_", " "))


def are_numbers(values: Iterable[Any]) -> bool:
    """Whether a column is one of numbers; where there is no value, it is none."""
    found = {type(value) for value in values} - {type(None)}
    return bool(found) and found <= {int, float}


def plain(row: Row) -> dict[str, Any]:
    """A row as JSON has it: moments in ISO 8601, spans of time as `…_seconds`."""
    told: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, timedelta):
            told[f"{name}_seconds"] = int(value.total_seconds())
        else:
            told[name] = value.isoformat() if isinstance(value, datetime) else value
    return told


def said(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def span(value: timedelta) -> str:
    """A span of time in its largest whole unit: 15 min, 24 h."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    if seconds:
        return f"{minutes * 60 + seconds} s"
    return f"{minutes // 60} h" if minutes >= 60 and minutes % 60 == 0 else f"{minutes} min"


def sync_rows(syncs: Sequence[SyncResult], *, past: bool = False) -> list[Row]:
    """Syncs as lines of one table; those of the past with their start. Rejected records have a
    column where there are any."""
    rejected = any(sync.counts.rejected for sync in syncs)
    return [
        {
            **({"started_at": sync.started_at} if past else {}),
            "object": sync.target.object,
            "mode": sync.mode.value,
            "status": sync.status.value,
            "fetched": sync.counts.fetched,
            "created": sync.counts.created,
            "updated": sync.counts.updated,
            "deleted": sync.counts.deleted,
            **({"rejected": sync.counts.rejected} if rejected else {}),
            "seconds": sync.seconds,
        }
        for sync in syncs
    ]


def change_rows(changes: Sequence[SchemaChange]) -> list[Row]:
    """Schema changes as lines of one table."""
    return [
        {"found_at": each.found_at, "object": each.object, "what_changed": str(each)}
        for each in changes
    ]


def errors_of(syncs: Sequence[SyncResult]) -> list[str]:
    """The errors of these syncs, each said once, with the latest sync that met it."""
    told: dict[tuple[str, str], str] = {}
    for sync in syncs:
        if sync.error:
            line = f"{said(sync.started_at)} {sync.target.object}: {sync.error}"
            told.setdefault((sync.target.object, sync.error), line)
    return list(told.values())
