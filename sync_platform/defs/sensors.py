"""What makes syncs run by themselves, asked of the platform every half minute."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import dagster as dg

from sync_platform.defs.partitions import (
    AUTOMATIC,
    CONNECTION_TAG,
    connections_of,
    current_partition,
)
from sync_platform.defs.resources import PlatformResource
from sync_platform.engine.due import DueConnection
from sync_platform.platform import Platform

RUNS_A_TICK = 100  # launching costs 50 to 200 ms a run; the rest waits for the next tick
# Dagster's own job, of all assets. One of ours could hold those of one connector only: a job's
# assets must have the same partitions.
JOB = "__ASSET_JOB"


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes every connection a partition, and drops those that were removed.",
)
def connections_as_partitions(
    context: dg.SensorEvaluationContext, platform: PlatformResource
) -> dg.SensorResult:
    """Dynamic partitions follow the store's connections, both ways."""
    it = platform.get()
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    connections = it.connections()
    for connector in it.connectors().values():
        partitions = connections_of(connector)
        wanted = {each.name for each in connections if each.connector == connector.name}
        present = set(context.instance.get_dynamic_partitions(str(partitions.name)))
        if wanted - present:
            requests.append(partitions.build_add_request(sorted(wanted - present)))
        if present - wanted:
            requests.append(partitions.build_delete_request(sorted(present - wanted)))
    return dg.SensorResult(
        dynamic_partitions_requests=requests,
        skip_reason=None if requests else "Every connection is a partition.",
    )


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    job_name=JOB,
    description="Launches an incremental sync of every object whose interval has passed: one run a "
    "connection, with all its due objects.",
)
def incremental_due(
    context: dg.SensorEvaluationContext, platform: PlatformResource
) -> dg.SensorResult:
    """One run request a connection with due objects."""
    it = platform.get()
    due = loaded_of(context.repository_def, it.due())[:RUNS_A_TICK]
    return dg.SensorResult(
        run_requests=list(run_requests(it, due, mode=None)),
        skip_reason=None if due else "No object is due.",
        dynamic_partitions_requests=missing_partitions(context.instance, it, due),
    )


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks syncs that have not been heard of for five minutes.",
)
def stale_syncs(
    context: dg.SensorEvaluationContext, platform: PlatformResource
) -> dg.SkipReason | None:
    """History rows without a heartbeat become stale."""
    marked = platform.get().mark_stale()
    for sync in marked:
        context.log.warning(f"{sync.target}: {sync.error}")
    return dg.SkipReason(f"{len(marked)} stale syncs." if marked else "No sync is stale.")


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Renews sign-ins that nobody has used for half of their life, so that they do not "
    "end: those of paused connections, too.",
)
def idle_sign_ins(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SkipReason:
    """Refresh tokens are used before they die of idleness; sign-ins that nobody completed go."""
    renewed = platform.get().refresh_idle()
    platform.get().sweep_sign_ins()
    said = f"Renewed: {', '.join(renewed)}." if renewed else "No sign-in has been idle for long."
    return dg.SkipReason(said)


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks vendors whose accounts have objects of their own (tables of a base, custom "
    "objects) which there are. New ones become assets; nobody's choice changes.",
)
def own_objects(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SkipReason:
    """The objects that single connections have, listed anew."""
    changes = platform.get().list_objects()
    for name, change in changes:
        context.log.info(f"{name}: {change}")
    return dg.SkipReason(f"{len(changes)} changes." if changes else "No object is new or gone.")


def loaded_of(
    repository: dg.RepositoryDefinition | None, due: Sequence[DueConnection]
) -> list[DueConnection]:
    """Of what is due, the objects that are assets here. One that was found a moment ago is not yet,
    one that its connector no longer has is none any more; asking for it would fail the tick, and
    with it the runs of all other connections."""
    assert repository is not None  # Dagster gives it to whatever it evaluates
    found = []
    for each in due:
        known = [
            name
            for name in each.objects
            if dg.AssetKey([each.connection.connector, name]) in repository.assets_defs_by_key
        ]
        if known:
            found.append(replace(each, objects=tuple(known)))
    return found


def run_requests(
    platform: Platform, due: Sequence[DueConnection], mode: str | None
) -> Iterator[dg.RunRequest]:
    """A run for each connection over its due objects, on today's partition."""
    settings, now = platform.settings, platform.clock.now()
    for each in due:
        connector, tries = each.connection.connector, each.tries(now)
        keys = [dg.AssetKey([connector, name]) for name in each.objects]
        yield dg.RunRequest(
            run_key=f"{each.connection.name}:{mode or 'due'}:{each.due_at.isoformat()}:{tries}",
            asset_selection=keys,
            partition_key=current_partition(
                each.connection.name, settings.grain, settings.first_day
            ),
            run_config=config_for(keys, {"mode": mode}) if mode else {},
            tags={AUTOMATIC: "true", CONNECTION_TAG: each.connection.name},
        )


def config_for(keys: Sequence[dg.AssetKey], config: Mapping[str, object]) -> dict[str, object]:
    """Run config that gives each of these assets the same SyncConfig."""
    return {"ops": {key.to_python_identifier(): {"config": dict(config)} for key in keys}}


def missing_partitions(
    instance: dg.DagsterInstance, platform: Platform, due: Sequence[DueConnection]
) -> list[dg.AddDynamicPartitionsRequest]:
    """A connection made a moment ago need not wait for its partition."""
    requests = []
    for name in sorted({it.connection.connector for it in due}):
        partitions = connections_of(platform.connector(name))
        present = set(instance.get_dynamic_partitions(str(partitions.name)))
        wanted = {it.connection.name for it in due if it.connection.connector == name}
        if wanted - present:
            requests.append(partitions.build_add_request(sorted(wanted - present)))
    return requests
