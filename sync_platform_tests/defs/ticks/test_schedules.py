"""The daily schedule of full syncs."""

from datetime import timedelta

import dagster as dg
from dagster._core.definitions.schedule_definition import ScheduleExecutionData
from dagster._grpc.impl import get_external_schedule_execution
from dagster_shared.serdes import deserialize_value, serialize_value

from sync_platform.defs.partitions import AUTOMATIC
from sync_platform.engine.connections import Connection
from sync_platform.engine.due import latest_slot
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import ObjectChoice
from sync_platform.platform import Platform
from sync_platform_tests.defs.runs import Dagster, definitions_of
from sync_platform_tests.defs.ticks.conftest import (
    OBJECTS,
    PARTITIONS,
    asked,
    sync_all,
)
from sync_platform_tests.fakes import FakeClock


def full_tick(platform: Platform, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """Evaluates the schedule as the daemon has it done in the code server."""
    repository = definitions_of(platform).get_repository_def()
    answer = get_external_schedule_execution(
        repository, instance.get_ref(), "daily_full", None, None, None
    )
    assert isinstance(answer, ScheduleExecutionData), answer.error
    received = deserialize_value(serialize_value(answer), ScheduleExecutionData)
    return list(received.run_requests or [])


def test_a_connection_is_synced_in_full_once_a_day_after_its_minute(
    acme: Connection, platform: Platform, instance: dg.DagsterInstance, clock: FakeClock
) -> None:
    slot = latest_slot("acme-hubspot", clock.now(), platform.settings.full_sync_hour)
    tomorrow = slot + timedelta(days=1)
    clock.set(tomorrow - timedelta(minutes=1))
    assert full_tick(platform, instance) == []
    clock.set(tomorrow + timedelta(minutes=1))
    (request,) = full_tick(platform, instance)
    assert asked(request) == set(OBJECTS)
    assert request.tags[AUTOMATIC] == "true"
    assert [each["config"] for each in request.run_config["ops"].values()] == [
        {"mode": "full"} for _ in OBJECTS
    ]
    sync_all(platform, SyncMode.FULL)
    clock.pass_by(timedelta(minutes=10))
    assert full_tick(platform, instance) == []


def test_a_daemon_that_slept_through_the_hour_catches_up_with_the_same_run_key(
    acme: Connection, platform: Platform, instance: dg.DagsterInstance, clock: FakeClock
) -> None:
    slot = latest_slot("acme-hubspot", clock.now(), platform.settings.full_sync_hour)
    clock.set(slot + timedelta(days=1, hours=9))
    (late,) = full_tick(platform, instance)
    clock.pass_by(timedelta(minutes=10))
    (again,) = full_tick(platform, instance)
    assert late.run_key == again.run_key


def test_what_the_schedule_asks_for_is_a_full_sync_of_every_object(
    acme: Connection, platform: Platform, instance: dg.DagsterInstance, clock: FakeClock
) -> None:
    clock.pass_by(timedelta(days=1))
    (request,) = full_tick(platform, instance)
    assert list(instance.get_dynamic_partitions(PARTITIONS)) == ["acme-hubspot"]
    run = Dagster(instance, definitions_of(platform)).launch(request)
    assert (run.ok, len(run.materializations())) == (True, len(OBJECTS))
    assert {each.mode for each in platform.history("acme-hubspot")} == {SyncMode.FULL}


def test_an_object_that_is_no_asset_keeps_nothing_else_from_its_full_sync(
    acme: Connection, platform: Platform, instance: dg.DagsterInstance, clock: FakeClock
) -> None:
    platform.store.choose_objects(
        "acme-hubspot", [ObjectChoice(object="contacts"), ObjectChoice(object="no_asset")]
    )
    clock.pass_by(timedelta(days=1))
    (request,) = full_tick(platform, instance)
    assert asked(request) == {"contacts"}
