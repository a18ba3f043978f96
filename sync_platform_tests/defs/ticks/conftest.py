"""Sensors and schedules, evaluated as the daemon has it done, a tick at a time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.impl import get_external_sensor_execution
from dagster_shared.serdes import deserialize_value, serialize_value

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.defs.runs import definitions_of
from sync_platform_tests.fakes import FakeClock

PARTITIONS = "hubspot_connections"
ORIGIN = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="sync_platform.definitions"))
OBJECTS = ["contacts", "companies", "deals", "tickets", "products", "line_items", "owners"]
Tick = Callable[[str], SensorExecutionData]


@pytest.fixture
def clock() -> FakeClock:
    """It shows the present and moves when a test says so."""
    return FakeClock(datetime.now(UTC))


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
