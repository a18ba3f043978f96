"""What a person may do with a connection as a whole: sign in, rename, pause, disconnect."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sync_platform.engine.access import Scope
from sync_platform.engine.connections import Connection
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.web.access import ThePlatform, Writer
from sync_platform.web.pages.forms import TheForm
from sync_platform.web.pages.frame import TheConnection, back, connection_page

router = APIRouter(prefix="/connections/{name}")


@router.get("/settings")
def settings_page(request: Request, platform: ThePlatform, connection: TheConnection) -> Response:
    """What is known of the connection, and what can be done with it."""
    return _settings_page(request, platform, connection)


@router.post("/settings/label")
def rename(
    request: Request,
    platform: ThePlatform,
    caller: Writer,
    connection: TheConnection,
    form: TheForm,
) -> Response:
    """Call it otherwise."""
    try:
        platform.rename(connection.name, form.text("label"))
    except SyncPlatformError as error:
        return _settings_page(request, platform, connection, problem=error)
    return back(connection, "settings", "saved")


@router.post("/settings/pause")
def pause(platform: ThePlatform, caller: Writer, connection: TheConnection) -> Response:
    """No automatic syncs for now."""
    platform.pause(connection.name, f"Paused by {caller.name}.")
    return back(connection, "settings", "paused")


@router.post("/settings/resume")
def resume(platform: ThePlatform, caller: Writer, connection: TheConnection) -> Response:
    """Automatic syncs again; failures from before no longer count."""
    platform.resume(connection.name)
    return back(connection, said="resumed")


@router.get("/disconnect")
def disconnect_page(
    request: Request, platform: ThePlatform, caller: Writer, connection: TheConnection
) -> Response:
    """Asks whether it is meant."""
    return _disconnect_page(request, platform, connection)


@router.post("/disconnect")
def disconnect(
    request: Request,
    platform: ThePlatform,
    caller: Writer,
    connection: TheConnection,
    form: TheForm,
) -> Response:
    """Forget the connection; its tables stay."""
    if form.text("name") != connection.name:
        return _disconnect_page(request, platform, connection, wrong=True)
    try:
        platform.disconnect(connection.name)
    except SyncPlatformError as error:
        return _disconnect_page(request, platform, connection, problem=error)
    return RedirectResponse("/", 303)


def _settings_page(
    request: Request,
    platform: ThePlatform,
    connection: TheConnection,
    problem: SyncPlatformError | None = None,
) -> Response:
    return connection_page(
        request,
        platform,
        connection,
        "connection_settings.html",
        tab="Settings",
        problem=problem,
        live=0,
        setting_labels=_labels(platform, connection),
        may_change=request.state.caller.may(Scope.WRITE),
    )


def _labels(platform: Platform, connection: Connection) -> dict[str, str]:
    """What people call the settings; those of a connector that is gone have their names."""
    connector = platform.connectors().get(connection.connector)
    if connector is None:
        return {}
    limits = {f"rate_limit.{it.name}": f"Call limit “{it.name}”" for it in connector.limits}
    return {**limits, **{it.name: it.label for it in connector.settings}}


def _disconnect_page(
    request: Request,
    platform: ThePlatform,
    connection: TheConnection,
    *,
    problem: SyncPlatformError | None = None,
    wrong: bool = False,
) -> Response:
    told = f"That is not the name. Type {connection.name} to disconnect it." if wrong else problem
    return connection_page(
        request,
        platform,
        connection,
        "disconnect.html",
        tab="Settings",
        problem=told,
        live=0,
    )
