"""Syncs that someone asks for: launched as Dagster runs, followed, and stopped."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.requested import (
    Asked,
    AskedStatus,
    AskedSync,
    RequestedSyncs,
    by_run,
    planned,
    progress,
)
from sync_platform.engine.results import SyncResult
from sync_platform.errors import Refused, SyncPlatformError, UnknownSync
from sync_platform.settings import Grain
from sync_platform.transport.dagster import REQUEST_TAG, Launch
from sync_platform.waist.parts import Parts


def request_syncs(parts: Parts, connection: str, asked: Asked, *, by: str) -> RequestedSyncs:
    """Launch the runs that do what is asked; answers at once, with their ids.

    While the same was asked and waits or runs, that one is given again. An object that is chosen
    and gone has failed in it; the others are synced. Raises UnknownConnection, UnknownObject,
    Refused; DagsterUnavailable, and then nothing was started.
    """
    it = parts.store.get(connection)
    wanted = planned(asked, it, parts.connector_of(it))
    with parts.sync_requests.turn(connection):
        for earlier in parts.sync_requests.under_way(connection, wanted):
            known = _as_it_stands(parts, earlier)
            if not known.status.ended:
                return known
        request = RequestedSyncs(
            id=parts.sync_requests.new_id(),
            connection=connection,
            asked=wanted,
            asked_by=by,
            asked_at=parts.clock.now(),
        )
        try:
            request = replace(request, asked=_launched(parts, it.connector, request))
            parts.sync_requests.add(request)
        except SyncPlatformError:
            with suppress(SyncPlatformError):  # also one whose launch was not answered in time
                parts.runs.cancel(list(parts.runs.of_request(request.id)))
            raise
    waiting = dict.fromkeys(request.run_ids, AskedStatus.WAITING)
    return progress(request, waiting, (), parts.clock.now())


def sync_request(parts: Parts, connection: str, id: str) -> RequestedSyncs:
    """What was asked, and how far it is; of a sync that nobody asked for, by its id in the
    history, as much. Raises UnknownConnection, UnknownSync, and DagsterUnavailable while it is not
    known how it ended."""
    parts.store.get(connection)
    could_be = re.fullmatch("[0-9a-f]{32}", id) is not None
    request = parts.sync_requests.get(connection, id) if could_be else None
    if request is not None:
        return _as_it_stands(parts, request)
    sync = parts.past.get(id) if could_be else None
    if sync is None or sync.target.connection != connection:
        raise UnknownSync(
            f"{connection} has no sync {id[:40]!r}, or it is not kept any more: history keeps the "
            "last 50 syncs of a connection, and what was asked for 30 days."
        )
    return _by_itself(sync)


def under_way(parts: Parts, connection: str) -> list[RequestedSyncs]:
    """What was asked for and has not ended, newest first. Raises DagsterUnavailable."""
    seen = [_as_it_stands(parts, each) for each in parts.sync_requests.open(connection)]
    return [each for each in seen if not each.status.ended]


def cancel_syncs(parts: Parts, connection: str, id: str) -> RequestedSyncs:
    """Stop its runs, those that wait and those that run; what was committed stays. One that has
    ended stays as it is. Raises what `sync_request` does."""
    request = sync_request(parts, connection, id)
    if request.status.ended:
        return request
    if not request.run_ids:
        raise Refused(
            "This sync was started in a terminal, not as a Dagster run, so it cannot be stopped "
            "from here. Stop it there with Ctrl-C."
        )
    parts.runs.cancel(request.run_ids)
    parts.sync_requests.canceled(request.id)
    return sync_request(parts, connection, id)


def _as_it_stands(parts: Parts, request: RequestedSyncs) -> RequestedSyncs:
    """With its runs' states and rows of history; its end is kept once it is seen."""
    ids = request.run_ids
    # Runs first: one that has ended by now has written its history before.
    runs = parts.runs.states(ids) if request.ended_at is None else {}
    seen = progress(
        request, runs, parts.sync_requests.history(request.connection, ids), parts.clock.now()
    )
    if seen.status is not request.status:
        parts.sync_requests.saw(seen)
    return seen


def _by_itself(sync: SyncResult) -> RequestedSyncs:
    """A sync of the history, told as if it had been asked for."""
    one = AskedSync(
        object=sync.target.object, mode=sync.mode, window=sync.window, run_id=sync.run_id
    )
    request = RequestedSyncs(
        id=sync.id, connection=sync.target.connection, asked=(one,), asked_at=sync.started_at
    )
    return progress(request, {}, (sync,), sync.finished_at or sync.started_at)


def _launched(parts: Parts, connector: str, request: RequestedSyncs) -> tuple[AskedSync, ...]:
    """What was asked, with the ids of the runs that were launched for it."""
    launched = [each for each in request.asked if each.ended_as is not None]
    for together in by_run(request.asked):
        run_id = parts.runs.launch(
            Launch(
                connector=connector,
                connection=request.connection,
                objects=[each.object for each in together],
                date=date_partition(parts.clock.now(), parts.settings.grain),
                config=_config(together),
                tags={REQUEST_TAG: request.id},
            )
        )
        launched += [replace(each, run_id=run_id) for each in together]
    return tuple(launched)


def _config(together: Sequence[AskedSync]) -> dict[str, Any]:
    """What the runs' assets are given: `defs.partitions.SyncConfig`."""
    one = together[0]
    if one.mode is SyncMode.FROM_DATE and one.window.since:
        until = one.window.until
        return {"since": one.window.since.isoformat()} | (
            {"until": until.isoformat()} if until else {}
        )
    return {"mode": one.mode.value, "accept_deletes": one.accept_deletes}


def date_partition(now: datetime, grain: Grain) -> str:
    """The key of the date partition that holds the present: a day, a Monday, a month's first."""
    today = now.date()
    if grain == "week":
        today -= timedelta(days=today.weekday())
    elif grain == "month":
        today = today.replace(day=1)
    return today.isoformat()
