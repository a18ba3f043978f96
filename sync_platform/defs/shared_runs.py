"""Runs over several connections: their syncs one after the other, each with its own end.

Dagster makes these. It cuts a backfill into one run for each connection where that has fewer
connections than dates, and otherwise into one run for each date, over all the connections.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from sync_platform.defs.io_manager import loaded
from sync_platform.defs.partitions import SyncConfig
from sync_platform.defs.planning import planned
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.spec import ConnectorObject


def by_connection(keys: Sequence[str]) -> Mapping[str, list[str]]:
    """The partition keys of each connection."""
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(key.split("|", 1)[0], []).append(key)
    return found


def sync_each(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    obj: ConnectorObject,
    platform: Platform,
    connections: Mapping[str, Sequence[str]],
) -> Iterator[dg.AssetMaterialization]:
    """Sync the object of every connection, and materialize the partitions of those that went well.

    Raises dagster.Failure in the end, with every sentence, if some did not.
    """
    errors: dict[str, SyncPlatformError] = {}
    for name, keys in connections.items():
        try:
            sync = planned(context, config, platform, name, obj, before=f"{name}: ")
            if sync is None:
                continue
            metadata = loaded(platform, sync)
        except SyncPlatformError as error:
            context.log.error(f"{name}: {error}")
            errors[name] = error
            continue
        for key in keys:
            yield dg.AssetMaterialization(context.asset_key, partition=key, metadata=metadata)
    if errors:
        told = " ".join(f"{name}: {error}" for name, error in errors.items())
        raise dg.Failure(
            f"{len(errors)} of {len(connections)} connections failed. {told}",
            metadata={name: error.code for name, error in errors.items()},
            allow_retries=False,
        )
