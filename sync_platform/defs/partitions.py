"""Connection by date: the partitions of every object, and what a run over some of them asks for."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from sync_platform.engine.modes import SyncMode, SyncWindow, mode_for_days
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import Refused
from sync_platform.settings import Grain
from sync_platform.spec import Connector, ConnectorObject

CONNECTION = "connection"
DATE = "date"  # Dagster sorts dimensions by name: keys read "acme-hubspot|2026-11-21"
AUTOMATIC = "sync_platform/automatic"  # run tag: a sensor or schedule launched it
CONNECTION_TAG = "sync_platform/connection"
WAIT_BY_ITSELF = timedelta(minutes=1)  # where others were quicker since there was something to do
WAIT_FOR_ASKED = timedelta(minutes=10)  # how long a run that a person launched waits for a lease


class SyncConfig(dg.Config):
    """What a person may choose in the launchpad, which shows this text. Mode: "incremental",
    "full" or "computed" (only computed fields are read again); without one, the partitions decide:
    today alone is incremental, other days are read from-date. Since (and until): read exactly from
    this moment (up to that one), written as 2026-01-31T00:00:00Z, whatever the partitions say.
    Accept deletes: let a full sync mark even more rows as deleted than the share allowed."""

    mode: str | None = None
    since: str | None = None
    until: str | None = None
    accept_deletes: bool = False


def connections_of(connector: Connector) -> dg.DynamicPartitionsDefinition:
    """The connections of one connector, as partitions."""
    return dg.DynamicPartitionsDefinition(name=f"{connector.name}_connections")


def dates(grain: Grain, first_day: date) -> dg.TimeWindowPartitionsDefinition:
    """Days, or weeks (from Monday) or months where there are hundreds of connections; from the one
    that holds the first day up to the current one."""
    if grain == "month":
        return dg.MonthlyPartitionsDefinition(
            start_date=first_day.replace(day=1).isoformat(), end_offset=1
        )
    if grain == "week":
        monday = first_day - timedelta(days=first_day.weekday())
        return dg.WeeklyPartitionsDefinition(
            start_date=monday.isoformat(), day_offset=1, end_offset=1
        )
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), end_offset=1)


def partitions(connector: Connector, grain: Grain, first_day: date) -> dg.MultiPartitionsDefinition:
    """The partitions of each of the connector's objects."""
    return dg.MultiPartitionsDefinition(
        {CONNECTION: connections_of(connector), DATE: dates(grain, first_day)}
    )


def current_partition(connection: str, grain: Grain, first_day: date) -> dg.MultiPartitionKey:
    """The partition of a connection that holds the present."""
    key = dates(grain, first_day).get_last_partition_key()
    if key is None:
        raise Refused(f"There are no partitions before {first_day}.")
    return dg.MultiPartitionKey({CONNECTION: connection, DATE: key})


def connection_in(keys: Sequence[str]) -> str:
    """The one connection that these partition keys speak of; raises Refused if there are more."""
    names = {key.split("|", 1)[0] for key in keys}
    if len(names) != 1:
        raise Refused(
            f"An input is the table of one connection, but this asset's partitions name "
            f"{len(names)}. Say which you mean in the input's metadata: "
            "AssetIn(…, metadata={'connection': 'acme-hubspot'})."
        )
    return names.pop()


def sync_for_run(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    connection: str,
    obj: ConnectorObject,
    now: datetime,
) -> SyncRequest:
    """What a run means for a connection: `full` or a window by config; the current day alone is
    incremental; anything else is from-date over exactly the partitions' window, open above when it
    reaches the present. A run that a sensor launched stays incremental when it starts after
    midnight. An object without a cursor cannot be asked for days: a run over any of them reads it
    whole."""
    since, until = context.partition_time_window
    mode = _mode(config)
    asked = _window(config)
    automatic = context.run.tags.get(AUTOMATIC) == "true"
    if asked.since is not None:
        mode = SyncMode.FROM_DATE
    elif mode is None:
        dates = {key.split("|", 1)[1] for key in context.partition_keys}
        today = automatic or (len(dates) == 1 and since <= now < until)
        mode = mode_for_days(only_today=today, incremental=obj.incremental)
    if config.accept_deletes and mode is not SyncMode.FULL:
        raise Refused("accept_deletes: only a full sync finds deletes; say mode: full as well.")
    if mode is SyncMode.FROM_DATE and asked.since is None:
        reaches_now = until.astimezone(UTC) > now
        asked = SyncWindow(since.astimezone(UTC), None if reaches_now else until.astimezone(UTC))
    return SyncRequest(
        target=Target(connection, obj.name),
        mode=mode,
        window=asked,
        accept_deletes=config.accept_deletes,
        wait=WAIT_BY_ITSELF if automatic else WAIT_FOR_ASKED,
        run_id=context.run.run_id,
        automatic=automatic,
    )


def _window(config: SyncConfig) -> SyncWindow:
    """The window that the config names; unbounded where it names none."""
    since, until = (_moment(name, getattr(config, name)) for name in ("since", "until"))
    if until is not None and since is None:
        raise Refused("until: say since as well, or leave it out.")
    if config.mode and since is not None:
        raise Refused("mode and since: leave one of them out; since is a from-date sync.")
    if since and until and since > until:
        raise Refused(f"until: {until} is before since: {since}.")
    return SyncWindow(since, until)


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{name}: {text!r} is no moment; write 2026-01-31T00:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _mode(config: SyncConfig) -> SyncMode | None:
    if config.mode is None:
        return None
    if config.mode not in (SyncMode.INCREMENTAL, SyncMode.FULL, SyncMode.COMPUTED):
        raise Refused(
            f"mode: {config.mode!r} is not 'incremental', 'full' or 'computed'. For a from-date "
            "sync choose the days as partitions, or say since, and leave the mode out."
        )
    return SyncMode(config.mode)
