"""The files of what runs: who runs which part, Dagster's own folder, its code server's place."""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import sync_platform
from sync_platform.errors import ConfigurationError, Refused

LONGEST_SOCKET = 100  # characters: the system takes 107


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A part that runs, as `up` wrote it down."""

    part: str
    address: str | None
    pid: int  # of the `up` that runs it


class Register:
    """Which parts run in a home: a file each, locked by the `up` that runs it, so that one that is
    gone cannot be mistaken for one that runs."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "up"
        self._files: list[IO[str]] = []

    def enter(self, addresses: Mapping[str, str | None]) -> list[int]:
        """Write down that this process runs these parts; the files that hold the locks.

        Raises Refused where another runs one of them.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part, address in addresses.items():
            file = (self._folder / f"{part}.json").open("a+")
            self._files.append(file)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                other = _read(file).get("pid", "unknown")
                self.leave()
                raise Refused(
                    f"`sync-platform up` (process {other}) runs the {part} in {self._folder.parent}"
                    " already. Stop that one, or give this one a home of its own with --home."
                ) from None
            file.seek(0)
            file.truncate()
            json.dump({"pid": os.getpid(), "address": address}, file)
            file.flush()
        return [file.fileno() for file in self._files]

    def leave(self) -> None:
        """Let go of all."""
        for file in self._files:
            file.close()
        self._files.clear()

    def running(self) -> list[Entry]:
        """The parts that run now."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            with path.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    known = _read(file)
                    if known:
                        found.append(Entry(part=path.stem, **known))
        return found


def _read(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    with suppress(ValueError):
        return dict(json.loads(file.read()))
    return {}  # it is being written


def socket_path(home: Path) -> Path:
    """Where a home's code server listens: a socket that only its user may open."""
    path = home / "up" / "code.sock"
    if len(str(path)) <= LONGEST_SOCKET:
        return path
    folder = Path(tempfile.gettempdir()) / f"sync_platform-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise ConfigurationError(
            f"The folder {folder} belongs to somebody else, and {home} is too long a name for a "
            "socket in it. Choose a shorter --home, or set TMPDIR to a folder of yours."
        )
    return folder / f"{blake2b(str(home).encode(), digest_size=8).hexdigest()}.sock"


def workspace(home: Path, code_server: str, location: str) -> Path:
    """The file that tells the webserver and the daemon where the code server is, written."""
    place = {"socket": code_server}
    if not code_server.startswith("/"):
        host, _, port = code_server.rpartition(":")
        place = {"host": host, "port": port}
    path = home / "up" / "workspace.yaml"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = "".join(f"      {name}: {value}\n" for name, value in place.items())
    path.write_text(
        "# Written by `sync-platform up` at each start.\nload_from:\n  - grpc_server:\n"
        f"{server}      location_name: {location}\n"
    )
    return path


def dagster_home(home: Path, given: str | None) -> Path:
    """The folder that Dagster is to use: the one that was given, with its dagster.yaml; otherwise
    one in `home`, where the platform's own dagster.yaml is put.

    Raises ConfigurationError where the given one has none.
    """
    if given:
        folder = Path(given).expanduser().absolute()
        if not (folder / "dagster.yaml").is_file():
            raise ConfigurationError(
                f"DAGSTER_HOME is {folder}, which has no dagster.yaml. Copy "
                f"{shipped('dagster.yaml')} there, or leave DAGSTER_HOME out."
            )
        return folder
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(shipped("dagster.yaml"), folder / "dagster.yaml")
    return folder


def shipped(name: str) -> Path:
    """A file of the project's top level: beside the package in a checkout, inside it otherwise."""
    package = Path(sync_platform.__file__).parent
    return next(path for path in (package / name, package.parent / name) if path.is_file())
