"""The embedded Postgres: started for who asks, stopped by who leaves last."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sync_platform.embedded import embedded_postgres
from sync_platform.errors import ConfigurationError

USER = """
import sys
from pathlib import Path
from sync_platform.embedded import start
print(start(Path(sys.argv[1])), flush=True)
input()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's own user may enter, where tests run as root."""
    found = Path(tempfile.mkdtemp(prefix="embedded_"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found, ignore_errors=True)


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def user(home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_it_runs_for_as_long_as_somebody_uses_it_and_keeps_what_it_has(folder: Path) -> None:
    with embedded_postgres(folder / "home") as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (it int)")
        assert answers(url)
    assert not answers(url)
    with embedded_postgres(folder / "home") as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_the_last_one_stops_it_whatever_became_of_the_others(folder: Path) -> None:
    with user(folder / "home") as killed, user(folder / "home") as last:
        assert killed.stdout is not None
        assert last.stdout is not None
        url = killed.stdout.readline().strip()
        assert last.stdout.readline().strip() == url
        killed.kill()
        killed.wait()
        assert answers(url)
        last.communicate("\n")
    assert last.returncode == 0
    assert not answers(url)


def test_it_works_in_a_folder_whose_path_is_too_long_for_a_socket(folder: Path) -> None:
    with embedded_postgres(folder / ("long" * 25)) as url:
        assert answers(url)


def test_it_does_not_start_in_a_temporary_folder_that_somebody_else_put_there(folder: Path) -> None:
    (folder / "theirs").mkdir()
    (folder / f"sync_platform-{os.getuid()}").symlink_to(folder / "theirs")
    ended = subprocess.run(
        [sys.executable, "-c", USER, str(folder / ("long" * 25))],
        env={**os.environ, "TMPDIR": str(folder)},
        input="\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "is not a folder of yours" in ended.stderr
    assert list((folder / "theirs").iterdir()) == []


def test_a_server_that_does_not_start_says_where_its_log_is(folder: Path) -> None:
    with embedded_postgres(folder / "home"):
        pass
    (folder / "home" / "postgres" / "postgresql.conf").write_text("nonsense = 1\n")
    with (
        pytest.raises(ConfigurationError, match=r"postgres/log\. Mend that, or name a server"),
        embedded_postgres(folder / "home"),
    ):
        pass


def test_all_its_files_are_in_its_home(folder: Path) -> None:
    lock = Path(tempfile.gettempdir()) / ".lockfile"
    before = lock.stat().st_mtime if lock.exists() else None
    with user(folder / "home") as one:
        assert one.stdout is not None
        assert one.stdout.readline()
        one.communicate("\n")
    assert (folder / "home" / "run" / "python_PostgresServer" / ".lockfile").exists()
    assert (lock.stat().st_mtime if lock.exists() else None) == before
