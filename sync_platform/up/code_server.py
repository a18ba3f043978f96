"""Dagster's code server: one for the webserver and the daemon, which starts the runs' processes.

Dagster's own command is run in this process. Beside it, a thread looks after what that command
does not: the process behind it, which may die without it; and loading the code anew, when asked to
and when the objects that connections have are others than before.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform

MODULE = "sync_platform.definitions"
LOCATION = "sync_platform"
PING_EVERY = 10.0  # seconds
MISSED = 3  # pings in a row; then it ends, to be started again
RELOAD_WITHIN = 180  # seconds


def main() -> None:
    """`python -m sync_platform.up.code_server ADDRESS`: a socket's path, or host:port."""
    from dagster._cli.code_server import code_server_cli

    place = Place(sys.argv[1])
    migrate()
    place.clear()
    asked = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        asked.set()

    signal.signal(signal.SIGUSR1, on_signal)
    objects = Objects(Platform.from_env())
    watching = threading.Thread(
        target=look_after, args=(place, asked, objects), name="watch", daemon=True
    )
    watching.start()
    options = ["start", "-m", MODULE, "--location-name", LOCATION, "--log-level", "warning"]
    try:
        code_server_cli([*options, *place.options()], prog_name="dagster code-server")
    except subprocess.TimeoutExpired:  # Dagster waits for runs so long, and `up` ends them then
        sys.exit("Some syncs have not ended in the time that they had.")


class Place:
    """Where a code server listens."""

    def __init__(self, address: str) -> None:
        self.socket = Path(address) if address.startswith("/") else None
        self.host, _, port = address.rpartition(":")
        self.port = None if self.socket else int(port)

    def options(self) -> list[str]:
        """For Dagster's command."""
        if self.socket is not None:
            return ["--socket", str(self.socket)]
        return ["--host", self.host, "--port", str(self.port)]

    def client(self) -> Any:
        """Dagster's client for it."""
        from dagster._grpc.client import DagsterGrpcClient

        if self.socket is not None:
            return DagsterGrpcClient(socket=str(self.socket))
        return DagsterGrpcClient(host=self.host, port=self.port)

    def clear(self) -> None:
        """Remove what a killed one left."""
        if self.socket is not None:
            self.socket.unlink(missing_ok=True)


class Objects:
    """The objects that Dagster should know: those of the connectors, and those that only single
    connections have."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._known: set[tuple[str, str]] | None = None

    def changed(self) -> bool:
        """Whether they are others than when this was asked last."""
        try:
            connectors = self._platform.whole_connectors()
        except SyncPlatformError:
            return False  # the store is away: later, then
        before = self._known
        self._known = {(each.name, obj.name) for each in connectors for obj in each.objects}
        return before is not None and before != self._known


def migrate() -> None:
    """Bring Dagster's own tables up to date; one query each where they are."""
    from dagster import DagsterInstance

    with DagsterInstance.get() as instance:
        now, newest = instance.run_storage.alembic_version() or (None, None)
        if now != newest:
            print("Bringing Dagster's tables up to date …", flush=True)
            instance.upgrade()


def look_after(place: Place, asked: threading.Event, objects: Objects) -> None:
    """Reload when need be; end this process when what is behind it no longer answers."""
    client, missed, met = place.client(), 0, False
    objects.changed()
    while True:
        if asked.wait(PING_EVERY) or objects.changed():
            asked.clear()
            reload(client)
        try:
            client.ping("")
        except Exception:  # Dagster's own, and many: all of them mean that it does not answer
            missed += met  # before the first answer its code has not loaded, which it tells itself
        else:
            missed, met = 0, True
        if missed >= MISSED:
            print("The process that holds the code no longer answers.", flush=True)
            os._exit(1)


def reload(client: Any) -> None:
    """Load the code anew: what was in the connectors' folders at the start may have changed."""
    try:
        client.reload_code(timeout=RELOAD_WITHIN)
    except Exception as error:
        print(f"The code could not be loaded anew: {error}", flush=True)
    else:
        print("The code was loaded anew; the webserver and the daemon take it up.", flush=True)


if __name__ == "__main__":
    main()
