"""Which old runs stay, so that nothing changes that Dagster shows."""

from collections.abc import Set
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG

from sync_platform.defs.partitions import CONNECTION_TAG
from sync_platform.defs.pruning import Pruned, prune
from sync_platform.defs.sensors import JOB
from sync_platform.engine.ports import Secret
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.defs.daemon import Daemon
from sync_platform_tests.defs.pruning.conftest import (
    ACME,
    CONTACTS,
    MONDAY,
    OWNERS,
    TUESDAY,
    WEDNESDAY,
    WEEK,
    ids,
    pruned,
)
from sync_platform_tests.defs.runs import Dagster, Run
from sync_platform_tests.fakes import FakeClock

BETA = "beta-hubspot"
REVOKED, TOKEN = Secret({"token": "revoked"}), Secret({"token": "sandbox-token"})
pytestmark = pytest.mark.usefixtures("acme")


def failing(dagster: Dagster, platform: Platform, partition: str) -> Run:
    """A run over contacts that fails, because the sign-in was revoked for its time."""
    platform.reconnect(ACME, TOKEN)
    platform.credentials.save(ACME, REVOKED)
    run = dagster.run([CONTACTS], partition)
    platform.reconnect(ACME, TOKEN)
    assert not run.ok
    return run


def shown(dagster: Dagster, *key: str) -> tuple[Set[str], Set[str]]:
    """The partitions that the map of dates shows as materialized and as failed, made anew from
    what Dagster has stored."""
    asset = dg.AssetKey(key)
    partitions = dagster.definitions.resolve_assets_def(asset).partitions_def
    assert partitions is not None
    dagster.instance.wipe_asset_cached_status([asset])
    seen = get_and_update_asset_status_cache_value(dagster.instance, asset, partitions)
    assert seen is not None
    return (
        set(seen.deserialize_materialized_partition_subsets(partitions).get_partition_keys()),
        set(seen.deserialize_failed_partition_subsets(partitions).get_partition_keys()),
    )


def test_the_map_of_dates_is_the_same_before_and_after(
    dagster: Dagster, platform: Platform
) -> None:
    """Tuesday was materialized and failed later, Wednesday only failed."""
    runs = [
        dagster.run([CONTACTS], MONDAY),
        dagster.run([CONTACTS], MONDAY),
        dagster.run([CONTACTS], TUESDAY),
        failing(dagster, platform, TUESDAY),
        failing(dagster, platform, TUESDAY),
        failing(dagster, platform, WEDNESDAY),
    ]
    before = shown(dagster, *CONTACTS)
    assert before == ({MONDAY, TUESDAY}, {TUESDAY, WEDNESDAY})
    assert pruned(dagster, platform) == {runs[0].id, runs[3].id}
    assert shown(dagster, *CONTACTS) == before


def test_a_run_stays_for_a_single_partition_of_a_single_object_that_no_other_materialized(
    dagster: Dagster, platform: Platform
) -> None:
    both = dagster.run([CONTACTS, OWNERS], (MONDAY, TUESDAY))
    dagster.run([CONTACTS], (MONDAY, TUESDAY))
    dagster.run([OWNERS], MONDAY)
    assert pruned(dagster, platform) == set()
    dagster.run([OWNERS], TUESDAY)
    assert pruned(dagster, platform) == {both.id}


def test_a_run_stays_until_it_ended_so_many_days_ago(
    dagster: Dagster, platform: Platform, clock: FakeClock
) -> None:
    for _ in range(2):
        dagster.run([CONTACTS], MONDAY)
    clock.pass_by(timedelta(days=6, hours=23))
    assert prune(dagster.instance, platform, WEEK, newest=0) == Pruned(runs=0)
    clock.pass_by(timedelta(hours=2))
    assert prune(dagster.instance, platform, WEEK, newest=0) == Pruned(runs=1)


def test_the_newest_runs_of_each_connection_stay(
    dagster: Dagster, platform: Platform, hubspot: HubSpot
) -> None:
    platform.connect("hubspot", BETA, TOKEN, base_url=hubspot.url)
    dagster.instance.add_dynamic_partitions("hubspot_connections", [BETA])
    acmes = [dagster.run([CONTACTS], MONDAY).id for _ in range(4)]
    for _ in range(2):
        dagster.run([CONTACTS], f"{BETA}|2024-02-05")
    assert pruned(dagster, platform, newest=3) == {acmes[0]}


