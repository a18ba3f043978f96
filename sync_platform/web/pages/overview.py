"""A connection's first page: how it is, what to do, and where its objects stand."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from sync_platform.engine import breaker
from sync_platform.engine.access import Scope
from sync_platform.engine.due import RUNS_BY_ITSELF, due_at
from sync_platform.engine.results import SyncResult, SyncStatus
from sync_platform.spec import ConnectorObject
from sync_platform.waist.choosing import ObjectState
from sync_platform.web.access import Syncer, ThePlatform
from sync_platform.web.pages.frame import TheConnection, back, connection_page, states_of
from sync_platform.web.pages.progress import progress_of

router = APIRouter(prefix="/connections/{name}")


@router.get("")
def overview_page(
    request: Request,
    platform: ThePlatform,
    connection: TheConnection,
) -> Response:
    """How the connection is."""
    history = platform.history(connection.name)
    watched = request.query_params.get("request")
    progress = progress_of(platform, connection.name, history, watched)
    states = [it for it in states_of(platform, connection) if it.choice is not None]
    now = platform.clock.now()
    connector = platform.connectors().get(connection.connector)
    by_itself = connection.status in RUNS_BY_ITSELF
    upcoming = {
        it.obj.name: due_at(
            connector, connection, it.choice, it.activity.last_started_at, it.activity.resumed_at,
            now,
        )
        for it in states
        if connector and it.choice and by_itself and not it.paused and not it.activity.running
    }  # fmt: skip
    stops = _stops(states)
    return connection_page(
        request,
        platform,
        connection,
        "overview.html",
        tab="Overview",
        live=2 if progress.going else 15,
        progress=progress,
        states=states,
        latest=_latest(states, history),
        upcoming=upcoming,
        stops=stops,
        told={connection.status_reason, *stops},
        tables=platform.tables(connection.name),
        may_change=request.state.caller.may(Scope.WRITE),
    )


@router.post("/objects/{object}/resume")
def resume_object(
    platform: ThePlatform, caller: Syncer, connection: TheConnection, object: str
) -> Response:
    """Let automatic syncs of an object run again."""
    platform.resume(connection.name, object)
    return back(connection, said="resumed")


def _stops(states: list[ObjectState]) -> dict[str, list[ConnectorObject]]:
    """The objects whose automatic syncs are stopped, by what is to be mended."""
    found: dict[str, list[ConnectorObject]] = {}
    for it in states:
        if it.paused:
            failure = breaker.to_mend(it.activity.recent, it.activity.resumed_at)
            error = failure.error if failure else None
            found.setdefault(error or "no reason is known.", []).append(it.obj)
    return found


def _latest(states: list[ObjectState], history: list[SyncResult]) -> dict[str, SyncResult]:
    """Each object's latest sync that ended: of the last 50, else what the breaker remembers."""
    found: dict[str, SyncResult] = {}
    for it in history:
        if it.status is not SyncStatus.RUNNING:
            found.setdefault(it.target.object, it)
    for state in states:
        if state.activity.recent:
            found.setdefault(state.obj.name, state.activity.recent[0])
    return found
