"""The daily full sync, which finds what was deleted without a word."""

import dagster as dg

from sync_platform.defs.resources import PlatformResource
from sync_platform.defs.sensors import OBJECTS, missing_partitions, run_requests
from sync_platform.engine.modes import SyncMode


@dg.schedule(
    cron_schedule="*/10 * * * *",
    target=OBJECTS,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every connection's full sync once in 24 hours, at its own minute of the hour in "
    "SYNC_PLATFORM_FULL_SYNC_HOUR; asked every ten minutes, so that none is missed.",
)
def daily_full(
    context: dg.ScheduleEvaluationContext, platform: PlatformResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """One full run a connection whose minute has come."""
    it = platform.get()
    due = it.due_fulls()
    # A schedule cannot ask for partitions, so those of new connections are made on the spot.
    for request in missing_partitions(context.instance, it, due):
        context.instance.add_dynamic_partitions(
            request.partitions_def_name, list(request.partition_keys)
        )
    if not due:
        return dg.SkipReason("No connection's daily full sync is due.")
    return list(run_requests(it, due, SyncMode.FULL.value))
