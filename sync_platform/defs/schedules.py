"""The daily full sync, which finds what was deleted without a word, and the refresh of computed
fields between two of them."""

from collections.abc import Sequence

import dagster as dg

from sync_platform.defs.resources import PlatformResource
from sync_platform.defs.sensors import JOB, loaded_of, missing_partitions, run_requests
from sync_platform.engine.due import DueConnection
from sync_platform.engine.modes import SyncMode
from sync_platform.platform import Platform


@dg.schedule(
    cron_schedule="*/10 * * * *",
    job_name=JOB,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every connection's full sync once in 24 hours, at its own minute of the hour in "
    "SYNC_PLATFORM_FULL_SYNC_HOUR; asked every ten minutes, so that none is missed.",
)
def daily_full(
    context: dg.ScheduleEvaluationContext, platform: PlatformResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """One full run a connection whose minute has come."""
    it = platform.get()
    nothing = "No connection's daily full sync is due."
    return _launched(context, it, it.due_fulls(), SyncMode.FULL) or dg.SkipReason(nothing)


@dg.schedule(
    cron_schedule="5-59/10 * * * *",
    job_name=JOB,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Reads computed fields (formulas) again where they change without moving their "
    "record's cursor, as often as the connector says.",
)
def computed_fields(
    context: dg.ScheduleEvaluationContext, platform: PlatformResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """One run a connection whose objects' computed fields are due."""
    it = platform.get()
    nothing = "No object's computed fields are due."
    return _launched(context, it, it.due_computed(), SyncMode.COMPUTED) or dg.SkipReason(nothing)


def _launched(
    context: dg.ScheduleEvaluationContext,
    platform: Platform,
    due: Sequence[DueConnection],
    mode: SyncMode,
) -> list[dg.RunRequest]:
    due = loaded_of(context.repository_def, due)
    # A schedule cannot ask for partitions, so those of new connections are made on the spot.
    for request in missing_partitions(context.instance, platform, due):
        context.instance.add_dynamic_partitions(
            request.partitions_def_name, list(request.partition_keys)
        )
    return list(run_requests(platform, due, mode.value))
