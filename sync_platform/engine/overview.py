"""How each connection is, in a word: for lists of hundreds. Pure: values in, values out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync_platform.engine import breaker
from sync_platform.engine.activity import FullSyncs
from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.due import RUNS_BY_ITSELF, due_at
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.spec import Connector


class Condition(StrEnum):
    """How a connection is. Of several that fit, the first in this order."""

    PAUSED = "paused"
    NEEDS_REAUTH = "needs_reauth"
    NEEDS_ATTENTION = "needs_attention"
    SYNCING = "syncing"
    HEALTHY = "healthy"

    @property
    def needs_person(self) -> bool:
        """Whether it stays so until someone acts."""
        return self in (Condition.NEEDS_REAUTH, Condition.NEEDS_ATTENTION)


@dataclass(frozen=True, kw_only=True)
class Glance:
    """The least that tells how an object of a connection is: the latest of its syncs.

    `failures` are its latest that count for the breaker, newest first, where the newest failed.
    """

    last_started_at: datetime | None = None
    last_finished_at: datetime | None = None
    last_status: SyncStatus | None = None  # of the latest that ended
    running: bool = False
    failures: Sequence[SyncResult] = ()
    resumed_at: datetime | None = None  # by hand: it, its connection, or chosen anew
    fulls: FullSyncs = FullSyncs()

    @property
    def stopped(self) -> bool:
        """Whether its automatic syncs wait for a person."""
        return bool(self.failures) and breaker.is_open(self.failures, self.resumed_at)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One connection, for a list."""

    connection: Connection
    condition: Condition
    running: Sequence[str] = ()  # objects
    stopped: Sequence[str] = ()  # objects whose automatic syncs wait for a person
    failing: Sequence[str] = ()  # objects whose full sync has not gone well for too long
    last_finished_at: datetime | None = None  # of the sync that ended last
    last_status: SyncStatus | None = None  # of that one
    next_at: datetime | None = None  # None: nothing syncs by itself


NOTHING = Glance()


def overviews(
    connections: Iterable[Connection],
    connectors: Mapping[str, Connector],
    glances: Mapping[Target, Glance],
    now: datetime,
) -> list[Overview]:
    """How these connections are, in their order."""
    return [overview(each, connectors.get(each.connector), glances, now) for each in connections]


def overview(
    connection: Connection,
    connector: Connector | None,
    glances: Mapping[Target, Glance],
    now: datetime,
) -> Overview:
    """How the connection is. One whose connector is not there syncs no more."""
    known = {
        each.object: glances.get(Target(connection.name, each.object), NOTHING)
        for each in connection.objects
    }
    ended = [
        (each.last_finished_at, each.last_status) for each in known.values() if each.last_status
    ]
    last_finished_at, last_status = max(
        ended, key=lambda it: (it[0] is not None, it[0]), default=(None, None)
    )
    running = [name for name, each in known.items() if each.running]
    stopped = [name for name, each in known.items() if each.stopped]
    failing = []
    if connection.status in RUNS_BY_ITSELF:
        failing = [
            it.object
            for it in connection.objects
            if _fulls_fail(connector, connection, it, known[it.object], now)
        ]
    upcoming = []
    if connector is not None and connection.status in RUNS_BY_ITSELF:
        upcoming = [
            due_at(connector, connection, each, it.last_started_at, it.resumed_at, now)
            for each in connection.objects
            if not (it := known[each.object]).running and not it.stopped
        ]
    return Overview(
        connection=connection,
        condition=_condition(connection, bool(stopped or failing), bool(running)),
        running=running,
        stopped=stopped,
        failing=failing,
        last_finished_at=last_finished_at,
        last_status=last_status,
        next_at=min(upcoming, default=None),
    )


def _fulls_fail(
    connector: Connector | None,
    connection: Connection,
    choice: ObjectChoice,
    known: Glance,
    now: datetime,
) -> bool:
    """Whether no full sync of the object goes well. What is there no more, or is stopped, has none;
    a connector does not tell here which objects each connection has."""
    if connector is None or known.stopped:
        return False
    if connector.discovered is None and all(it.name != choice.object for it in connector.objects):
        return False
    told = known.fulls.failing(
        now,
        created_at=connection.created_at,
        chosen_at=choice.chosen_at,
        resumed_at=known.resumed_at,
    )
    return told is not None


def _condition(connection: Connection, wrong: bool, running: bool) -> Condition:
    match connection.status:
        case ConnectionStatus.PAUSED:
            return Condition.PAUSED
        case ConnectionStatus.NEEDS_REAUTH:
            return Condition.NEEDS_REAUTH
        case ConnectionStatus.NEEDS_ATTENTION:
            return Condition.NEEDS_ATTENTION
    if wrong:
        return Condition.NEEDS_ATTENTION
    return Condition.SYNCING if running else Condition.HEALTHY
