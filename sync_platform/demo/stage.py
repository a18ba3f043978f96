"""Everything that the demo runs: Postgres, a sandbox HubSpot, a connection to it, and Dagster."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import sync_platform
from sync_platform.demo.dagster_runs import DagsterRuns
from sync_platform.demo.processes import Processes
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, SyncStatus
from sync_platform.errors import Unexpected
from sync_platform.platform import Platform
from sync_platform.settings import Settings

CONNECTION = "acme-hubspot"
TOKEN = "demo-token"
SEARCH_LAG = 2.0  # seconds; the sandbox's search index is behind, as HubSpot's is
SANDBOX_WITHIN = 30.0  # seconds
FIRST_SYNCS_WITHIN = 240.0  # seconds, on a slow machine


class Stopped(Exception):
    """The person asked to stop."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is running, until `stop` is set."""

    platform: Platform
    processes: Processes
    vendor_url: str
    runs: DagsterRuns
    stop: threading.Event

    def pause(self, seconds: float) -> None:
        """Wait; raises Stopped as soon as somebody asks to stop."""
        pause(self.stop, seconds)

    def latest_syncs(self) -> dict[str, SyncResult | None]:
        """The latest sync of each chosen object; None where there was none yet."""
        chosen = [each.object for each in self.platform.connection(CONNECTION).objects]
        syncs = self.platform.history(CONNECTION)
        return {
            name: next((sync for sync in syncs if sync.target.object == name), None)
            for name in chosen
        }

    def first_syncs(self) -> Iterator[tuple[dict[str, SyncResult | None], bool]]:
        """How it begins, told twice a second: the latest syncs, and whether the UI answers. Ends
        when every object has a sync that ended and the UI answers.

        Raises Unexpected if that takes too long or a process died, and Stopped.
        """
        deadline = monotonic() + FIRST_SYNCS_WITHIN
        while True:
            self.processes.check()
            latest, ready = self.latest_syncs(), self.runs.ready()
            yield latest, ready
            if ready and all(it and it.status is not SyncStatus.RUNNING for it in latest.values()):
                return
            if monotonic() > deadline:
                raise Unexpected(
                    f"Not every first sync ended within {FIRST_SYNCS_WITHIN:.0f} s. "
                    f"The logs are in {self.processes.logs}."
                )
            self.pause(0.5)


def pause(stop: threading.Event, seconds: float) -> None:
    """Wait; raises Stopped as soon as the event is set."""
    if stop.wait(seconds):
        raise Stopped


@contextmanager
def staged(
    settings: Settings,
    *,
    port: int,
    living: bool,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> Iterator[Stage]:
    """Everything started, Dagster's UI at that port; all of it stopped in the end.

    At a `living` vendor, records change by themselves. What is being started is told in sentences.
    Raises Unexpected where something does not start, and Stopped.
    """
    home = settings.home
    processes = Processes(home / "logs")
    platform = Platform(settings)
    try:
        tell("Starting PostgreSQL …")
        url = platform.database_url
        _ = platform.database
        tell("Starting the sandbox HubSpot …")
        vendor_url = _start_sandbox(processes, home, living, stop)
        _connect(platform, vendor_url)
        tell("Starting Dagster's webserver and daemon …")
        _start_dagster(processes, settings, url, port)
        yield Stage(
            platform=platform,
            processes=processes,
            vendor_url=vendor_url,
            runs=DagsterRuns(f"http://127.0.0.1:{port}"),
            stop=stop,
        )
    finally:
        tell("\nStopping …")
        processes.stop()
        platform.close()
        tell("Everything that was started has been stopped.")


def _start_sandbox(processes: Processes, home: Path, living: bool, stop: threading.Event) -> str:
    (home / "sandbox").mkdir(exist_ok=True)
    arguments = ["sync_platform.sandbox", "hubspot", "--port", "0", "--token", TOKEN]
    arguments += ["--state", str(home / "sandbox" / "hubspot.json")]
    arguments += ["--contacts", "1500", "--others", "200", "--search-lag", str(SEARCH_LAG)]
    if living:
        arguments += ["--living", "4"]
    log = processes.start("sandbox-hubspot", arguments, {}, cwd=home)
    deadline = monotonic() + SANDBOX_WITHIN
    while monotonic() < deadline:
        processes.check()
        told = log.read_text()
        if told.endswith("\n"):
            return str(json.loads(told.splitlines()[0])["url"])
        pause(stop, 0.05)
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


def _start_dagster(processes: Processes, settings: Settings, url: str, port: int) -> None:
    home = settings.home
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


def _dagster_home(home: Path) -> Path:
    folder = home / "dagster"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(_shipped("dagster.yaml"), folder / "dagster.yaml")
    return folder


def _shipped(name: str) -> Path:
    """A file of the project's top level: beside the package in a checkout, inside it otherwise."""
    package = Path(sync_platform.__file__).parent
    return next(path for path in (package / name, package.parent / name) if path.is_file())
