"""What makes syncs run by themselves: the sensors and the daily schedule."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.schedule_definition import ScheduleExecutionData
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.impl import get_external_schedule_execution, get_external_sensor_execution
from dagster_shared.serdes import deserialize_value, serialize_value

from sync_platform.defs.partitions import AUTOMATIC, CONNECTION_TAG, current_partition
from sync_platform.engine.connections import Connection
from sync_platform.engine.due import latest_slot
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.engine.signing_in import OAuthClient
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NeedsReauth
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.defs.runs import Dagster, definitions_of
from sync_platform_tests.fakes import FakeClock

PARTITIONS = "hubspot_connections"
ORIGIN = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="sync_platform.definitions"))
OBJECTS = ["contacts", "companies", "deals", "tickets", "products", "line_items", "owners"]
Tick = Callable[[str], SensorExecutionData]


@pytest.fixture
def clock() -> FakeClock:
    """It shows the present and moves when a test says so."""
    return FakeClock(datetime.now(UTC))


@pytest.fixture
def platform(settings: Settings, clock: FakeClock) -> Iterator[Platform]:
    """The test's platform, at the time of that clock."""
    it = Platform(settings, clock=clock)
    yield it
    it.close()


@pytest.fixture(scope="module")
def kept_instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster on disk: ticks open it again by its address."""
    with dg.DagsterInstance.local_temp() as it:
        yield it


@pytest.fixture
def instance(kept_instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """That Dagster, without any partitions."""
    yield kept_instance
    for each in kept_instance.get_dynamic_partitions(PARTITIONS):
        kept_instance.delete_dynamic_partition(PARTITIONS, each)


@pytest.fixture
def tick(platform: Platform, instance: dg.DagsterInstance) -> Tick:
    """Evaluates a sensor as the daemon has it done in the code server."""
    repository = definitions_of(platform).get_repository_def()

    def once(name: str) -> SensorExecutionData:
        answer = get_external_sensor_execution(
            repository, ORIGIN, instance.get_ref(), name, None, None, None, None, None
        )
        assert isinstance(answer, SensorExecutionData), answer.error
        return deserialize_value(serialize_value(answer), SensorExecutionData)

    return once


def only_request(answer: SensorExecutionData) -> dg.RunRequest:
    (one,) = answer.run_requests or []
    return one


def changes(answer: SensorExecutionData) -> dict[str, list[str]]:
    """The partitions that a tick adds and deletes."""
    found: dict[str, list[str]] = {}
    for each in answer.dynamic_partitions_requests or []:
        assert each.partitions_def_name == PARTITIONS
        added = isinstance(each, dg.AddDynamicPartitionsRequest)
        found["add" if added else "delete"] = list(each.partition_keys)
    return found


def asked(request: dg.RunRequest) -> set[str]:
    return {key.path[1] for key in request.asset_selection or []}


def another(platform: Platform, hubspot: HubSpot, name: str) -> Connection:
    return platform.connect(
        "hubspot", name, Secret({"token": "sandbox-token"}), base_url=hubspot.url
    )


def sync_all(platform: Platform, mode: SyncMode = SyncMode.INCREMENTAL) -> None:
    for each in OBJECTS:
        request = SyncRequest(target=Target("acme-hubspot", each), mode=mode)
        platform.sync(request).run(into=platform.destination)


# -- connections_as_partitions ----------------------------------------------------------------


def test_a_new_connection_becomes_a_partition(acme: Connection, tick: Tick) -> None:
    assert changes(tick("connections_as_partitions")) == {"add": ["acme-hubspot"]}


def test_a_removed_connection_is_dropped_from_the_partitions(
    acme: Connection, tick: Tick, platform: Platform, instance: dg.DagsterInstance
) -> None:
    instance.add_dynamic_partitions(PARTITIONS, ["acme-hubspot", "gone-long-ago"])
    assert changes(tick("connections_as_partitions")) == {"delete": ["gone-long-ago"]}
    platform.disconnect("acme-hubspot")
    found = changes(tick("connections_as_partitions"))
    assert found == {"delete": ["acme-hubspot", "gone-long-ago"]}


def test_partitions_that_agree_with_the_connections_stay(
    acme: Connection, tick: Tick, instance: dg.DagsterInstance
) -> None:
    instance.add_dynamic_partitions(PARTITIONS, ["acme-hubspot"])
    assert changes(tick("connections_as_partitions")) == {}


# -- incremental_due --------------------------------------------------------------------------


def test_a_connection_that_is_due_gets_one_run_with_all_its_due_objects(
    acme: Connection, tick: Tick
) -> None:
    request = only_request(tick("incremental_due"))
    assert asked(request) == set(OBJECTS)
    assert request.tags[AUTOMATIC] == "true"
    assert request.tags[CONNECTION_TAG] == "acme-hubspot"
    assert request.run_config == {}


def test_its_partition_is_the_connections_today(
    acme: Connection, tick: Tick, platform: Platform
) -> None:
    today = current_partition("acme-hubspot", "day", platform.settings.first_day)
    assert only_request(tick("incremental_due")).partition_key == today
    assert today == f"acme-hubspot|{datetime.now(UTC):%Y-%m-%d}"


def test_each_connection_gets_a_run_of_its_own(
    acme: Connection, tick: Tick, platform: Platform, hubspot: HubSpot
) -> None:
    another(platform, hubspot, "beta-hubspot")
    found = [each.tags[CONNECTION_TAG] for each in tick("incremental_due").run_requests or []]
    assert sorted(found) == ["acme-hubspot", "beta-hubspot"]


def test_a_connection_made_a_moment_ago_need_not_wait_for_its_partition(
    acme: Connection, tick: Tick, instance: dg.DagsterInstance
) -> None:
    assert changes(tick("incremental_due")) == {"add": ["acme-hubspot"]}
    instance.add_dynamic_partitions(PARTITIONS, ["acme-hubspot"])
    assert changes(tick("incremental_due")) == {}


def test_nothing_is_launched_where_nothing_is_due(
    acme: Connection, tick: Tick, platform: Platform
) -> None:
    sync_all(platform)
    assert tick("incremental_due").run_requests == []


def test_only_the_objects_whose_interval_has_passed_are_launched(
    acme: Connection, tick: Tick, platform: Platform, clock: FakeClock
) -> None:
    sync_all(platform)
    clock.pass_by(timedelta(minutes=10))
    platform.sync(SyncRequest(target=Target("acme-hubspot", "deals"))).run(
        into=platform.destination
    )
    clock.pass_by(timedelta(minutes=6))
    assert asked(only_request(tick("incremental_due"))) == set(OBJECTS) - {"deals"}


def test_a_paused_connection_is_left_alone(
    acme: Connection, tick: Tick, platform: Platform
) -> None:
    platform.pause("acme-hubspot")
    assert tick("incremental_due").run_requests == []
    platform.resume("acme-hubspot")
    assert only_request(tick("incremental_due"))


def test_a_connection_that_needs_a_new_sign_in_is_left_alone(
    acme: Connection, tick: Tick, platform: Platform
) -> None:
    platform.credentials.save("acme-hubspot", Secret({"token": "revoked"}))
    with pytest.raises(NeedsReauth):
        sync_all(platform)
    assert tick("incremental_due").run_requests == []
    platform.reconnect("acme-hubspot", Secret({"token": "sandbox-token"}))
    assert only_request(tick("incremental_due"))


def test_a_run_is_asked_for_once_until_it_is_a_quarter_of_an_hour_overdue(
    acme: Connection, tick: Tick, clock: FakeClock
) -> None:
    key = only_request(tick("incremental_due")).run_key
    clock.pass_by(timedelta(minutes=14))
    assert only_request(tick("incremental_due")).run_key == key
    clock.pass_by(timedelta(minutes=2))
    assert only_request(tick("incremental_due")).run_key != key


def test_the_next_interval_has_another_run_key(
    acme: Connection, tick: Tick, platform: Platform, clock: FakeClock
) -> None:
    key = only_request(tick("incremental_due")).run_key
    sync_all(platform)
    clock.pass_by(timedelta(minutes=16))
    assert only_request(tick("incremental_due")).run_key != key


def test_what_the_sensor_asks_for_can_be_run(
    acme: Connection, tick: Tick, platform: Platform, instance: dg.DagsterInstance
) -> None:
    answer = tick("incremental_due")
    request = only_request(answer)
    instance.add_dynamic_partitions(PARTITIONS, changes(answer)["add"])
    run = Dagster(instance, definitions_of(platform)).launch(request)
    assert (run.ok, len(run.materializations())) == (True, len(OBJECTS))
    assert all(each.automatic for each in platform.history("acme-hubspot"))


# -- daily_full -------------------------------------------------------------------------------


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


# -- stale_syncs ------------------------------------------------------------------------------


def test_a_sync_that_has_been_silent_for_five_minutes_is_marked_as_stale(
    acme: Connection, tick: Tick, platform: Platform, clock: FakeClock
) -> None:
    target = Target("acme-hubspot", "contacts")
    recording = platform.past.record(
        target, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
    )
    recording.__enter__()  # its process dies here, without a word
    assert tick("stale_syncs").skip_message == "No sync is stale."
    clock.pass_by(timedelta(minutes=6))
    assert tick("stale_syncs").skip_message == "1 stale syncs."
    (sync,) = platform.history("acme-hubspot")
    assert sync.status is SyncStatus.STALE


# -- idle_sign_ins ----------------------------------------------------------------------------


def test_sign_ins_that_are_in_use_are_left_alone(acme: Connection, tick: Tick) -> None:
    assert tick("idle_sign_ins").skip_message == "No sign-in has been idle for long."


def test_a_sign_in_that_nobody_uses_is_renewed(
    acme: Connection, tick: Tick, platform: Platform, hubspot: HubSpot, clock: FakeClock
) -> None:
    """The vendor said how long its refresh token lives unused."""
    app = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    redeem = {"grant_type": "authorization_code", "code": hubspot.consent(), **app}
    given = hubspot.oauth.grant(redeem, "", "")
    now = clock.now().timestamp()
    lives = {"renewed_at": now, "refresh_expires_at": now + 60 * 86_400}
    platform.credentials.save("acme-hubspot", Secret({"auth": "OAuth2", **given, **lives}))
    platform.oauth_clients.set("hubspot", OAuthClient("sandbox-client", "sandbox-secret"))
    assert tick("idle_sign_ins").skip_message == "No sign-in has been idle for long."
    clock.pass_by(timedelta(days=30))
    assert tick("idle_sign_ins").skip_message == "Renewed: acme-hubspot."
    assert platform.credentials.read("acme-hubspot")["renewed_at"] == clock.now().timestamp()
