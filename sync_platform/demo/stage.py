"""Everything that the demo runs: Postgres, sandbox vendors, connections to them, and Dagster."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import IO

from sync_platform.demo import accounts
from sync_platform.demo.accounts import Account
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.errors import Unexpected
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform.up.line_up import CHOICES, Address, LineUp
from sync_platform.up.running import raised
from sync_platform.up.supervising import Restarts, Supervisor

HOST = "127.0.0.1"
RUNS_END_WITHIN = 3.0  # seconds when the demo is stopped; the next one goes on where they were
FIRST_SYNCS_WITHIN = 240.0  # seconds for each connection, on a slow machine


class Stopped(Exception):
    """The person asked to stop."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is running, until `stop` is set."""

    platform: Platform
    processes: Supervisor
    logs: Path
    accounts: Sequence[Account]
    stop: threading.Event

    def pause(self, seconds: float) -> None:
        """Wait; raises Stopped as soon as somebody asks to stop."""
        pause(self.stop, seconds)

    def latest_syncs(self) -> dict[Target, SyncResult | None]:
        """The latest sync of each chosen object; None where there was none yet."""
        latest: dict[Target, SyncResult | None] = {}
        for account in self.accounts:
            connection = self.platform.connection(account.connection)
            syncs = self.platform.history(connection.name, limit=4 * len(connection.objects))
            for each in connection.objects:
                target = Target(connection.name, each.object)
                latest[target] = next((sync for sync in syncs if sync.target == target), None)
        return latest

    def first_syncs(self) -> Iterator[tuple[dict[Target, SyncResult | None], bool]]:
        """How it begins, told twice a second: the latest syncs, and whether the UI answers. Ends
        when every object has a sync that ended and the UI answers.

        Raises Unexpected if that takes too long or a process died, and Stopped.
        """
        within = FIRST_SYNCS_WITHIN * len(self.accounts)
        deadline = monotonic() + within
        while True:
            self.processes.check()
            latest, ready = self.latest_syncs(), self.platform.runs.ready()
            yield latest, ready
            if ready and all(it and it.status is not SyncStatus.RUNNING for it in latest.values()):
                return
            if monotonic() > deadline:
                raise Unexpected(
                    f"Not every first sync ended within {within:.0f} s. "
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
    connectors: str = "hubspot",
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
            connected = _connected(it.platform, it.supervisor, connectors, logs, living, stop, tell)
            tell("Starting Dagster and the web pages …" if web_port else "Starting Dagster …")
            it.supervisor.add(*it.line_up.build())
            try:
                yield Stage(
                    platform=it.platform,
                    processes=it.supervisor,
                    logs=logs.folder,
                    accounts=connected,
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


def _connected(
    platform: Platform,
    supervisor: Supervisor,
    connectors: str,
    logs: Logs,
    living: bool,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> list[Account]:
    """The accounts, at sandboxes that were started."""
    names = accounts.chosen(platform, connectors)
    labels = ", ".join(platform.connector(name).label for name in names)
    tell(f"Starting the sandbox {labels} …")
    folder = platform.settings.home / "sandbox"
    accounts.served(supervisor, names, folder, logs.folder, living=living)
    found: list[Account] = []
    for account in accounts.listening(supervisor, names, logs.folder, stop):
        if account is None:
            pause(stop, 0.05)
            continue
        accounts.connect(platform, account)
        found.append(account)
    return found
