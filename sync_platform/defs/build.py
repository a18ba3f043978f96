"""Joins the assets, sensors, schedules and resources to Dagster's Definitions."""

from collections.abc import Iterable

import dagster as dg

from sync_platform.connectors import load_connectors
from sync_platform.defs.assets import object_asset
from sync_platform.defs.io_manager import PostgresIOManager
from sync_platform.defs.resources import PlatformResource
from sync_platform.defs.schedules import daily_full
from sync_platform.defs.sensors import connections_as_partitions, incremental_due, stale_syncs
from sync_platform.settings import Settings
from sync_platform.spec import Connector


def build_definitions(
    settings: Settings, connectors: Iterable[Connector], platform: PlatformResource | None = None
) -> dg.Definitions:
    """Everything that Dagster shows and runs. Needs no database: runs and ticks open it.

    `platform` gives the platform; by default it is made from the environment, once a process.
    """
    platform = platform or PlatformResource()
    return dg.Definitions(
        assets=[
            object_asset(connector, obj, settings.grain, settings.first_day)
            for connector in connectors
            for obj in connector.objects
        ],
        sensors=[connections_as_partitions, incremental_due, stale_syncs],
        schedules=[daily_full],
        resources={"platform": platform, "postgres": PostgresIOManager(platform=platform)},
        executor=dg.in_process_executor,
    )


def definitions_from_env() -> dg.Definitions:
    """The definitions of this installation."""
    settings = Settings.from_env()
    return build_definitions(settings, load_connectors(settings.connector_folders).values())
