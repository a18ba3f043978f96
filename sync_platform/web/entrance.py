"""The way in and out: signing in, choosing a password by a one-time link, signing out."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from sync_platform.errors import (
    ConfigurationError,
    NotSignedIn,
    SyncPlatformError,
    TooManyAttempts,
)
from sync_platform.web.access import ThePlatform
from sync_platform.web.browsers import SIGN_INS
from sync_platform.web.cookies import CONNECTING, SESSION, VISITOR, Cookies
from sync_platform.web.rendering import local_path, page

router = APIRouter(include_in_schema=False)

LONGEST = timedelta(days=14)  # the browser keeps the cookie; the store says when it is over
NOT_ALIKE = "The two passwords are not the same."


@router.get("/sign-in")
def sign_in_page(request: Request, platform: ThePlatform, next: str = "/") -> Response:
    """Asks who it is; goes on where someone is signed in already."""
    if request.state.caller is not None:
        return RedirectResponse(local_path(next), 303)
    return _sign_in_page(request, platform, next)


@router.post("/sign-in")
def sign_in(
    request: Request,
    platform: ThePlatform,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Begin a session."""
    address = request.client.host if request.client else "unknown"
    try:
        token = platform.access.sign_in(email, password, address=address)
    except (NotSignedIn, TooManyAttempts) as error:
        return _sign_in_page(request, platform, next, email=email, problem=error)
    return entered(platform, token, local_path(next), before=request.state.session)


@router.post("/sign-out")
def sign_out(request: Request, platform: ThePlatform) -> Response:
    """End the session."""
    platform.access.sign_out(request.state.session)
    response = RedirectResponse("/sign-in", 303)
    for cookie in (SESSION, CONNECTING):
        Cookies(platform.settings).remove(response, cookie)
    return response


@router.get("/welcome/{token}")
def welcome_page(request: Request, platform: ThePlatform, token: str) -> Response:
    """Asks whom a one-time link is for to choose a password."""
    person = platform.access.whose_link(token)
    return _choose_page(request, person.email)


@router.post("/welcome/{token}")
def welcome(
    request: Request,
    platform: ThePlatform,
    token: str,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Keep the password, and begin a session."""
    person = platform.access.whose_link(token)
    if password != again:
        return _choose_page(request, person.email, problem=NOT_ALIKE)
    try:
        fresh = platform.access.choose_password(token, password)
    except ConfigurationError as error:
        return _choose_page(request, person.email, problem=error)
    return entered(platform, fresh, "/", before=request.state.session)


def entered(platform: ThePlatform, token: str, path: str, *, before: str | None) -> Response:
    """Go on with a session that has just begun; the one `before` it in this browser ends."""
    if before is not None:
        platform.access.sign_out(before)
    response = RedirectResponse(path, 303)
    ours = Cookies(platform.settings)
    ours.write(response, SESSION, token, LONGEST)
    ours.remove(response, VISITOR)
    return response


def _sign_in_page(
    request: Request,
    platform: ThePlatform,
    next: str,
    *,
    email: str = "",
    problem: SyncPlatformError | None = None,
) -> Response:
    path = local_path(next)
    return page(
        request,
        "sign_in.html",
        title="Sign in",
        openid=platform.access.openid is not None,
        next=path,
        connecting=path.startswith(SIGN_INS),
        email=email,
        problem=problem,
    )


def _choose_page(
    request: Request, email: str, problem: SyncPlatformError | str | None = None
) -> Response:
    return page(
        request, "choose_password.html", title="Choose a password", email=email, problem=problem
    )
