"""Two runs that people start at once, each a process of its own, as two backfills launch them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from sync_platform.defs.partitions import current_partition
from sync_platform.engine.connections import Connection
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.defs.daemon import projects_dagster
from sync_platform_tests.environment import variables

ACME = "acme-hubspot"
PATIENCE = 60.0  # seconds that a run may take to start on a busy machine
WAITING = """
    SELECT count(DISTINCT pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%pg_try_advisory_lock%'
      AND pid <> pg_backend_pid() AND pid <> ALL (SELECT pid FROM pg_locks
                                                  WHERE locktype = 'advisory' AND granted)
"""


@contextmanager
def a_run(home: Path, partition: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that materializes contacts, as `dagster` does it; killed after the block."""
    asked = ["-m", "sync_platform.definitions", "--select", 'key:"hubspot/contacts"']
    asked += ["--partition", partition]
    process = subprocess.Popen(
        [sys.executable, "-m", "dagster", "asset", "materialize", *asked],
        env={**os.environ, "DAGSTER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_two_runs_at_once_of_one_object_sync_it_one_after_the_other(
    acme: Connection,
    platform: Platform,
    settings: Settings,
    hubspot: HubSpot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables(settings).items():
        monkeypatch.setenv(name, value)
    hubspot.add_many("contacts", 20)
    today = current_partition(ACME, "day", platform.settings.first_day)
    with projects_dagster(tmp_path) as instance:
        instance.add_dynamic_partitions("hubspot_connections", [ACME])
    with ExitStack() as stack:
        with platform.leases.hold(Target(ACME, "contacts"), wait=timedelta(0)):
            runs = [stack.enter_context(a_run(tmp_path, today)) for _ in range(2)]
            with psycopg.connect(platform.database_url, autocommit=True) as watching:
                until = time.monotonic() + PATIENCE
                while watching.execute(WAITING).fetchone() != (2,):
                    assert time.monotonic() < until, "they do not wait for the lease"
                    ended = [run for run in runs if run.poll() is not None]
                    assert not ended, ended[0].communicate()[0]
                    time.sleep(0.05)
        for run in runs:
            said, _ = run.communicate(timeout=PATIENCE)
            assert run.returncode == 0, said
    second, first = platform.history(ACME)
    assert [first.status, second.status] == [SyncStatus.SUCCEEDED] * 2
    assert first.finished_at is not None
    assert first.finished_at <= second.started_at
    assert first.counts.created == 20
    assert second.counts.created == 0
