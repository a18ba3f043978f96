"""Syncs that someone asked for: what was asked, which runs carry it, how far they are. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from sync_platform.engine.connections import Connection, object_of
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import SyncResult, SyncStatus
from sync_platform.errors import ObjectGone, Refused
from sync_platform.spec import Connector, ConnectorObject


class AskedStatus(StrEnum):
    """Where a run, one object's sync, or all that was asked stands."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self not in (AskedStatus.WAITING, AskedStatus.RUNNING)


@dataclass(frozen=True, kw_only=True)
class AskedObject:
    """An object that is to be synced; from that moment on, if there is one."""

    object: str
    sync_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What someone asks of a connection: incremental syncs, or full ones, of these objects (None:
    all that are chosen). `accept_deletes` lets full syncs mark more rows than the share allowed."""

    objects: Sequence[AskedObject] | None = None
    full_sync: bool = False
    accept_deletes: bool = False


@dataclass(frozen=True, kw_only=True)
class AskedSync:
    """One sync that was asked for, the run that carries it, and how it ended (None: not yet). Of an
    object that is gone, it has ended before it began."""

    object: str
    mode: SyncMode
    window: SyncWindow = SyncWindow()
    accept_deletes: bool = False
    run_id: str | None = None
    ended_as: AskedStatus | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class SyncProgress:
    """How far one of them is. `sync` is its row of history, once it began; `error` is a sentence
    for the person who owns the connection."""

    asked: AskedSync
    status: AskedStatus
    sync: SyncResult | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class RequestedSyncs:
    """What someone asked for, and how far it is. `asked_by` is None where nobody did (a sensor)."""

    id: str
    connection: str
    asked: Sequence[AskedSync]
    asked_at: datetime
    asked_by: str | None = None
    canceled_at: datetime | None = None  # when someone asked to stop it
    ended_at: datetime | None = None
    status: AskedStatus = AskedStatus.WAITING
    syncs: Sequence[SyncProgress] = field(default=())

    @property
    def run_ids(self) -> list[str]:
        """Dagster's runs, each once."""
        return list(dict.fromkeys(each.run_id for each in self.asked if each.run_id))


def planned(asked: Asked, connection: Connection, connector: Connector) -> tuple[AskedSync, ...]:
    """The syncs that this means; those of objects that are gone have failed already.

    Raises ObjectGone where all of them are, UnknownObject, and Refused where it cannot be done.
    """
    objects = asked.objects
    if objects is None:
        objects = [AskedObject(object=each.object) for each in connection.objects]
    if not objects:
        raise Refused(f"{connection.name} syncs no object yet. Choose its objects first.")
    if asked.accept_deletes and not asked.full_sync:
        raise Refused("Only a full sync finds deletes to accept: ask for full_sync as well.")
    syncs: dict[str, AskedSync] = {}
    for each in objects:
        obj, error = None, None
        try:
            obj = object_of(connection, connector, each.object)
        except ObjectGone as gone:
            error = str(gone)
        if connection.choice(each.object) is None:
            raise Refused(f"{each.object} is not chosen on {connection.name}; choose it first.")
        if each.object in syncs:
            raise Refused(f"{each.object} is asked for twice; name each object once.")
        mode, window = _reads(each, obj, full=asked.full_sync, label=connector.label)
        syncs[each.object] = AskedSync(
            object=each.object,
            mode=mode,
            window=window,
            accept_deletes=asked.accept_deletes,
            ended_as=AskedStatus.FAILED if error else None,
            error=error,
        )
    if all(each.ended_as for each in syncs.values()):
        raise ObjectGone(" ".join(each.error or "" for each in syncs.values()))
    return tuple(syncs.values())


def _reads(
    asked: AskedObject, obj: ConnectorObject | None, *, full: bool, label: str
) -> tuple[SyncMode, SyncWindow]:
    """What a sync of it reads; raises Refused."""
    if full and asked.sync_from:
        raise Refused(
            f"{asked.object} cannot be synced in full and from a date at once. Ask for one of them."
        )
    if full:
        return SyncMode.FULL, SyncWindow()
    if asked.sync_from is None:
        return SyncMode.INCREMENTAL, SyncWindow()
    if obj is not None and not obj.incremental:
        raise Refused(
            f"{label} cannot be asked which {asked.object} changed since a date, so they can only "
            "be synced in full. Leave the date out."
        )
    return SyncMode.FROM_DATE, SyncWindow(asked.sync_from)


