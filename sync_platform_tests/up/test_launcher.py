"""Dagster learns that a run is gone with the `up` that started it."""

import pytest
from dagster import DagsterRun
from dagster._core.launcher import WorkerStatus

from sync_platform.defs import launcher
from sync_platform.defs.launcher import UP_TAG, PlatformRunLauncher
from sync_platform.settings import Settings
from sync_platform.store.standing import Standing, lock_of
from sync_platform_tests.environment import variables

RUN = DagsterRun(job_name="job", tags={UP_TAG: "1234"})


class HastyLauncher(PlatformRunLauncher):
    """Does not wait for a lock that may only have lost its session."""

    gone_after = 0.0


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(settings).items():
        monkeypatch.setenv(name, value)


def test_a_run_is_alive_while_the_up_that_started_it_holds_its_lock(database: str) -> None:
    lock, it = Standing(database, lock_of("1234")), HastyLauncher()
    assert lock.take()
    assert it.check_run_worker_health(RUN).status is WorkerStatus.RUNNING
    lock.close()
    gone = it.check_run_worker_health(RUN)
    assert gone.status is WorkerStatus.FAILED
    assert "is gone, and the run with it" in str(gone.msg)


def test_a_lock_that_is_missed_for_a_moment_proves_nothing() -> None:
    assert launcher.PlatformRunLauncher.gone_after == 60
    it = PlatformRunLauncher()
    assert it.check_run_worker_health(RUN).status is WorkerStatus.RUNNING


def test_runs_that_were_started_otherwise_are_taken_for_alive() -> None:
    by_dagster_dev = DagsterRun(job_name="job")
    assert HastyLauncher().check_run_worker_health(by_dagster_dev).status is WorkerStatus.RUNNING
