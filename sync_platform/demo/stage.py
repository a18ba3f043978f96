"""Everything that the demo runs: Postgres, a sandbox HubSpot, a connection to it, and Dagster."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import IO

from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, SyncStatus
from sync_platform.errors import Unexpected
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform.up.line_up import CHOICES, Address, LineUp
from sync_platform.up.running import raised
from sync_platform.up.supervising import Part, Restarts, Supervisor

CONNECTION = "acme-hubspot"
TOKEN = "demo-token"
HOST = "127.0.0.1"
SANDBOX = "sandbox-hubspot"
RUNS_END_WITHIN = 3.0  # seconds when the demo is stopped; the next one goes on where they were
SEARCH_LAG = 2.0  # seconds; the sandbox's search index is behind, as HubSpot's is
SANDBOX_WITHIN = 30.0  # seconds
FIRST_SYNCS_WITHIN = 240.0  # seconds, on a slow machine


class Stopped(Exception):
    """The person asked to stop."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is running, until `stop` is set."""

    platform: Platform
    processes: Supervisor
    logs: Path
    vendor_url: str
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
            latest, ready = self.latest_syncs(), self.platform.runs.ready()
            yield latest, ready
            if ready and all(it and it.status is not SyncStatus.RUNNING for it in latest.values()):
                return
            if monotonic() > deadline:
                raise Unexpected(
                    f"Not every first sync ended within {FIRST_SYNCS_WITHIN:.0f} s. "
                    f"The logs are in {self.logs}."
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
    web_port: int | None = None,
) -> Iterator[Stage]:
    """Everything started, Dagster's UI at `port`, the web pages at theirs if there is one; all of
    it stopped in the end.

    At a `living` vendor, records change by themselves. What is being started is told in sentences.
    Raises Unexpected where something does not start or dies, and Stopped.
    """
    dagster, pages = Address(host=HOST, port=port), Address(host=HOST, port=web_port or 8000)
    settings = replace(settings, dagster_url=dagster.url, public_url=pages.url)
    line_up = LineUp(
        settings=settings,
        parts=CHOICES if web_port else ("webserver", "daemon"),
        web=pages,
        webserver=dagster,
        grace=RUNS_END_WITHIN,
    )
    logs = Logs(settings.home / "logs")
    tell("Starting PostgreSQL …")
    try:
        with raised(line_up, hear=logs.hear, say=lambda _: None, restarts=Restarts(most=0)) as it:
            tell("Starting the sandbox HubSpot …")
            vendor_url = _start_sandbox(it.supervisor, logs, settings.home, living, stop)
            _connect(it.platform, vendor_url)
            tell("Starting Dagster and the web pages …" if web_port else "Starting Dagster …")
            it.supervisor.add(*it.line_up.build())
            try:
                yield Stage(
                    platform=it.platform,
                    processes=it.supervisor,
                    logs=logs.folder,
                    vendor_url=vendor_url,
                    stop=stop,
                )
            finally:
                tell("\nStopping …")
    finally:
        logs.close()
        tell("Everything that was started has been stopped.")


class Logs:
    """What the processes say: a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, IO[str]] = {}
        self._one_at_a_time = threading.Lock()

    def path(self, name: str) -> Path:
        """The file of that process."""
        return self.folder / f"{name}.log"

    def hear(self, name: str, line: str) -> None:
        """A line that it said."""
        with self._one_at_a_time:
            if name not in self._files:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._files[name] = self.path(name).open("w", encoding="utf-8")
            self._files[name].write(f"{line}\n")
            self._files[name].flush()

    def close(self) -> None:
        """Nothing more will be said."""
        with self._one_at_a_time:
            for file in self._files.values():
                file.close()
            self._files.clear()


def _start_sandbox(
    supervisor: Supervisor, logs: Logs, home: Path, living: bool, stop: threading.Event
) -> str:
    """Its address."""
    (home / "sandbox").mkdir(exist_ok=True)
    logs.path(SANDBOX).unlink(missing_ok=True)
    arguments = ["sync_platform.sandbox", "hubspot", "--port", "0", "--token", TOKEN]
    arguments += ["--state", str(home / "sandbox" / "hubspot.json")]
    arguments += ["--contacts", "1500", "--others", "200", "--search-lag", str(SEARCH_LAG)]
    if living:
        arguments += ["--living", "4"]
    log = logs.path(SANDBOX)
    supervisor.add(Part(name=SANDBOX, arguments=arguments, cwd=home, ready=log.exists))
    deadline = monotonic() + SANDBOX_WITHIN
    while monotonic() < deadline:
        supervisor.check()
        told = log.read_text() if log.exists() else ""
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
