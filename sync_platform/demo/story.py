"""What the demo does, step by step, and what it shows on the way."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from types import FrameType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from sync_platform.demo.accounts import SEARCH_LAG, Account
from sync_platform.demo.compare import differences
from sync_platform.demo.stage import Stage, Stopped, staged
from sync_platform.engine.requested import Asked, AskedStatus
from sync_platform.engine.results import SyncResult, Target
from sync_platform.errors import Unexpected
from sync_platform.settings import Settings
from sync_platform.up.processes import refuse_busy_port

INTERRUPTED = 130  # the exit code of --once when it could not compare

console = Console(highlight=False)


def run_demo(
    *, port: int, dagster_port: int, home: Path | None, once: bool, connectors: str = "hubspot"
) -> int:
    """Run the demo; its exit code. Raises SyncPlatformError where it cannot begin.

    `once` needs no web pages, and starts none.
    """
    refuse_busy_port(dagster_port, "--dagster-port")
    if not once:
        refuse_busy_port(port)
    settings = Settings.from_env()
    settings = replace(settings, home=(home or settings.home).absolute(), grain="day")
    stop = threading.Event()
    with (
        _signals(stop),
        staged(
            settings,
            port=dagster_port,
            web_port=None if once else port,
            living=not once,
            stop=stop,
            tell=console.print,
            connectors=connectors,
        ) as stage,
    ):
        _await_first_syncs(stage)
        _show_latest(stage, "The first syncs" if once else "What is there now")
        if once:
            return _change_and_compare(stage)
        console.print()
        console.print(f"  Pages        {stage.platform.settings.public_url}")
        link = stage.platform.access.first_link()
        if link:
            console.print(f"  Sign in      {link}  (once, to choose a password)", soft_wrap=True)
        console.print(f"  Dagster UI   {stage.platform.runs.url}")
        console.print(
            f"  Tables       psql '{stage.platform.database_url}'  "
            f"(schema {', '.join(it.connection.replace('-', '_') for it in stage.accounts)})",
            soft_wrap=True,
        )
        console.print(f"  Logs         {stage.logs}", soft_wrap=True)
        console.print(
            "\nRecords are created, edited and archived every few seconds; every sync is "
            "told below. Ctrl-C ends it all.\n"
        )
        _tell_syncs(stage)
    return INTERRUPTED if once else 0


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the demo in order; a second Ctrl-C is not needed and does no harm."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {each: signal.signal(each, on_signal) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Stopped:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _await_first_syncs(stage: Stage) -> None:
    """Until every object has a sync that ended, and the UI answers; shows how it goes."""
    began = monotonic()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        for latest, ready in stage.first_syncs():
            live.update(_progress(latest, ready, monotonic() - began))


def _progress(latest: Mapping[Target, SyncResult | None], ready: bool, seconds: float) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    state = "answers" if ready else "is loading"
    table.add_row(f"{seconds:4.0f} s", f"The Dagster UI {state}; waiting for the first syncs.")
    by_connection: dict[str, list[tuple[Target, SyncResult | None]]] = {}
    for target, sync in latest.items():
        by_connection.setdefault(target.connection, []).append((target, sync))
    for name, all_of_it in by_connection.items():
        if len(by_connection) > 1:
            ended = sum(sync is not None and sync.finished_at is not None for _, sync in all_of_it)
            table.add_row("", f"{name:<20} {ended} of {len(all_of_it)} objects")
            continue
        for target, sync in all_of_it:
            told = "waiting for its run"
            if sync is not None:
                told = f"{sync.status.value}, {sync.counts.fetched:,} records"
            table.add_row("", f"{target.object:<12} {told}")
    return table


def _show_latest(stage: Stage, title: str) -> None:
    for account in stage.accounts:
        syncs = [
            sync
            for target, sync in stage.latest_syncs().items()
            if sync is not None and target.connection == account.connection
        ]
        label = stage.platform.connector(account.connector).label
        _show(syncs, f"{title}: {label}" if len(stage.accounts) > 1 else title)


def _show(syncs: list[SyncResult], title: str) -> None:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("object", "mode", "status"):
        table.add_column(name, overflow="fold")  # whole, on a second line where there is no room
    for name in ("fetched", "created", "updated", "deleted", "s"):
        table.add_column(name, justify="right")
    for sync in syncs:
        counts = sync.counts
        numbers = (counts.fetched, counts.created, counts.updated, counts.deleted)
        table.add_row(
            sync.target.object,
            sync.mode.value,
            sync.status.value,
            *(f"{number:,}" for number in numbers),
            f"{sync.seconds or 0:.2f}",
        )
    console.print(table)
    for sync in syncs:
        if sync.error:
            console.print(f"[red]{escape(f'{sync.target.object}: {sync.error}')}")


def _tell_syncs(stage: Stage) -> None:
    """A line for every sync that ends, until Ctrl-C."""
    names = [each.connection for each in stage.accounts]
    told = {it.id for name in names for it in stage.platform.history(name) if it.finished_at}
    while True:
        stage.processes.check()
        for sync in [it for name in names for it in reversed(stage.platform.history(name))]:
            if sync.finished_at is None or sync.id in told:
                continue
            told.add(sync.id)
            counts = sync.counts
            what = str(sync.target) if len(names) > 1 else sync.target.object
            console.print(
                f"{sync.finished_at:%H:%M:%S}  {what:<12} {sync.mode.value:<12} "
                f"{counts.fetched:>6,} fetched  {counts.created:>4,} created  "
                f"{counts.updated:>4,} updated  {counts.deleted:>4,} deleted  "
                f"{sync.seconds:6.2f} s" + (f"  [red]{escape(sync.error)}" if sync.error else ""),
                soft_wrap=True,
            )
        stage.pause(1.0)


def _change_and_compare(stage: Stage) -> int:
    """Change records at the vendor, sync what changed, change more, sync in full, compare."""
    failed = [sync for sync in stage.latest_syncs().values() if sync and sync.error]
    if failed:
        raise Unexpected(f"{len(failed)} of the first syncs failed.")
    for title, full in (
        ("After changes, an incremental sync", False),
        ("After more changes, a full sync", True),
    ):
        for account in stage.accounts:
            _change(stage, account)
        stage.pause(SEARCH_LAG + 1)  # until the vendors' search indexes have caught up
        for account in stage.accounts:
            _sync_all(stage, account, full=full)
        _show_latest(stage, title)
    found = [
        f"{account.connection}: {difference}"
        for account in stage.accounts
        for each in stage.platform.connection(account.connection).objects
        for difference in differences(
            stage.platform, account.url, Target(account.connection, each.object)
        )
    ]
    if found:
        for difference in found[:20]:
            console.print(f"[red]{escape(difference)}")
        raise Unexpected(f"Postgres differs from the sandbox in {len(found)} places.")
    which = "the sandbox" if len(stage.accounts) == 1 else f"{len(stage.accounts)} sandboxes"
    console.print(f"[green]Postgres equals {which}, record by record.")
    return 0


def _change(stage: Stage, account: Account) -> None:
    """A few changes to every object that can be changed; most to the first."""
    objects = [each.object for each in stage.platform.connection(account.connection).objects]
    for object in objects:
        many = (25, 40, 10) if object == "contacts" else (5, 8, 2)
        account.change(object, *many)


def _sync_all(stage: Stage, account: Account, *, full: bool) -> None:
    """One Dagster run over all objects, asked for as the API does; waits for it."""
    platform, name = stage.platform, account.connection
    asked = platform.request_syncs(name, Asked(full_sync=full), by="the demo")
    while not asked.status.ended:
        stage.processes.check()
        stage.pause(0.5)
        asked = platform.sync_request(name, asked.id)
    if asked.status is not AskedStatus.SUCCEEDED:
        links = ", ".join(platform.runs.link(each) for each in asked.run_ids)
        raise Unexpected(f"The run over {name} ended as {asked.status}: {links}")
