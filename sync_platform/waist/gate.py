"""Whether a sync may run, and what its end says about its connection."""

from collections.abc import Sequence
from datetime import datetime

from sync_platform.engine import breaker
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import Connection, ConnectionStatus, object_of
from sync_platform.engine.due import (
    TOGETHER,
    DueConnection,
    due_computed,
    due_fulls,
    due_syncs,
)
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncResult
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
from sync_platform.spec import Connector
from sync_platform.waist.parts import Parts

UNLISTED = "Its objects could not be listed: "  # begins a flag that no sync has raised


def nothing_to_do(parts: Parts, request: SyncRequest) -> str | None:
    """Why a run for this request should end quietly, in a sentence; None if it should run."""
    target = request.target
    connection = parts.store.get(target.connection)
    if connection.choice(target.object) is None:
        return f"{target.object} is not chosen on {target.connection}; nothing to do."
    if not request.automatic:
        return None
    try:
        check(parts, request, connection)
        connector = parts.connector_of(connection)
        object_of(connection, connector, target.object)
    except (NeedsPerson, ObjectGone, Refused) as reason:
        return str(reason)
    busy = parts.leases.why_not(target)
    if busy is not None:
        return f"{busy.rstrip('.')}; nothing to do."
    if not _is_due(parts, request, connection, connector):
        if request.mode is SyncMode.INCREMENTAL:
            return f"{target} was synced a moment ago; nothing to do."
        return f"The {request.mode.value} sync of {target} is not due any more; nothing to do."
    return None


def check(parts: Parts, request: SyncRequest, connection: Connection) -> None:
    """Raises where an automatic sync must not start; what a person asks for always may."""
    if not request.automatic:
        return
    target = request.target
    if connection.status is ConnectionStatus.PAUSED:
        raise ConnectionPaused(f"{connection.name} is paused: {connection.status_reason}")
    if connection.status is ConnectionStatus.NEEDS_REAUTH:
        raise NeedsReauth(f"{connection.name} needs a new sign-in: {connection.status_reason}")
    known = parts.past.activity(connection.name).get(target, TargetActivity())
    if breaker.is_open(known.recent, known.resumed_at):
        failure = breaker.to_mend(known.recent, known.resumed_at)
        raise CircuitOpen(
            f"Automatic syncs of {target} are paused after {breaker.opened_by(failure)}. "
            f"Last: {failure.error if failure else ''} Mend that, then resume."
        )


def _is_due(
    parts: Parts, request: SyncRequest, connection: Connection, connector: Connector
) -> bool:
    """Whether it is (still) due. A run may have waited in a queue, and another one been quicker.
    Whatever is due of an object without a cursor, a full sync does it."""
    name, mode = request.target.object, request.mode
    activity, now = parts.past.activity(connection.name), parts.clock.now() + TOGETHER
    due: list[DueConnection] = []
    if mode is SyncMode.INCREMENTAL or not connector[name].incremental:
        due += due_syncs([connection], parts.connectors(), activity, now)
    if mode is SyncMode.FULL:
        due += due_fulls([connection], activity, now, parts.settings.full_sync_hour)
    if mode is SyncMode.COMPUTED:
        due += due_computed([(connection, connector)], activity, now)
    return mode is SyncMode.FROM_DATE or any(name in each.objects for each in due)


def flag(
    parts: Parts,
    name: str,
    error: SyncPlatformError,
    *,
    what: str = "",
    since: datetime | None = None,
) -> None:
    """Tell on the connection that someone must act; of `what`, if it was no sync. That its sign-in
    was refused is not told where it was made anew `since` (see `Connections.flag`)."""
    if isinstance(error, NeedsReauth):
        parts.store.flag(name, ConnectionStatus.NEEDS_REAUTH, str(error), since=since)
    elif isinstance(error, NeedsPerson | TooManyDeletes):
        parts.store.flag(name, ConnectionStatus.NEEDS_ATTENTION, f"{what}{error}")


def unflag(parts: Parts, request: SyncRequest, known: Connection) -> None:
    """A sync went well: if nothing else is wrong, all is well again. `known` is the connection as
    it was planned. One that runs by itself looks only where that was flagged, and proves neither
    that somebody has signed in, nor that the vendor lists its objects."""
    if not request.automatic:
        settle(parts, known.name, ConnectionStatus.NEEDS_REAUTH)
    elif known.status is ConnectionStatus.NEEDS_ATTENTION and not is_unlisted(known):
        settle(parts, known.name)


def resume(parts: Parts, name: str) -> None:
    """Let the connection sync by itself again; failures from before no longer count. What waits for
    a person all the same, as deletes that nobody has accepted, is told on it."""
    parts.store.resume(name)
    settle(parts, name, ConnectionStatus.ACTIVE)


def is_unlisted(connection: Connection) -> bool:
    """Whether its flag tells that its objects could not be listed."""
    return (connection.status_reason or "").startswith(UNLISTED)


def settle(parts: Parts, name: str, *also: ConnectionStatus) -> None:
    """Take the flag from a connection that needs attention (or `also`) where nothing waits for a
    person any more; else tell what does, where its flag tells of something that is over."""
    connection = parts.store.get(name)
    if connection.status not in (ConnectionStatus.NEEDS_ATTENTION, *also):
        return
    newest = _told(_waiting(parts, connection))
    if not newest or connection.status is ConnectionStatus.NEEDS_REAUTH:
        parts.store.unflag(connection)  # somebody's sync proves the sign-in
    if newest and connection.status_reason not in newest:
        parts.store.flag(name, ConnectionStatus.NEEDS_ATTENTION, newest[0])


def deletes_waiting(parts: Parts, connection: Connection) -> list[SyncResult]:
    """The full syncs of chosen objects whose deletes wait for a person, newest first."""
    waiting = parts.past.waiting(connection.name)
    return [it for it in waiting if connection.choice(it.target.object) is not None]


def _waiting(parts: Parts, connection: Connection) -> list[SyncResult]:
    """The syncs of chosen objects that wait for a person, newest first: what has opened a breaker,
    and full syncs that were refused for their deletes, if none has gone well since."""
    found = deletes_waiting(parts, connection)
    for target, known in parts.past.activity(connection.name).items():
        if connection.choice(target.object) is not None:
            failure = breaker.to_mend(known.recent, known.resumed_at)
            if failure is not None and breaker.is_open(known.recent, known.resumed_at):
                found.append(failure)
    return sorted(found, key=lambda it: it.started_at, reverse=True)


def _told(waiting: Sequence[SyncResult]) -> list[str]:
    """What these say, in their order. Where a sign-in was refused, it works by now, and only
    resuming is left to do: one sentence tells that of all such objects."""
    code = NeedsReauth().code
    refused = [it.target for it in waiting if it.error_code == code]
    left = ""
    if refused:
        name, objects = refused[0].connection, [it.object for it in refused]
        left = (
            f"Automatic syncs of {', '.join(objects)} stopped when the sign-in was refused. It "
            "works again; resume them on the connection's page, or with: "
            f"sync-platform resume {name} {objects[0] if len(objects) == 1 else 'OBJECT'}"
        )
    told = [left if it.error_code == code else it.error for it in waiting]
    return [sentence for sentence in dict.fromkeys(told) if sentence]
