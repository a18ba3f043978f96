"""Old runs, deleted by hand."""

from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster._core.storage.dagster_run import DagsterRunStatus

from sync_platform.defs.partitions import CONNECTION_TAG
from sync_platform.defs.sensors import JOB
from sync_platform.settings import Settings
from sync_platform_tests.cli.conftest import Command
from sync_platform_tests.defs.daemon import projects_dagster

AGED = "UPDATE dagster.runs SET create_timestamp = create_timestamp - interval '3 days'"


@pytest.fixture
def three_days_old(command: Command, settings: Settings, tmp_path: Path) -> None:
    """52 runs of one connection, three days old."""
    canceled, tags = DagsterRunStatus.CANCELED, {CONNECTION_TAG: "acme-hubspot"}
    with projects_dagster(tmp_path) as instance:
        for _ in range(52):
            instance.add_run(dg.DagsterRun(job_name=JOB, status=canceled, tags=tags))
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url) as postgres:
        postgres.execute(AGED)


@pytest.mark.usefixtures("three_days_old")
def test_old_runs_are_counted_and_deleted_but_for_the_newest_50(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("prune-runs").stdout == "Deleted 0 old runs.\n"
    assert command("prune-runs --older-than 2 --dry-run").stdout == "2 old runs would be deleted.\n"
    monkeypatch.setenv("SYNC_PLATFORM_PRUNE_RUNS_AFTER", "2")
    assert command("prune-runs").stdout == "Deleted 2 old runs.\n"
    assert command("prune-runs").stdout == "Deleted 0 old runs.\n"


def test_where_old_runs_are_kept_for_ever_it_must_be_told_how_old(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_PLATFORM_PRUNE_RUNS_AFTER", "never")
    refused = command("prune-runs")
    assert refused.exit_code == 3
    assert "is never. Say how old: --older-than 7." in refused.stderr
    assert command("prune-runs --older-than 7").stdout == "Deleted 0 old runs.\n"


def test_a_database_that_cannot_be_reached_is_told_of_in_a_sentence(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_PLATFORM_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    away = command("prune-runs")
    assert (away.exit_code, away.stdout) == (5, "")
