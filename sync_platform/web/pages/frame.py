"""What all pages of one connection have in common: whose it is, how it is, its tabs."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from sync_platform.engine.connections import Connection
from sync_platform.engine.due import interval_of
from sync_platform.engine.ports import ObjectChoice
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.waist.choosing import ObjectState
from sync_platform.web.access import Reader, ThePlatform
from sync_platform.web.api.connections import seen
from sync_platform.web.rendering import page

SAID = {  # what a page is told to say by its address
    "first-sync-later": "Connected. The first sync could not be started right away, because "
    "Dagster does not answer just now. It starts by itself, at the next tick of Dagster's sensor.",
    "signed-in": "Signed in again. Syncs go on where they were.",
    "saved": "Saved.",
    "paused": "Paused. No automatic syncs until you resume it; you can still sync by hand.",
    "resumed": "Resumed. Automatic syncs run again.",
    "nothing-new": "The vendor's fields are as they were.",
    "new-fields": "The vendor's fields have changed; see below. The next syncs make the tables "
    "follow.",
    "canceled": "Asked to stop. What was committed stays.",
}


def _connection(platform: ThePlatform, caller: Reader, name: str) -> Connection:
    return seen(platform, caller, name)


TheConnection = Annotated[Connection, Depends(_connection)]
"""`connection: TheConnection` in a handler: the one of the path, if the caller may see it."""


def states_of(platform: Platform, connection: Connection) -> list[ObjectState]:
    """The connection's objects and where they stand; none where its connector is not there."""
    if connection.connector not in platform.connectors():
        return []
    return platform.objects(connection.name)


def connection_page(
    request: Request,
    platform: Platform,
    connection: Connection,
    template: str,
    *,
    tab: str,
    problem: SyncPlatformError | str | None = None,
    live: int = 15,
    **values: Any,
) -> Response:
    """A page of the connection. `live`: after how many seconds a browser looks again; 0: never."""
    known = connection.connector in platform.connectors()
    connector = platform.connector_of(connection) if known else None
    every = None
    if connector is not None:
        every = interval_of(connector, connection, ObjectChoice(object=""))
    return page(
        request,
        template,
        title=f"{connection.title}: {tab}",
        part=tab,
        connection=connection,
        target=connector,
        labels={each.name: each.label or each.name for each in connector.objects}
        if connector
        else {},
        overview=platform.overviews(connection.name)[0],
        every=every,
        now=platform.clock.now(),
        problem=problem,
        said=SAID.get(request.query_params.get("said", "")),
        live=live,
        **values,
    )


def back(connection: Connection, tab: str = "", said: str | None = None) -> Response:
    """On to another page of the connection, after a form."""
    path = f"/connections/{connection.name}{'/' if tab else ''}{tab}"
    return RedirectResponse(f"{path}?said={said}" if said else path, 303)