@pytest.mark.parametrize(
    "status", [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
)
def test_a_run_that_has_not_ended_stays(
    dagster: Dagster, platform: Platform, status: DagsterRunStatus
) -> None:
    tags = {CONNECTION_TAG: ACME}
    for each in (status, DagsterRunStatus.CANCELED):
        dagster.instance.add_run(dg.DagsterRun(job_name=JOB, status=each, tags=tags))
    assert len(pruned(dagster, platform)) == 1
    assert [each.status for each in dagster.instance.get_runs()] == [status]


def test_runs_of_other_peoples_assets_and_jobs_stay_even_where_they_have_our_tag(
    dagster: Dagster, platform: Platform, instance: dg.DagsterInstance
) -> None:
    """The tag is what dagster.yaml limits by, so that others may want it, too."""

    @dg.asset
    def contacts_by_stage() -> None: ...

    @dg.job
    def refreshed() -> None: ...

    theirs = dg.Definitions(assets=[contacts_by_stage])
    for _ in range(2):
        Dagster(instance, theirs).run([["contacts_by_stage"]], tags={CONNECTION_TAG: ACME})
        refreshed.execute_in_process(instance=instance, tags={CONNECTION_TAG: ACME})
        instance.add_run(dg.DagsterRun(job_name=JOB, status=DagsterRunStatus.SUCCESS))
    assert len(ids(instance)) == 6
    assert pruned(dagster, platform) == set()


def test_the_latest_outcome_of_a_check_stays_where_a_later_run_had_none(
    dagster: Dagster, platform: Platform
) -> None:
    key = dg.AssetCheckKey(dg.AssetKey(CONTACTS), "rejected")
    checked = dagster.run([CONTACTS], MONDAY)
    job = dagster.definitions.resolve_implicit_global_asset_job_def()
    unchecked = job.get_subset(asset_selection={key.asset_key}, asset_check_selection=set())
    assert unchecked.execute_in_process(instance=dagster.instance, partition_key=MONDAY).success
    storage = dagster.instance.event_log_storage
    assert storage.get_latest_asset_check_execution_by_key([key])[key].run_id == checked.id
    assert pruned(dagster, platform) == set()
    latest = dagster.run([CONTACTS], MONDAY)
    assert checked.id in pruned(dagster, platform)
    assert storage.get_latest_asset_check_execution_by_key([key])[key].run_id == latest.id


def test_the_latest_observation_of_an_object_stays(
    dagster: Dagster, platform: Platform, instance: dg.DagsterInstance
) -> None:
    @dg.asset(key=list(CONTACTS))
    def observed(context: dg.AssetExecutionContext) -> None:
        if "observe" in context.run.tags:
            context.log_event(dg.AssetObservation(context.asset_key))

    observing = Dagster(instance, dg.Definitions(assets=[observed]))
    tags = {CONNECTION_TAG: ACME}
    runs = [
        observing.run([CONTACTS], tags={**tags, **more})
        for more in ({"observe": "true"}, {}, {})  # the last one materializes last
    ]
    assert pruned(dagster, platform) == {runs[1].id}


def test_a_run_that_was_executed_again_stays_as_long_as_its_repetition(
    dagster: Dagster, platform: Platform
) -> None:
    """Without it, Dagster's page of the repetition says that its group of runs is not found."""
    first = dagster.run([CONTACTS], MONDAY)
    of_first = {PARENT_RUN_ID_TAG: first.id, ROOT_RUN_ID_TAG: first.id}
    again = dagster.run([CONTACTS], MONDAY, tags=of_first)
    assert pruned(dagster, platform) == set()
    dagster.run([CONTACTS], MONDAY)
    assert pruned(dagster, platform) == {again.id}
    assert pruned(dagster, platform) == {first.id}


def test_the_runs_of_a_backfill_stay_until_it_has_ended(
    dagster: Dagster, platform: Platform, daemon: Daemon
) -> None:
    instance, contacts = daemon.instance, dg.AssetKey(CONTACTS)
    days = [MONDAY, TUESDAY]
    assert daemon.backfill([contacts], days) is BulkActionStatus.COMPLETED_SUCCESS
    (run,) = daemon.runs()
    ended = instance.get_backfill("asked-for")
    assert ended is not None
    later = Dagster(instance, dagster.definitions)
    later.run([CONTACTS], (MONDAY, TUESDAY))
    instance.update_backfill(ended.with_status(BulkActionStatus.REQUESTED))  # type: ignore[no-untyped-call]
    assert pruned(later, platform) == set()
    instance.update_backfill(ended)
    assert pruned(later, platform) == {run.id}
    assert instance.get_backfill("asked-for") == ended
    assert instance.get_materialized_partitions(contacts) == set(days)
