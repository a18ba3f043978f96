"""What the demo does, step by step, and what it shows on the way."""

import json
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from types import FrameType

import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Table

import sync_platform
from sync_platform.demo.compare import differences
from sync_platform.demo.dagster_runs import DagsterRuns
from sync_platform.demo.processes import Processes, refuse_busy_port
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.errors import Unexpected
from sync_platform.platform import Platform
from sync_platform.settings import Settings

CONNECTION = "acme-hubspot"
TOKEN = "demo-token"
SEARCH_LAG = 2.0  # seconds; the sandbox's search index is behind, as HubSpot's is
FIRST_SYNCS_WITHIN = 240.0  # seconds, on a slow machine

console = Console(highlight=False)


@dataclass
class Stage:
    """The parts of a running demo."""

    platform: Platform
    processes: Processes
    vendor_url: str
    runs: DagsterRuns


def run_demo(*, port: int, home: Path | None, once: bool) -> int:
    """Run the demo; 0 when it ended well. Raises SyncPlatformError where it cannot begin."""
    refuse_busy_port(port)
    settings = Settings.from_env()
    settings = replace(settings, home=(home or settings.home).absolute(), grain="day")
    settings.home.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    with _signals(stop), _staged(settings, port, once, stop) as stage:
        _await_first_syncs(stage, stop)
        _show_latest(stage, "The first syncs" if once else "What is there now")
        if once:
            return _change_and_compare(stage, stop)
        console.print()
        console.print(f"  Dagster UI   {stage.runs.url}")
        console.print(f"  Tables       psql '{stage.platform.database_url}'  (schema acme_hubspot)")
        console.print(f"  Logs         {stage.processes.logs}")
        console.print(
            "\nContacts are created, edited and archived every few seconds; every sync is "
            "told below. Ctrl-C ends it all.\n"
        )
        _tell_syncs(stage, stop)
        return 0


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the demo in order; a second Ctrl-C is not needed and does no harm."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {each: signal.signal(each, on_signal) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Stopped:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Stopped(Exception):
    """The person asked to stop."""


def _pause(stop: threading.Event, seconds: float) -> None:
    if stop.wait(seconds):
        raise _Stopped


@contextmanager
def _staged(settings: Settings, port: int, once: bool, stop: threading.Event) -> Iterator[Stage]:
    """Everything started; all of it stopped in the end."""
    home = settings.home
    processes = Processes(home / "logs")
    platform = Platform(settings)
    try:
        console.print("Starting PostgreSQL …")
        url = platform.database_url
        _ = platform.database
        console.print("Starting the sandbox HubSpot …")
        vendor_url = _start_sandbox(processes, home, once, stop)
        _connect(platform, vendor_url)
        console.print("Starting Dagster's webserver and daemon …")
        env = {
            "SYNC_PLATFORM_DATABASE_URL": url,
            "SYNC_PLATFORM_HOME": str(home),
            "SYNC_PLATFORM_PARTITION_GRAIN": settings.grain,
            "DAGSTER_HOME": str(_dagster_home(home)),
            "PYTHONWARNINGS": "ignore",
        }
        workspace = str(_shipped("workspace.yaml"))
        webserver = ["dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-w", workspace]
        processes.start("webserver", webserver, env, cwd=home)
        processes.start("daemon", ["dagster._daemon", "run", "-w", workspace], env, cwd=home)
        yield Stage(platform, processes, vendor_url, DagsterRuns(f"http://127.0.0.1:{port}"))
    finally:
        console.print("\nStopping …")
        processes.stop()
        platform.close()
        console.print("Everything that was started has been stopped.")


def _start_sandbox(processes: Processes, home: Path, once: bool, stop: threading.Event) -> str:
    (home / "sandbox").mkdir(exist_ok=True)
    arguments = ["sync_platform.sandbox", "hubspot", "--port", "0", "--token", TOKEN]
    arguments += ["--state", str(home / "sandbox" / "hubspot.json")]
    arguments += ["--contacts", "1500", "--others", "200", "--search-lag", str(SEARCH_LAG)]
    if not once:
        arguments += ["--living", "4"]
    log = processes.start("sandbox-hubspot", arguments, {}, cwd=home)
    deadline = monotonic() + 30
    while monotonic() < deadline:
        processes.check()
        told = log.read_text()
        if told.endswith("\n"):
            return str(json.loads(told.splitlines()[0])["url"])
        _pause(stop, 0.05)
    raise Unexpected(f"The sandbox did not start. Its output is in {log}.")


