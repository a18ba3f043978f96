"""An installation's Dagster, whose runs grow old when a test says so."""

from collections.abc import Iterator, Set
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from sync_platform.defs.pruning import Pruned, prune
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform_tests.defs.daemon import projects_dagster
from sync_platform_tests.defs.runs import Dagster
from sync_platform_tests.environment import variables
from sync_platform_tests.fakes import FakeClock

ACME = "acme-hubspot"
CONTACTS, OWNERS = ("hubspot", "contacts"), ("hubspot", "owners")
MONDAY, TUESDAY, WEDNESDAY = (f"{ACME}|2024-02-0{day}" for day in (5, 6, 7))
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    """It shows the present and moves when a test says so."""
    return FakeClock(datetime.now(UTC))


@pytest.fixture
def instance(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """Dagster as an installation has it, with its storage in Postgres."""
    for name, value in variables(settings).items():
        monkeypatch.setenv(name, value)
    with projects_dagster(tmp_path) as it:
        yield it


def pruned(dagster: Dagster, platform: Platform, newest: int = 0) -> Set[str]:
    """Prune an hour later whatever has ended by then; the runs that are gone."""
    assert isinstance(platform.clock, FakeClock)
    platform.clock.pass_by(HOUR)
    before = ids(dagster.instance)
    found = prune(dagster.instance, platform, timedelta(0), newest=newest)
    gone = before - ids(dagster.instance)
    assert found == Pruned(runs=len(gone))
    return gone


def ids(instance: dg.DagsterInstance) -> Set[str]:
    return {each.run_id for each in instance.get_runs()}
