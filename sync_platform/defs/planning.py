"""The sync that a run is to carry out for one connection, planned and not yet run."""

import dagster as dg

from sync_platform.defs.partitions import SyncConfig, sync_for_run
from sync_platform.engine.results import Counts
from sync_platform.engine.sync import Sync
from sync_platform.platform import Platform
from sync_platform.spec import ConnectorObject

CANCELED = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)


def planned(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    platform: Platform,
    connection: str,
    obj: ConnectorObject,
    *,
    before: str = "",
) -> Sync | None:
    """The sync, which tells the run's log how far it is (`before` begins each line); None where
    there is nothing to do, which the log then says. Raises SyncPlatformError."""
    request = sync_for_run(context, config, connection, obj, platform.clock.now())
    reason = platform.nothing_to_do(request)
    if reason:
        context.log.info(reason)
        return None

    def tell(sentence: str, counts: Counts) -> None:
        context.log.info(before + sentence)

    sync = platform.sync(request)
    sync.on_progress = tell
    sync.canceled = lambda exit: asked_to_end(context.instance, context.run.run_id)
    return sync


def asked_to_end(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether somebody asked for the end of a run, on our pages or Dagster's; else its process was
    told to end, as when `sync-platform up` is stopped."""
    try:
        run = instance.get_run_by_id(run_id)
    except Exception:  # any of its storage's; with the platform, its database is stopped as well
        return False
    return run is not None and run.status in CANCELED
