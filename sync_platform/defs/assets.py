"""One partitioned asset per connector object, key [connector, object]."""

import warnings
from collections.abc import Iterator
from datetime import date

import dagster as dg

from sync_platform.defs.io_manager import as_failure
from sync_platform.defs.partitions import CONNECTION_TAG, SyncConfig, partitions
from sync_platform.defs.planning import planned
from sync_platform.defs.resources import PlatformResource
from sync_platform.defs.shared_runs import by_connection, sync_each
from sync_platform.engine.sync import Sync
from sync_platform.settings import Grain
from sync_platform.spec import Connector, ConnectorObject


def object_asset(
    connector: Connector, obj: ConnectorObject, grain: Grain, first_day: date
) -> dg.AssetsDefinition:
    """The asset of one object: its runs plan a sync, its IO manager runs it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # backfill_policy; pinned by our tests
        return _object_asset(connector, obj, grain, first_day)


def _object_asset(
    connector: Connector, obj: ConnectorObject, grain: Grain, first_day: date
) -> dg.AssetsDefinition:
    @dg.asset(
        key=[connector.name, obj.name],
        group_name=connector.name,
        kinds={connector.name, "postgres"},
        tags={"sync_platform/object": "true"},
        partitions_def=partitions(connector, grain, first_day),
        backfill_policy=dg.BackfillPolicy.single_run(),
        io_manager_key="postgres",
        output_required=False,
        description=obj.description or described(connector, obj),
        metadata={
            "cursor": obj.cursor or "none: full syncs only",
            "key": ", ".join(obj.keys),
            "sees_deletes": obj.sees_deletes,
            "writable": obj.writable,
        },
    )
    def synced(
        context: dg.AssetExecutionContext, config: SyncConfig, platform: PlatformResource
    ) -> Iterator[dg.Output[Sync] | dg.AssetMaterialization]:
        with as_failure():
            it = platform.get()
            connections = by_connection(context.partition_keys)
            if len(connections) > 1:
                yield from sync_each(context, config, obj, it, connections)
                return
            (name,) = connections
            if CONNECTION_TAG not in context.run.tags:  # one that a person launched
                context.instance.add_run_tags(context.run.run_id, {CONNECTION_TAG: name})
            sync = planned(context, config, it, name, obj)
        if sync is not None:
            yield dg.Output(sync)  # the IO manager runs it

    return synced


def described(connector: Connector, obj: ConnectorObject) -> str:
    """A sentence on what the asset can do, from the object's slots."""
    modes = "incremental, from-date and full syncs" if obj.incremental else "full syncs only"
    deletes = "told by the vendor" if obj.sees_deletes else "found by full syncs"
    return f"{connector.label} {obj.label or obj.name}: {modes}; deletions are {deletes}."
