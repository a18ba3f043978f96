"""Joins the assets, sensors, schedules and resources to Dagster's Definitions."""

import logging
from collections.abc import Iterable

import dagster as dg

from sync_platform.defs.assets import object_asset
from sync_platform.defs.checks import checks_turned, object_checks
from sync_platform.defs.io_manager import PostgresIOManager
from sync_platform.defs.pruning import old_runs
from sync_platform.defs.resources import PlatformResource
from sync_platform.defs.schedules import computed_fields, daily_full
from sync_platform.defs.sensors import (
    connections_as_partitions,
    idle_sign_ins,
    incremental_due,
    own_objects,
    stale_syncs,
)
from sync_platform.errors import StoreUnavailable
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform.spec import Connector

log = logging.getLogger("sync_platform")


def build_definitions(
    settings: Settings, connectors: Iterable[Connector], platform: PlatformResource | None = None
) -> dg.Definitions:
    """Everything that Dagster shows and runs. Needs no database: runs and ticks open it.

    `platform` gives the platform; by default it is made from the environment, once a process.
    """
    platform = platform or PlatformResource()
    connectors = list(connectors)
    return dg.Definitions(
        assets=[
            object_asset(connector, obj, settings.grain, settings.first_day)
            for connector in connectors
            for obj in connector.objects
        ],
        asset_checks=[object_checks(connector) for connector in connectors if connector.objects],
        sensors=[
            connections_as_partitions,
            incremental_due,
            stale_syncs,
            idle_sign_ins,
            own_objects,
            checks_turned,
            old_runs,
        ],
        schedules=[daily_full, computed_fields],
        resources={"platform": platform, "postgres": PostgresIOManager(platform=platform)},
        executor=dg.in_process_executor,
    )


def definitions_from_env() -> dg.Definitions:
    """The definitions of this installation; objects that only single connections have are those
    that were known when this was called."""
    settings = Settings.from_env()
    platform = Platform(settings)
    try:
        connectors = platform.whole_connectors()
    except StoreUnavailable as error:
        log.warning("Objects that single connections have are not shown: %s", error)
        connectors = list(platform.connectors().values())
    finally:
        platform.close()
    return build_definitions(settings, connectors)