def by_run(syncs: Iterable[AskedSync]) -> list[list[AskedSync]]:
    """The syncs that one run can carry together: those of one mode and window. Without those that
    have ended."""
    found: dict[AskedSync, list[AskedSync]] = {}
    for each in syncs:
        if each.ended_as is None:
            found.setdefault(replace(each, object="", run_id=None), []).append(each)
    return list(found.values())


def fingerprint(syncs: Iterable[AskedSync]) -> bytes:
    """The same for the same syncs, in whatever order they were named."""
    told = sorted(
        f"{it.object} {it.mode} {it.window.since} {it.window.until} {it.accept_deletes}"
        + (f" {it.ended_as}" if it.ended_as else "")
        for it in syncs
    )
    return blake2b("\n".join(told).encode(), digest_size=16).digest()


def progress(
    request: RequestedSyncs,
    runs: Mapping[str, AskedStatus],
    history: Sequence[SyncResult],
    now: datetime,
) -> RequestedSyncs:
    """The request as it stands, given its runs (those that are still known) and rows of history."""
    rows = {(row.run_id, row.target.object): row for row in history}
    syncs = tuple(
        _progress(each, runs.get(each.run_id or ""), rows.get((each.run_id, each.object)))
        for each in request.asked
    )
    if request.ended_at is not None:
        return replace(request, syncs=syncs)
    launched = (each.status for each in syncs if each.asked.ended_as is None)
    status = _together([*runs.values(), *launched])
    if not status.ended:
        return replace(request, syncs=syncs, status=status)
    status = _together([status, *(each.status for each in syncs)])
    # Kept with the request: its runs and rows of history are forgotten before it is.
    asked = [replace(each.asked, ended_as=each.status, error=each.error) for each in syncs]
    return replace(request, syncs=syncs, asked=tuple(asked), status=status, ended_at=now)


def _progress(asked: AskedSync, run: AskedStatus | None, row: SyncResult | None) -> SyncProgress:
    if asked.ended_as is not None:
        return SyncProgress(asked=asked, status=asked.ended_as, sync=row, error=asked.error)
    if row is not None and row.status is not SyncStatus.RUNNING:
        status = ENDS[row.status]
        return SyncProgress(asked=asked, status=status, sync=row, error=row.error)
    if row is not None:  # a row may say "running" a while after its process died
        alive = run is None or not run.ended or run is AskedStatus.SUCCEEDED
        status = AskedStatus.RUNNING if alive else run or AskedStatus.RUNNING
        error = None if alive else "Its run ended before the sync did. What it had committed stays."
        return SyncProgress(asked=asked, status=status, sync=row, error=error)
    if run is AskedStatus.RUNNING:  # another object's turn
        return SyncProgress(asked=asked, status=AskedStatus.WAITING)
    if run is None:
        error = "Dagster does not know its run any more, and history has no row of it."
        return SyncProgress(asked=asked, status=AskedStatus.FAILED, error=error)
    failed = run is AskedStatus.FAILED
    error = "Its run failed before the sync began. The run's log in Dagster tells why."
    return SyncProgress(asked=asked, status=run, error=error if failed else None)


ENDS = {
    SyncStatus.SUCCEEDED: AskedStatus.SUCCEEDED,
    SyncStatus.FAILED: AskedStatus.FAILED,
    SyncStatus.STALE: AskedStatus.FAILED,
    SyncStatus.STOPPED: AskedStatus.FAILED,  # nobody took back what was asked
    SyncStatus.CANCELED: AskedStatus.CANCELED,
}


def _together(states: Sequence[AskedStatus]) -> AskedStatus:
    """All of them as one: it runs while some wait and others have begun."""
    kinds = set(states)
    if all(each is AskedStatus.WAITING for each in kinds):
        return AskedStatus.WAITING
    if any(not each.ended for each in kinds):
        return AskedStatus.RUNNING
    for worst in (AskedStatus.FAILED, AskedStatus.CANCELED):
        if worst in kinds:
            return worst
    return AskedStatus.SUCCEEDED
