"""Dagster learns that a run is gone with the `up` that started it, and which it does not reach."""

import json
import socket
from collections.abc import Iterator

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from sync_platform.defs import launcher
from sync_platform.defs.launcher import UP_TAG, UP_VARIABLE, PlatformRunLauncher, RunsElsewhere
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


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as it:
        yield it


def run_of(instance: DagsterInstance, up: str, **place: object) -> str:
    """A run that this `up` started with its code server at that place; its id."""
    tags = {UP_TAG: up, GRPC_INFO_TAG: json.dumps(place)}
    run = DagsterRun(job_name="job", tags=tags, status=DagsterRunStatus.STARTED)
    return instance.add_run(run).run_id


def ended_by(instance: DagsterInstance, run_id: str) -> bool:
    """What the launcher of another `up` does to it."""
    it = PlatformRunLauncher()
    it.register_instance(instance)
    return it.terminate(run_id)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as it:
        return int(it.getsockname()[1])


def test_a_run_of_another_machine_is_not_asked_through_a_socket_of_the_same_name_here(
    instance: DagsterInstance, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(UP_VARIABLE, "ours")
    run_id = run_of(instance, "theirs", host="localhost", socket="/var/lib/sync/up/code.sock")
    lock = Standing(database, lock_of("theirs"))
    assert lock.take()
    with pytest.raises(RunsElsewhere, match="runs on another machine"):
        ended_by(instance, run_id)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is DagsterRunStatus.STARTED
    lock.close()
    assert not ended_by(instance, run_id)  # that machine is gone: Dagster may cross it out


def test_a_run_whose_machine_does_not_answer_at_its_address_is_not_ended(
    instance: DagsterInstance, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(UP_VARIABLE, "ours")
    run_id = run_of(instance, "theirs", host="127.0.0.1", port=unused_port())
    lock = Standing(database, lock_of("theirs"))
    assert lock.take()
    with pytest.raises(RunsElsewhere):
        ended_by(instance, run_id)
    lock.close()
