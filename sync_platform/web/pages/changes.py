"""What changed in the vendor's fields, and in our tables, since the account was connected."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from sync_platform.engine.access import Scope
from sync_platform.errors import SyncPlatformError
from sync_platform.web.access import Syncer, ThePlatform
from sync_platform.web.pages.frame import TheConnection, back, connection_page

router = APIRouter(prefix="/connections/{name}/changes")

SHOWN = 500


@router.get("")
def changes_page(request: Request, platform: ThePlatform, connection: TheConnection) -> Response:
    """The changes, newest first."""
    return _changes_page(request, platform, connection)


@router.post("")
def look(
    request: Request, platform: ThePlatform, caller: Syncer, connection: TheConnection
) -> Response:
    """Ask the vendor for its fields now."""
    try:
        found = platform.discover(connection.name)
    except SyncPlatformError as error:
        return _changes_page(request, platform, connection, problem=error)
    return back(connection, "changes", "new-fields" if found else "nothing-new")


def _changes_page(
    request: Request,
    platform: ThePlatform,
    connection: TheConnection,
    problem: SyncPlatformError | None = None,
) -> Response:
    found = platform.schema_changes(connection.name)
    return connection_page(
        request,
        platform,
        connection,
        "changes.html",
        tab="Schema changes",
        problem=problem,
        live=0,
        changes=found[:SHOWN],
        more=max(0, len(found) - SHOWN),
        may_sync=request.state.caller.may(Scope.SYNC),
    )
