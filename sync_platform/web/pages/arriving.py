"""Adding a connection, from signing in on: back from the vendor, what it asks for, what to sync."""

import logging
import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.requested import Asked as AskedSyncs
from sync_platform.engine.signing_in import Asked, Offered, SignIn, SignInStatus
from sync_platform.errors import OtherAccount, RetryLater, SyncPlatformError, Unexpected
from sync_platform.platform import Platform
from sync_platform.spec import Connector
from sync_platform.web import browsers
from sync_platform.web.access import ThePlatform, Writer
from sync_platform.web.browsers import Browser
from sync_platform.web.pages.forms import Sent, TheForm
from sync_platform.web.rendering import page
from sync_platform.web.telling import status_of

log = logging.getLogger("sync_platform")

router = APIRouter(prefix="/connect")

FIRST_SYNC_LATER = "first-sync-later"  # what a connection's page is told to say


@router.get("/callback")
def back_from_the_vendor(request: Request, platform: ThePlatform) -> Response:
    """The vendor sends the person back here, with a code or a refusal. The code is used at once, as
    it may live for seconds; whose session has ended meanwhile is asked to sign in and goes on."""
    params = dict(request.query_params)
    begun = None
    try:
        browser = browsers.coming_back(request, platform)
        begun = platform.connecting.begun(params, browser=browser)
        sign_in = platform.connecting.finish(params, browser=browser)
    except SyncPlatformError as error:
        return _not_connected(request, error, begun)
    address = _address(sign_in)
    gone = request.state.caller is None
    return RedirectResponse(f"/sign-in?next={quote(address)}" if gone else address, 303)


def _sign_in(platform: ThePlatform, caller: Writer, browser: Browser, id: str) -> SignIn:
    return platform.connecting.get(id, browser=browser)


TheSignIn = Annotated[SignIn, Depends(_sign_in)]
"""`sign_in: TheSignIn` in a handler: the one of the path, begun in this browser."""


@router.get("/sign-ins/{id}")
def go_on(
    request: Request, platform: ThePlatform, browser: Browser, sign_in: TheSignIn
) -> Response:
    """What is still to be asked; or, of a connection that is signed in anew, the end of it."""
    if sign_in.status is SignInStatus.DONE:
        return _connected_already(sign_in)
    try:
        asked = _questions(platform.connecting.asks(sign_in.id, browser=browser))
    except SyncPlatformError as error:
        return _not_connected(request, error, sign_in)
    if asked and (not sign_in.again or any(each.open for each in asked)):
        return _options_page(request, platform, sign_in, asked)
    if sign_in.again:
        return _renewed(request, platform, browser, sign_in)
    return RedirectResponse(f"{_address(sign_in)}/objects", 303)


@router.post("/sign-ins/{id}")
def answer(
    request: Request,
    platform: ThePlatform,
    browser: Browser,
    sign_in: TheSignIn,
    form: TheForm,
) -> Response:
    """Take answers in; ask on where one question follows from another."""
    answered = set(form.all("asked"))
    chosen = {name: ",".join(form.all(f"option.{name}")) for name in answered}
    connecting = platform.connecting
    try:
        connecting.answer(sign_in.id, chosen, browser=browser)
        asked = _questions(connecting.asks(sign_in.id, browser=browser))
    except SyncPlatformError as error:
        asked = _questions(connecting.asks(sign_in.id, browser=browser))
        return _options_page(request, platform, sign_in, asked, problem=error)
    if {each.setting.name for each in asked} - answered:
        return _options_page(request, platform, sign_in, asked)
    if sign_in.again:
        return _renewed(request, platform, browser, sign_in)
    return RedirectResponse(f"{_address(sign_in)}/objects", 303)


@router.post("/sign-ins/{id}/confirm")
def confirm(
    request: Request, platform: ThePlatform, browser: Browser, sign_in: TheSignIn
) -> Response:
    """Another account takes the place of the connection's own: the person said so."""
    return _renewed(request, platform, browser, sign_in, confirmed=True)


@router.get("/sign-ins/{id}/objects")
def choose_objects(
    request: Request, platform: ThePlatform, browser: Browser, sign_in: TheSignIn
) -> Response:
    """What to sync, of what the account has; and what the connection is called."""
    if sign_in.status is SignInStatus.DONE:
        return _connected_already(sign_in)
    return _objects_page(request, platform, browser, sign_in)


