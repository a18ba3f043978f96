"""How what runs is said to be doing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.up.health import health
from sync_platform.up.places import Register


@pytest.fixture
def runs_the_daemon(tmp_path: Path) -> Iterator[Path]:
    """A home in which an `up`, this process, runs the daemon."""
    register = Register(tmp_path)
    register.enter({"daemon": None})
    yield tmp_path
    register.leave()


def test_a_database_that_is_away_is_a_daemon_that_is_not_well(
    runs_the_daemon: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_PLATFORM_DATABASE_URL", "postgresql://sync:pass-word@127.0.0.1:9/db")
    for name in ("SYNC_PLATFORM_HOME", "DAGSTER_HOME", "PGCONNECT_TIMEOUT"):
        monkeypatch.setenv(name, "")  # set by what is tested; so they are put back in the end
        monkeypatch.delenv(name)
    (daemon,) = health(runs_the_daemon)
    assert not daemon.well
    assert daemon.found == (
        "Dagster's tables cannot be read (OperationalError): is its database away?"
    )


def test_a_part_that_should_run_and_does_not_is_not_well(runs_the_daemon: Path) -> None:
    (web,) = health(runs_the_daemon, ("web",))
    assert (web.part, web.well) == ("web", False)
    assert web.found == f"No `sync-platform up` in {runs_the_daemon} runs it."


def test_nothing_that_runs_is_not_well(tmp_path: Path) -> None:
    (nothing,) = health(tmp_path)
    assert (nothing.part, nothing.well) == ("up", False)
