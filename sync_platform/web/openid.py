"""Signing in through an OpenID Connect provider, where the settings name one."""

import base64
import binascii
import secrets
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from sync_platform.platform import Platform
from sync_platform.waist.vouching import Vouching
from sync_platform.web.access import ThePlatform
from sync_platform.web.cookies import OPENID, Cookies
from sync_platform.web.entrance import entered
from sync_platform.web.rendering import local_path

router = APIRouter(prefix="/sign-in/openid", include_in_schema=False)

LASTS = timedelta(minutes=10)


@router.get("")
def begin(platform: ThePlatform, next: str = "/") -> Response:
    """Send the browser to the provider; it keeps a secret to come back with."""
    secret = secrets.token_urlsafe(32)
    response = RedirectResponse(_provider(platform).address(secret), 303)
    path = base64.urlsafe_b64encode(local_path(next).encode()).decode()
    Cookies(platform.settings).write(response, OPENID, f"{secret}.{path}", LASTS)
    return response


@router.get("/callback")
def finish(request: Request, platform: ThePlatform) -> Response:
    """The way back: begin a session for whom the provider vouches."""
    cookies = Cookies(platform.settings)
    secret, _, path = (cookies.read(request, OPENID) or "").partition(".")
    token = _provider(platform).sign_in(dict(request.query_params), secret)
    response = entered(platform, token, _path(path), before=request.state.session)
    cookies.remove(response, OPENID)
    return response


def _provider(platform: Platform) -> Vouching:
    if platform.access.openid is None:
        raise HTTPException(404)
    return platform.access.openid


def _path(text: str) -> str:
    try:
        return local_path(base64.urlsafe_b64decode(text).decode())
    except (binascii.Error, ValueError):
        return "/"
