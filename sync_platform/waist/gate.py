"""Whether a sync may run, and what its end says about its connection."""

from sync_platform.engine import breaker
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import Connection, ConnectionStatus, object_of
from sync_platform.engine.due import TOGETHER, due_syncs
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import (
    CircuitOpen,
    ConnectionPaused,
    NeedsPerson,
    NeedsReauth,
    ObjectGone,
    Refused,
    SyncPlatformError,
    TooManyDeletes,
)
from sync_platform.waist.parts import Parts


def nothing_to_do(parts: Parts, request: SyncRequest) -> str | None:
    """Why a run for this request should end quietly, in a sentence; None if it should run."""
    target = request.target
    connection = parts.store.get(target.connection)
    if connection.choice(target.object) is None:
        return f"{target.object} is not chosen on {target.connection}; nothing to do."
    if not request.automatic:
        return None
    try:
        check(parts, request)
        object_of(connection, parts.connector_of(connection), target.object)
    except (NeedsPerson, ObjectGone, Refused) as reason:
        return str(reason)
    if parts.leases.busy(target):
        return f"{target} is being synced already; nothing to do."
    if request.mode is SyncMode.INCREMENTAL and not _is_due(parts, target):
        return f"{target} was synced a moment ago; nothing to do."
    return None


def check(parts: Parts, request: SyncRequest) -> None:
    """Raises where an automatic sync must not start; what a person asks for always may."""
    if not request.automatic:
        return
    target = request.target
    connection = parts.store.get(target.connection)
    if connection.status is ConnectionStatus.PAUSED:
        raise ConnectionPaused(f"{connection.name} is paused: {connection.status_reason}")
    if connection.status is ConnectionStatus.NEEDS_REAUTH:
        raise NeedsReauth(f"{connection.name} needs a new sign-in: {connection.status_reason}")
    known = parts.past.activity(connection.name).get(target, TargetActivity())
    if breaker.is_open(known.recent, known.resumed_at):
        failure = breaker.to_mend(known.recent, known.resumed_at)
        raise CircuitOpen(
            f"Automatic syncs of {target} are paused after repeated failures. "
            f"Last: {failure.error if failure else ''} Mend that, then resume."
        )


def _is_due(parts: Parts, target: Target) -> bool:
    connection = parts.store.get(target.connection)
    activity = parts.past.activity(connection.name)
    due = due_syncs([connection], parts.connectors(), activity, parts.clock.now() + TOGETHER)
    return any(target.object in each.objects for each in due)


def flag(parts: Parts, name: str, error: SyncPlatformError) -> None:
    """Tell on the connection that someone must act."""
    if isinstance(error, NeedsReauth):
        parts.store.flag(name, ConnectionStatus.NEEDS_REAUTH, str(error))
    elif isinstance(error, NeedsPerson | TooManyDeletes):
        parts.store.flag(name, ConnectionStatus.NEEDS_ATTENTION, str(error))


def unflag(parts: Parts, request: SyncRequest) -> None:
    """A sync that a person asked for went well: if nothing else is wrong, all is well again."""
    if request.automatic:
        return
    connection = parts.store.get(request.target.connection)
    if connection.status not in (ConnectionStatus.NEEDS_ATTENTION, ConnectionStatus.NEEDS_REAUTH):
        return
    if not _waits(parts, connection):
        parts.store.resume(connection.name)


def deletes_waiting(parts: Parts, connection: Connection) -> list[SyncResult]:
    """The full syncs of chosen objects whose deletes wait for a person, newest first."""
    waiting = parts.past.waiting(connection.name)
    return [it for it in waiting if connection.choice(it.target.object) is not None]


def _waits(parts: Parts, connection: Connection) -> bool:
    """Whether some chosen object waits for a person: its breaker is open, or a full sync of it was
    refused for its deletes and none has gone well since."""
    if deletes_waiting(parts, connection):
        return True
    known = parts.past.activity(connection.name)
    broken = [it for it in known if breaker.is_open(known[it].recent, known[it].resumed_at)]
    return any(connection.choice(target.object) is not None for target in broken)
