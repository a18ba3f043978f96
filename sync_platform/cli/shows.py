"""How the command line shows things: tables for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sync_platform.engine.results import SyncResult, SyncStatus

console = Console(highlight=False)
RIGHT = ("fetched", "created", "updated", "deleted", "unchanged", "rejected", "seconds", "calls")


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON; `empty` is said where there are none."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2, default=str))
        return
    if not rows:
        console.print(empty)
        return
    console.print(table_of(rows))


def table_of(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> Table:
    """Rows as a table; the first row's keys are its columns."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in rows[0]:
        table.add_column(
            name.replace("_", " "),
            justify="right" if name in RIGHT else "left",
            overflow="fold",
            no_wrap=name in (*RIGHT, "object", "connection", "mode", "status"),
        )
    for row in rows:
        table.add_row(*(said(value) for value in row.values()))
    return table


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
        return f"{value:%Y-%m-%d %H:%M:%S}"
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


def sync_row(sync: SyncResult) -> dict[str, Any]:
    """A sync as one line of a table."""
    row: dict[str, Any] = {
        "object": sync.target.object,
        "mode": sync.mode.value,
        "status": sync.status.value,
        "fetched": sync.counts.fetched,
        "created": sync.counts.created,
        "updated": sync.counts.updated,
        "deleted": sync.counts.deleted,
        "rejected": sync.counts.rejected,
        "seconds": sync.seconds,
        "started_at": sync.started_at,
    }
    if sync.status is not SyncStatus.SUCCEEDED:
        row["error"] = sync.error
    return row


def sync_rows(syncs: Sequence[SyncResult]) -> list[dict[str, Any]]:
    """Syncs as lines of one table; with an error column where any has one."""
    rows = [sync_row(sync) for sync in syncs]
    if any("error" in row for row in rows):
        rows = [{**row, "error": row.get("error")} for row in rows]
    return rows
