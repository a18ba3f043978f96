"""Which of a connection's objects are synced, with which filters, how often; and their tables."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from sync_platform.engine.access import Scope
from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import ObjectChoice
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.web.access import ThePlatform, Writer
from sync_platform.web.pages.forms import Sent, TheForm
from sync_platform.web.pages.frame import TheConnection, back, connection_page, states_of

router = APIRouter(prefix="/connections/{name}/tables")


@router.get("")
def tables_page(request: Request, platform: ThePlatform, connection: TheConnection) -> Response:
    """The objects and their tables."""
    return _tables_page(request, platform, connection)


@router.post("")
def save(
    request: Request,
    platform: ThePlatform,
    caller: Writer,
    connection: TheConnection,
    form: TheForm,
) -> Response:
    """Keep what was chosen, all of it or nothing."""
    try:
        interval = form.minutes("interval")
        platform.adjust(
            connection.name,
            objects=[
                ObjectChoice(
                    object=each,
                    interval=form.minutes(f"interval.{each}"),
                    filters=form.within(f"filter.{each}"),
                )
                for each in form.all("objects")
            ],
            interval=interval,
            interval_default=interval is None,
        )
    except SyncPlatformError as error:
        return _tables_page(request, platform, connection, given=form, problem=error)
    return back(connection, "tables", "saved")


def _tables_page(
    request: Request,
    platform: Platform,
    connection: Connection,
    *,
    given: Sent | None = None,
    problem: SyncPlatformError | None = None,
) -> Response:
    states = states_of(platform, connection)
    kept = {it.obj.name: it.choice for it in states if it.choice is not None}
    return connection_page(
        request,
        platform,
        connection,
        "tables.html",
        tab="Tables",
        problem=problem,
        live=0,
        states=states,
        chosen=set(given.all("objects")) if given else set(kept),
        filters={
            it.obj.name: given.within(f"filter.{it.obj.name}")
            if given
            else dict(kept[it.obj.name].filters)
            if it.obj.name in kept
            else {}
            for it in states
        },
        given=given,
        tables=platform.tables(connection.name),
        may_change=request.state.caller.may(Scope.WRITE),
    )
