"""What the demo does, step by step, and what it shows on the way."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from types import FrameType

import httpx
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from sync_platform.demo.compare import differences
from sync_platform.demo.stage import CONNECTION, SEARCH_LAG, Stage, Stopped, staged
from sync_platform.engine.requested import Asked, AskedStatus
from sync_platform.engine.results import SyncResult, Target
from sync_platform.errors import Unexpected
from sync_platform.settings import Settings
from sync_platform.up.processes import refuse_busy_port

INTERRUPTED = 130  # the exit code of --once when it could not compare

console = Console(highlight=False)


def run_demo(*, port: int, dagster_port: int, home: Path | None, once: bool) -> int:
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
            f"  Tables       psql '{stage.platform.database_url}'  (schema acme_hubspot)",
            soft_wrap=True,
        )
        console.print(f"  Logs         {stage.logs}", soft_wrap=True)
        console.print(
            "\nContacts are created, edited and archived every few seconds; every sync is "
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


def _progress(latest: Mapping[str, SyncResult | None], ready: bool, seconds: float) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    state = "answers" if ready else "is loading"
    table.add_row(f"{seconds:4.0f} s", f"The Dagster UI {state}; waiting for the first syncs.")
    for name, sync in latest.items():
        told = "waiting for its run"
        if sync is not None:
            told = f"{sync.status.value}, {sync.counts.fetched:,} records"
        table.add_row("", f"{name:<12} {told}")
    return table


def _show_latest(stage: Stage, title: str) -> None:
    _show([sync for sync in stage.latest_syncs().values() if sync is not None], title)


def _show(syncs: list[SyncResult], title: str) -> None:
    table = Table(
        title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False
    )  # 79 characters wide
    for name in ("object", "mode", "status"):
        table.add_column(name)
    for name in ("fetched", "created", "updated", "deleted", "seconds"):
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
    told = {sync.id for sync in stage.platform.history(CONNECTION) if sync.finished_at}
    while True:
        stage.processes.check()
        for sync in reversed(stage.platform.history(CONNECTION)):
            if sync.finished_at is None or sync.id in told:
                continue
            told.add(sync.id)
            counts = sync.counts
            console.print(
                f"{sync.finished_at:%H:%M:%S}  {sync.target.object:<12} {sync.mode.value:<12} "
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
        _change(stage)
        stage.pause(SEARCH_LAG + 1)  # until the vendor's search index has caught up
        _sync_all(stage, full=full)
        _show_latest(stage, title)
    found = [
        difference
        for each in stage.platform.connection(CONNECTION).objects
        for difference in differences(
            stage.platform, stage.vendor_url, Target(CONNECTION, each.object)
        )
    ]
    if found:
        for difference in found[:20]:
            console.print(f"[red]{escape(difference)}")
        raise Unexpected(f"Postgres differs from the sandbox in {len(found)} places.")
    console.print("[green]Postgres equals the sandbox, record by record.")
    return 0


def _change(stage: Stage) -> None:
    for name, creates, updates, archives in (("contacts", 25, 40, 10), ("deals", 5, 8, 2)):
        wish = {"object": name, "creates": creates, "updates": updates, "archives": archives}
        answer = httpx.post(
            f"{stage.vendor_url}/_sandbox/change", json=wish, timeout=30, trust_env=False
        )
        answer.raise_for_status()


def _sync_all(stage: Stage, *, full: bool) -> None:
    """One Dagster run over all objects, asked for as the API does; waits for it."""
    platform = stage.platform
    asked = platform.request_syncs(CONNECTION, Asked(full_sync=full), by="the demo")
    while not asked.status.ended:
        stage.processes.check()
        stage.pause(0.5)
        asked = platform.sync_request(CONNECTION, asked.id)
    if asked.status is not AskedStatus.SUCCEEDED:
        links = ", ".join(platform.runs.link(each) for each in asked.run_ids)
        raise Unexpected(f"The run ended as {asked.status}: {links}")
