"""Signing a connection in again: its tables, cursors and history stay."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from sync_platform.web.access import ThePerson, ThePlatform, Writer
from sync_platform.web.pages.forms import TheForm
from sync_platform.web.pages.frame import TheConnection
from sync_platform.web.pages.ways import begin, by_key, ways_page

router = APIRouter(prefix="/connections/{name}/sign-in")


@router.get("")
def choose_way(
    request: Request, platform: ThePlatform, caller: Writer, connection: TheConnection
) -> Response:
    """How to sign in."""
    connector = platform.declared(connection)
    return ways_page(request, platform, connector, connection=connection)


@router.post("/oauth")
def to_the_vendor(
    request: Request,
    platform: ThePlatform,
    caller: Writer,
    person: ThePerson,
    connection: TheConnection,
    form: TheForm,
) -> Response:
    """Go to the vendor's own page."""
    return begin(request, platform, person, platform.declared(connection), form, connection)


@router.post("/key")
def with_key(
    request: Request,
    platform: ThePlatform,
    caller: Writer,
    person: ThePerson,
    connection: TheConnection,
    form: TheForm,
) -> Response:
    """Give it another key, which is tried at once."""
    return by_key(request, platform, person, platform.declared(connection), form, connection)
