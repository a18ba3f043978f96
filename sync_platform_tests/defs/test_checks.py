"""Asset checks: what they tell, in a run and without one."""

from collections.abc import Callable, Mapping
from datetime import date

import dagster as dg
import psycopg
import pytest

from sync_platform.defs.checks import checks_turned
from sync_platform.defs.partitions import AUTOMATIC, current_partition
from sync_platform.engine.ports import Secret
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.defs.daemon import Daemon
from sync_platform_tests.defs.runs import Dagster, handed

CONTACTS = ("hubspot", "contacts")
OWNERS = ("hubspot", "owners")
TODAY = current_partition("acme-hubspot", "day", date(2024, 1, 1))
Tick = Callable[[], Mapping[str, dg.AssetCheckEvaluation]]
pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def tick(instance: dg.DagsterInstance, platform: Platform) -> Tick:
    """Evaluates the sensor as the daemon does; what it told, by object and check."""

    def evaluate() -> Mapping[str, dg.AssetCheckEvaluation]:
        resources = {"platform": handed(platform)}
        with dg.build_sensor_context(instance, resources=resources) as context:
            result = checks_turned(context)
        assert isinstance(result, dg.SensorResult)
        told: dict[str, dg.AssetCheckEvaluation] = {}
        for each in result.asset_events:
            assert isinstance(each, dg.AssetCheckEvaluation)
            instance.report_runless_asset_event(each)
            told[f"{each.asset_key.path[1]} {each.check_name}"] = each
        return told

    return evaluate


def reject(platform: Platform, id: str = "7") -> None:
    """Keep a record of contacts as rejected, as a sync does that finds one."""
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute(
            "INSERT INTO acme_hubspot._rejected (table_name, key, record, reason, sync)"
            " VALUES ('contacts', %s, '{}', 'It does not fit.', 'a sync')",
            [id],
        )


@pytest.mark.parametrize("tags", [{}, {AUTOMATIC: "true"}])
def test_a_run_tells_that_all_is_well_in_one_step(
    dagster: Dagster, tags: Mapping[str, str]
) -> None:
    run = dagster.run([CONTACTS, OWNERS], TODAY, tags=tags)
    for key in (CONTACTS, OWNERS):
        checks = run.checks(*key)
        assert {name: it.passed for name, it in checks.items()} == {
            "rejected": True,
            "fresh": True,
            "breaker_closed": True,
        }
        assert checks["rejected"].metadata["rejected"].value == 0
    steps = {each.step_key for each in run.events if each.step_key}
    assert steps == {"hubspot__contacts", "hubspot__owners", "hubspot_checks"}


def test_a_check_can_be_evaluated_alone(dagster: Dagster) -> None:
    key = dg.AssetCheckKey(dg.AssetKey(list(CONTACTS)), "rejected")
    job = dagster.definitions.resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_check_selection={key})
    result = alone.execute_in_process(instance=dagster.instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == ("rejected", True)


def test_rejected_records_warn_with_how_many_whose_and_where(
    dagster: Dagster, platform: Platform
) -> None:
    dagster.run([CONTACTS], TODAY)
    for id in ("7", "8", "8"):
        reject(platform, id)
    run = dagster.run([CONTACTS, OWNERS], TODAY)
    assert run.ok
    it = run.checks(*CONTACTS)["rejected"]
    assert (it.passed, it.severity) == (False, dg.AssetCheckSeverity.WARN)
    sentence = (
        "acme-hubspot/contacts: 2 records do not fit the table. Look into acme_hubspot._rejected, "
        "which has each with its reason."
    )
    assert it.description == sentence
    assert it.metadata["rejected"].value == 2
    assert it.metadata["connections"].value == {"acme-hubspot": sentence}
    assert run.checks(*OWNERS)["rejected"].passed


def test_what_an_earlier_full_sync_rejected_and_the_latest_did_not_is_over(
    dagster: Dagster, platform: Platform
) -> None:
    dagster.run([CONTACTS], TODAY)
    reject(platform)
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("UPDATE acme_hubspot._rejected SET rejected_at = now() - interval '1 h'")
    assert not dagster.run([CONTACTS], TODAY).checks(*CONTACTS)["rejected"].passed
    full = dagster.run([CONTACTS], TODAY, config={"mode": "full"})
    assert full.checks(*CONTACTS)["rejected"].passed


def test_the_sensor_tells_what_turned_since_a_run_and_only_that(
    tick: Tick, dagster: Dagster, platform: Platform
) -> None:
    first = tick()
    assert len(first) == 7 * 3
    assert all(each.passed for each in first.values())
    assert tick() == {}
    dagster.run([CONTACTS], TODAY)
    assert tick() == {}
    for id in ("7", "8"):
        reject(platform, id)
        (told,) = tick().items()
        assert (told[0], told[1].passed) == ("contacts rejected", False)
        assert tick() == {}


def test_a_run_that_failed_before_its_checks_leaves_them_to_the_sensor(
    tick: Tick, dagster: Dagster, platform: Platform
) -> None:
    tick()
    platform.credentials.save("acme-hubspot", Secret({"token": "revoked-0123456789"}))
    run = dagster.run([CONTACTS], TODAY, tags={AUTOMATIC: "true"})
    assert (run.ok, run.checks(*CONTACTS)) == (False, {})
    told = tick()
    assert set(told) == {"contacts rejected", "contacts fresh", "contacts breaker_closed"}
    stopped = told["contacts breaker_closed"]
    assert (stopped.passed, stopped.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "sync-platform resume acme-hubspot contacts" in str(stopped.description)
    assert told["contacts rejected"].passed
    assert tick() == {}


def test_an_object_that_its_connector_has_no_more_keeps_no_check_from_being_told(
    tick: Tick, dagster: Dagster, platform: Platform
) -> None:
    assert dagster.run([CONTACTS], TODAY).ok
    with psycopg.connect(platform.database_url) as postgres:  # it was called so until an upgrade
        for table in ("syncs", "connection_objects"):
            renamed = f"UPDATE sync_platform.{table} SET object = 'people'"
            postgres.execute(f"{renamed} WHERE object = 'contacts'".encode())
    assert tick()["companies rejected"].passed


def test_without_a_connection_nothing_is_told(tick: Tick, platform: Platform) -> None:
    platform.disconnect("acme-hubspot")
    assert tick() == {}


def test_a_paused_connection_need_not_be_fresh(tick: Tick, platform: Platform) -> None:
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("UPDATE sync_platform.connections SET created_at = now() - interval '2 d'")
    late = tick()["contacts fresh"]
    assert not late.passed
    assert "no sync went well of late" in str(late.description)
    platform.pause("acme-hubspot")
    assert tick()["contacts fresh"].passed


def test_the_daemons_own_runs_and_ticks_leave_every_check_evaluated(
    daemon: Daemon, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    for _ in range(2):  # the first makes the connection's partition
        daemon.evaluate_sensors()
    keys = [
        dg.AssetCheckKey(dg.AssetKey(list(key)), name)
        for key in (CONTACTS, OWNERS)
        for name in ("rejected", "fresh", "breaker_closed")
    ]
    found = daemon.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    runs = {run.id for run in daemon.runs()}
    for key in keys:
        evaluation = found[key].evaluation
        assert evaluation is not None
        assert evaluation.passed
        assert found[key].run_id in runs
