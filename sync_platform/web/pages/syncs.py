"""A connection's syncs: started, watched, stopped, and what became of the last 50."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sync_platform.engine.access import Scope
from sync_platform.engine.connections import Connection
from sync_platform.engine.requested import Asked, AskedObject
from sync_platform.errors import ConfigurationError, SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.web.access import Syncer, ThePlatform
from sync_platform.web.pages.forms import Sent, TheForm
from sync_platform.web.pages.frame import TheConnection, back, connection_page, states_of
from sync_platform.web.pages.progress import progress_of

router = APIRouter(prefix="/connections/{name}/syncs")


@router.get("")
def syncs_page(request: Request, platform: ThePlatform, connection: TheConnection) -> Response:
    """What runs, what can be started, what was."""
    return _syncs_page(request, platform, connection)


@router.post("")
def start(
    request: Request,
    platform: ThePlatform,
    caller: Syncer,
    connection: TheConnection,
    form: TheForm,
) -> Response:
    """Ask for syncs of all objects, or of those that are ticked."""
    try:
        made = platform.request_syncs(connection.name, _asked(form), by=caller.name)
    except SyncPlatformError as error:
        return _syncs_page(request, platform, connection, given=form, problem=error)
    return RedirectResponse(f"/connections/{connection.name}/syncs?request={made.id}", 303)


@router.post("/{id}/cancel")
def cancel(
    request: Request, platform: ThePlatform, caller: Syncer, connection: TheConnection, id: str
) -> Response:
    """Stop what was asked for."""
    try:
        platform.cancel_syncs(connection.name, id)
    except SyncPlatformError as error:
        return _syncs_page(request, platform, connection, problem=error)
    return back(connection, "syncs", "canceled")


def _asked(form: Sent) -> Asked:
    """What the form asks for. Raises ConfigurationError."""
    named = form.all("objects")
    since = None
    if form.text("mode") == "from_date":
        since = _date(form.text("since"))
        if not named:
            raise ConfigurationError("Choose the objects to sync from that date.")
    objects = [AskedObject(object=each, sync_from=since) for each in named] or None
    full = form.text("mode") == "full"
    return Asked(objects=objects, full_sync=full, accept_deletes=form.has("accept_deletes"))


def _date(text: str) -> datetime:
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError("Choose the date from which to sync.") from None
    if not 1970 <= since.year <= 9000:
        raise ConfigurationError("The date's year must be from 1970 to 9000.")
    return since.astimezone(UTC) if since.tzinfo else since.replace(tzinfo=UTC)


def _syncs_page(
    request: Request,
    platform: Platform,
    connection: Connection,
    *,
    given: Sent | None = None,
    problem: SyncPlatformError | None = None,
) -> Response:
    history = platform.history(connection.name)
    watched = request.query_params.get("request")
    progress = progress_of(platform, connection.name, history, watched)
    states = [it for it in states_of(platform, connection) if it.choice is not None]
    guarded = platform.deletes_waiting(connection.name)
    return connection_page(
        request,
        platform,
        connection,
        "syncs.html",
        tab="Syncs",
        problem=problem,
        live=2 if progress.going else 15,
        progress=progress,
        history=history,
        states=states,
        dated=[it.obj for it in states if it.obj.incremental],
        chosen=set(given.all("objects")) if given else None,
        since=given.text("since") if given else "",
        guarded=guarded,
        told={it.error for it in guarded},
        link=platform.runs.link,
        may_sync=request.state.caller.may(Scope.SYNC),
    )