def _connect(platform: Platform, vendor_url: str) -> None:
    """Make the demo's connection, or give it the sandbox's new address."""
    secret = Secret({"token": TOKEN})
    if any(each.name == CONNECTION for each in platform.connections()):
        platform.reconnect(CONNECTION, secret, base_url=vendor_url)
        return
    platform.connect("hubspot", CONNECTION, secret, base_url=vendor_url)
    shortest = platform.connector("hubspot").interval.shortest
    platform.set_interval(CONNECTION, shortest)


def _dagster_home(home: Path) -> Path:
    folder = home / "dagster"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(_shipped("dagster.yaml"), folder / "dagster.yaml")
    return folder


def _shipped(name: str) -> Path:
    """A file of the project's top level: beside the package in a checkout, inside it otherwise."""
    package = Path(sync_platform.__file__).parent
    return next(path for path in (package / name, package.parent / name) if path.is_file())


def _await_first_syncs(stage: Stage, stop: threading.Event) -> None:
    """Until every object has a sync that ended, and the UI answers; shows how it goes."""
    deadline = monotonic() + FIRST_SYNCS_WITHIN
    began = monotonic()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            stage.processes.check()
            latest = _latest(stage)
            ready = stage.runs.ready()
            live.update(_progress(latest, ready, monotonic() - began))
            ended = [it for it in latest.values() if it and it.status is not SyncStatus.RUNNING]
            if ready and len(ended) == len(latest):
                return
            if monotonic() > deadline:
                raise Unexpected(
                    f"Not every first sync ended within {FIRST_SYNCS_WITHIN:.0f} s. "
                    f"The logs are in {stage.processes.logs}."
                )
            _pause(stop, 0.5)


def _latest(stage: Stage) -> dict[str, SyncResult | None]:
    """The latest sync of each chosen object."""
    chosen = [each.object for each in stage.platform.connection(CONNECTION).objects]
    syncs = stage.platform.history(CONNECTION)
    return {
        name: next((sync for sync in syncs if sync.target.object == name), None) for name in chosen
    }


def _progress(latest: dict[str, SyncResult | None], ready: bool, seconds: float) -> Table:
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
    _show([sync for sync in _latest(stage).values() if sync is not None], title)


def _show(syncs: list[SyncResult], title: str) -> None:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
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
            console.print(f"[red]{sync.target.object}: {sync.error}")


def _tell_syncs(stage: Stage, stop: threading.Event) -> None:
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
                f"{sync.seconds:6.2f} s" + (f"  [red]{sync.error}" if sync.error else "")
            )
        _pause(stop, 1.0)


def _change_and_compare(stage: Stage, stop: threading.Event) -> int:
    """Change records at the vendor, sync what changed, change more, sync in full, compare."""
    failed = [sync for sync in _latest(stage).values() if sync and sync.error]
    if failed:
        raise Unexpected(f"{len(failed)} of the first syncs failed.")
    for title, mode in (
        ("After changes, an incremental sync", "incremental"),
        ("After more changes, a full sync", "full"),
    ):
        _change(stage)
        _pause(stop, SEARCH_LAG + 1)  # until the vendor's search index has caught up
        _sync_all(stage, mode)
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
            console.print(f"[red]{difference}")
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


def _sync_all(stage: Stage, mode: str) -> None:
    """One Dagster run over all objects; waits for it."""
    platform = stage.platform
    assets = [["hubspot", each.object] for each in platform.connection(CONNECTION).objects]
    today = platform.clock.now().date().isoformat()
    run_id = stage.runs.launch(assets, connection=CONNECTION, date=today, mode=mode)
    stage.runs.wait(run_id, stage.processes.check)