@router.post("/sign-ins/{id}/objects")
def connect(
    request: Request,
    platform: ThePlatform,
    caller: Writer,
    browser: Browser,
    sign_in: TheSignIn,
    form: TheForm,
) -> Response:
    """Make the connection. Its first sync starts at once."""
    if sign_in.status is SignInStatus.DONE:  # the button was pressed twice
        return _connected_already(sign_in)
    choices = [
        ObjectChoice(object=each, filters=form.within(f"filter.{each}"))
        for each in form.all("objects")
    ]
    if not choices:
        nothing = "Choose at least one object to sync."
        return _objects_page(request, platform, browser, sign_in, given=form, problem=nothing)
    try:
        connection = platform.connecting.complete(
            sign_in.id,
            browser=browser,
            name=form.text("name"),
            schema=form.text("schema") or None,
            objects=choices,
            interval=form.minutes("interval"),
            confirmed=form.text("confirmed") == "yes",
        )
    except SyncPlatformError as error:
        return _objects_page(request, platform, browser, sign_in, given=form, problem=error)
    return RedirectResponse(_first_sync(platform, connection, caller.name), 303)


def _first_sync(platform: Platform, connection: Connection, by: str) -> str:
    """Where it can be watched. It is due in any case: where Dagster cannot be reached just now,
    its sensor finds it."""
    try:
        made = platform.request_syncs(connection.name, AskedSyncs(), by=by)
    except (RetryLater, Unexpected) as error:
        log.warning("The first sync of %s could not be launched: %s", connection.name, error)
        return f"/connections/{connection.name}?said={FIRST_SYNC_LATER}"
    return f"/connections/{connection.name}?request={made.id}"


def _connected_already(sign_in: SignIn) -> Response:
    return RedirectResponse(f"/connections/{sign_in.connection}", 303)


def _address(sign_in: SignIn) -> str:
    return f"{browsers.SIGN_INS}{sign_in.id}"


def _questions(asked: Sequence[Asked]) -> list[Asked]:
    """Those that leave something to choose."""
    return [each for each in asked if each.open or len(each.options) > 1]


def _renewed(
    request: Request,
    platform: Platform,
    browser: str,
    sign_in: SignIn,
    *,
    confirmed: bool = False,
) -> Response:
    try:
        it = platform.connecting.complete(sign_in.id, browser=browser, confirmed=confirmed)
    except OtherAccount as error:
        connection = platform.connection(sign_in.connection or "")
        return page(
            request,
            "other_account.html",
            title="Another account",
            sentence=str(error),
            connection=connection,
            here_to=_address(sign_in),
        )
    except SyncPlatformError as error:
        return _not_connected(request, error, sign_in)
    return RedirectResponse(f"/connections/{it.name}?said=signed-in", 303)


def _not_connected(request: Request, error: SyncPlatformError, sign_in: SignIn | None) -> Response:
    """Why not, and the way to where it was begun."""
    again = "/connect"
    if sign_in is not None:
        again = f"/connect/{sign_in.connector}"
        if sign_in.again:
            again = f"/connections/{sign_in.connection}/sign-in"
    return page(
        request,
        "not_connected.html",
        status=status_of(error),
        title="The account was not connected",
        sentence=str(error),
        again=again,
    )


def _options_page(
    request: Request,
    platform: Platform,
    sign_in: SignIn,
    asked: Sequence[Asked],
    problem: SyncPlatformError | None = None,
) -> Response:
    connector = platform.connector(sign_in.connector)
    return page(
        request,
        "options.html",
        title=f"Connect {connector.label}",
        target=connector,
        sign_in=sign_in,
        asked=asked,
        problem=problem,
        here_to=_address(sign_in),
    )


def _objects_page(
    request: Request,
    platform: Platform,
    browser: str,
    sign_in: SignIn,
    *,
    given: Sent | None = None,
    problem: SyncPlatformError | str | None = None,
) -> Response:
    connector = platform.connector(sign_in.connector)
    try:
        offered = platform.connecting.offered(sign_in.id, browser=browser)
    except SyncPlatformError as error:
        return _not_connected(request, error, sign_in)
    taken = {each.name for each in platform.connections()}
    return page(
        request,
        "objects.html",
        title=f"Connect {connector.label}",
        target=connector,
        sign_in=sign_in,
        offered=offered,
        chosen=set(given.all("objects")) if given else _suggested(sign_in, offered),
        given=given or Sent({}),
        name=given.text("name") if given else _name(connector, sign_in, taken),
        problem=problem,
        other_account=isinstance(problem, OtherAccount),
        here_to=f"{_address(sign_in)}/objects",
    )


def _suggested(sign_in: SignIn, offered: Sequence[Offered]) -> set[str]:
    wanted = sign_in.objects
    return {
        each.obj.name
        for each in offered
        if each.permitted and (each.obj.name in wanted if wanted else each.suggested)
    }


def _name(connector: Connector, sign_in: SignIn, taken: set[str]) -> str:
    """A name that is free: of the account, where the vendor tells what it is called."""
    account = sign_in.account.name if sign_in.account else ""
    words = re.findall(r"[a-z0-9]+", f"{account} {connector.name}".lower())
    name = "-".join(words)[:44].strip("-")
    name = name if name[:1].isalpha() else f"x-{name}"[:44]
    number = 1
    while (found := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return found
