"""Which objects are due for an automatic sync. Pure: values in, values out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from sync_platform.engine import breaker
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.results import Target
from sync_platform.spec import Connector

RUNS_BY_ITSELF = (ConnectionStatus.ACTIVE, ConnectionStatus.NEEDS_ATTENTION)
TOGETHER = timedelta(minutes=1)
TRY_AGAIN = timedelta(minutes=15)
NEVER = TargetActivity()


@dataclass(frozen=True, kw_only=True)
class DueConnection:
    """A connection and those of its objects that are due, since `due_at` (the latest of them)."""

    connection: Connection
    objects: tuple[str, ...]
    due_at: datetime

    def tries(self, now: datetime) -> int:
        """How often it should have been launched again by now: a run that died before its sync
        began leaves no word of itself."""
        return int((now - self.due_at) / TRY_AGAIN)


def interval_of(connector: Connector, connection: Connection, choice: ObjectChoice) -> timedelta:
    """How often the object syncs: its own interval, else its connection's, else the connector's
    default; within the connector's bounds."""
    asked = choice.interval or connection.interval or connector.interval.default
    return min(max(asked, connector.interval.shortest), connector.interval.longest)


def due_at(
    connector: Connector,
    connection: Connection,
    choice: ObjectChoice,
    last_started_at: datetime | None,
    resumed_at: datetime | None,
    now: datetime,
) -> datetime:
    """When the object's next automatic sync is, or was, due."""
    if last_started_at is None:
        return connection.created_at or now
    if resumed_at and last_started_at < resumed_at:
        return resumed_at  # whoever resumes it wants to see it run
    return last_started_at + interval_of(connector, connection, choice)


def due_syncs(
    connections: Iterable[Connection],
    connectors: Mapping[str, Connector],
    activity: Mapping[Target, TargetActivity],
    now: datetime,
) -> list[DueConnection]:
    """Whose interval has passed, the longest overdue first.

    With an object that is due go those of its connection that are so within a minute: one run for
    all of them costs one start of a process.
    """
    due = []
    for connection in connections:
        connector = connectors.get(connection.connector)
        if connector is None:
            continue
        moments: dict[str, datetime] = {}
        for choice, known in _able(connection, activity):
            since = due_at(
                connector, connection, choice, known.last_started_at, known.resumed_at, now
            )
            if since <= now + TOGETHER:
                moments[choice.object] = since
        if any(since <= now for since in moments.values()):
            since = max(each for each in moments.values() if each <= now)
            due.append(DueConnection(connection=connection, objects=tuple(moments), due_at=since))
    return sorted(due, key=lambda it: it.due_at)


def due_fulls(
    connections: Iterable[Connection],
    activity: Mapping[Target, TargetActivity],
    now: datetime,
    hour: int,
) -> list[DueConnection]:
    """Whose daily full sync is due: its minute of the `hour` (UTC) has passed since the last one
    that went well. One that did not is tried again later (`FullSyncs`).

    A connection's minute follows from its name, so that a day's full syncs spread over the hour.
    """
    due = []
    for connection in connections:
        slot = latest_slot(connection.name, now, hour)
        moments: dict[str, datetime] = {}
        for choice, known in _able(connection, activity):
            since = known.fulls.due_at(slot, known.last_full_started_at, connection.created_at)
            if since is not None and since <= now:
                moments[choice.object] = since
        if moments:
            due.append(
                DueConnection(
                    connection=connection, objects=tuple(moments), due_at=max(moments.values())
                )
            )
    return sorted(due, key=lambda it: it.due_at)


def full_failing(
    connection: Connection, choice: ObjectChoice, known: TargetActivity, now: datetime
) -> str | None:
    """Since when no full sync of the object goes well, in a sentence; None where they do, or where
    nothing of it syncs by itself: that is told by itself."""
    if connection.status not in RUNS_BY_ITSELF:
        return None
    if breaker.is_open(known.recent, known.resumed_at):
        return None
    return known.fulls.failing(
        now,
        created_at=connection.created_at,
        chosen_at=choice.chosen_at,
        resumed_at=known.resumed_at,
    )


def due_computed(
    connections: Iterable[tuple[Connection, Connector]],
    activity: Mapping[Target, TargetActivity],
    now: datetime,
) -> list[DueConnection]:
    """Whose computed fields are to be read again: so long after a sync that read them all. An
    object that has never been read in full need not be."""
    due = []
    for connection, connector in connections:
        every = {it.name: it.computed_every for it in connector.objects if it.computed_every}
        moments: dict[str, datetime] = {}
        for choice, known in _able(connection, activity):
            last = known.fulls.well_at
            if choice.object not in every or last is None:
                continue
            since = max(last, known.last_computed_at or last) + every[choice.object]
            if since <= now:
                moments[choice.object] = since
        if moments:
            due.append(
                DueConnection(
                    connection=connection, objects=tuple(moments), due_at=max(moments.values())
                )
            )
    return sorted(due, key=lambda it: it.due_at)


def latest_slot(name: str, now: datetime, hour: int) -> datetime:
    """The last time at which this connection's full sync was to begin."""
    minute = crc32(name.encode()) % 60
    slot = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return slot if slot <= now else slot - timedelta(days=1)


def _able(
    connection: Connection, activity: Mapping[Target, TargetActivity]
) -> Iterator[tuple[ObjectChoice, TargetActivity]]:
    """The chosen objects that may sync by themselves and are not at it already."""
    if connection.status not in RUNS_BY_ITSELF:
        return
    for choice in connection.objects:
        known = activity.get(Target(connection.name, choice.object), NEVER)
        if not known.running and not breaker.is_open(known.recent, known.resumed_at):
            yield choice, known
