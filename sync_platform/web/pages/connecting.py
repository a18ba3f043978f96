"""Adding a connection, up to signing in: which vendor, by which way."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sync_platform.engine.ports import OAuthClient
from sync_platform.errors import SyncPlatformError
from sync_platform.web.access import Admin, ThePerson, ThePlatform, Writer
from sync_platform.web.pages.forms import TheForm
from sync_platform.web.pages.ways import begin, by_key, ways_page
from sync_platform.web.rendering import page

router = APIRouter(prefix="/connect")


@router.get("")
def choose_connector(request: Request, platform: ThePlatform, caller: Writer) -> Response:
    """All connectors, with what each can do."""
    known = sorted(platform.connectors().values(), key=lambda it: it.label.lower())
    return page(request, "connectors.html", title="Add a connection", connectors=known)


@router.get("/{connector}")
def choose_way(request: Request, platform: ThePlatform, caller: Writer, connector: str) -> Response:
    """How to sign in to this vendor."""
    return ways_page(request, platform, platform.connector(connector))


@router.post("/{connector}/oauth")
def to_the_vendor(
    request: Request,
    platform: ThePlatform,
    caller: Writer,
    person: ThePerson,
    connector: str,
    form: TheForm,
) -> Response:
    """Go to the vendor's own page."""
    return begin(request, platform, person, platform.connector(connector), form)


@router.post("/{connector}/key")
def with_key(
    request: Request,
    platform: ThePlatform,
    caller: Writer,
    person: ThePerson,
    connector: str,
    form: TheForm,
) -> Response:
    """Sign in by a key, which is tried at once."""
    return by_key(request, platform, person, platform.connector(connector), form)


@router.post("/{connector}/client")
def keep_client(
    request: Request, platform: ThePlatform, caller: Admin, connector: str, form: TheForm
) -> Response:
    """Keep our app at the vendor, encrypted, so that people can sign in through it."""
    it = platform.connector(connector)
    client = OAuthClient(form.text("client_id"), form.text("client_secret"))
    try:
        platform.set_oauth_client(it.name, client)
    except SyncPlatformError as error:
        return ways_page(request, platform, it, given=form, problem=error)
    return RedirectResponse(f"/connect/{it.name}", 303)
