"""The sync that a run is to carry out for one connection, planned and not yet run."""

import dagster as dg

from sync_platform.defs.partitions import SyncConfig, sync_for_run
from sync_platform.engine.results import Counts
from sync_platform.engine.sync import Sync
from sync_platform.platform import Platform
from sync_platform.spec import ConnectorObject


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
    return sync
