"""Every request passes here first: whose is it, may it come in, was it meant?

What is not named in PUBLIC is answered to nobody but a caller, whatever the app's routes are.
"""

import hmac
import re
import secrets
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync_platform.engine.access import derived
from sync_platform.errors import NotAllowed, NotSignedIn, TooLarge
from sync_platform.platform import Platform
from sync_platform.web import cookies, failing

LARGEST_BODY = 2 * 1024 * 1024  # bytes; a filter list or a service account's key file is far less
SAFE = ("GET", "HEAD", "OPTIONS")
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
LOOPBACK = ("127.0.0.1", "localhost", "::1")

OPEN = re.compile(r"/static/.+|/health/(live|ready)")  # answered whoever asks, unasked
PUBLIC = re.compile(  # the way in, and the way back from a vendor: web/browsers.py tells whose
    r"/sign-in|/sign-in/openid(/callback)?|/welcome/[^/]+|/connect/callback"
)


class Door:
    """Finds the caller of a request, and lets it in, as an ASGI middleware.

    Afterwards the request's state has `caller` (None only on the way in), `session` (its token, of
    a person) and `csrf` (what its forms carry).
    """

    def __init__(self, app: ASGIApp, *, platform: Platform) -> None:
        self._app = app
        self._platform = platform
        self._cookies = cookies.Cookies(platform.settings)
        self._hosts = (urlsplit(platform.settings.public_url).hostname, *LOOPBACK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # we have no websockets
            await send({"type": "websocket.close", "code": 1008})
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            if message["type"] == "http.response.start" and visitor is not None:
                self._cookies.write(remembering := Response(), cookies.VISITOR, visitor)
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", remembering.headers["set-cookie"])
            await send(message)

        request = Request(scope, receive)
        visitor: str | None = None
        try:
            if OPEN.fullmatch(request.url.path):
                await self._app(scope, receive, send)
                return
            if not self._is_ours(request):
                refused = PlainTextResponse("This is not the website you asked for.", 400)
                await refused(scope, receive, send)
                return
            visitor = await run_in_threadpool(self._recognize, request)
            if request.state.caller is None and not PUBLIC.fullmatch(request.url.path):
                await _turned_away(request)(scope, receive, sending)
                return
            if request.method not in SAFE:
                body = await _body(request)
                if request.state.secret is not None:
                    await _check_meant(request, body)
                receive = _again(body, receive)
            await self._app(scope, receive, sending)
        except Exception as error:  # a bug: the last place where it can be answered plainly
            if begun:
                raise
            response = await run_in_threadpool(failing.answer, request, error)
            await response(scope, receive, sending)

    def _is_ours(self, request: Request) -> bool:
        """Whether the browser asked for us: another website's name may lead to our address."""
        named = HOST.fullmatch(request.headers.get("host", ""))
        return named is not None and named[1].strip("[]").lower() in self._hosts

    def _recognize(self, request: Request) -> str | None:
        """Fill the request's state; a secret for a new visitor's browser to keep.

        An API key counts for the API only, and before a session: a program that sends a wrong one
        must not be taken for the person at whose machine it runs.
        """
        state = request.state
        state.caller = state.session = state.secret = None
        state.csrf = ""
        given = request.headers.get("authorization")
        if given is not None and failing.for_programs(request):
            kind, _, text = given.partition(" ")
            if kind.lower() == "bearer":
                state.caller = self._platform.access.by_key(text.strip())
            return None
        token = self._cookies.read(request, cookies.SESSION)
        state.caller = self._platform.access.by_session(token) if token else None
        fresh = None
        if state.caller is not None:
            state.session = state.secret = token
        else:
            kept = self._cookies.read(request, cookies.VISITOR)
            fresh = None if kept else secrets.token_urlsafe(32)
            state.secret = kept or fresh
        state.csrf = derived(state.secret, "csrf")
        return fresh if PUBLIC.fullmatch(request.url.path) else None


def _turned_away(request: Request) -> Response:
    """Nobody known asks: a person is sent to sign in, and back afterwards."""
    scripted = request.headers.get("sec-fetch-dest") == "empty"
    if failing.for_programs(request) or scripted or request.method not in SAFE:
        return failing.answer(request, NotSignedIn())
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/sign-in" if back == "/" else f"/sign-in?next={quote(back)}", 303)


async def _body(request: Request) -> bytes:
    """The request's body; raises TooLarge."""
    too_large = TooLarge(f"A request may have {LARGEST_BODY // 1024**2} MB at most.")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise too_large
    return bytes(body)


async def _check_meant(request: Request, body: bytes) -> None:
    """Raises NotAllowed unless a page of ours, of this session, sent the request."""
    given = request.headers.get("x-csrf-token") or await _field(request, body)
    if not hmac.compare_digest(given.encode(), request.state.csrf.encode()):
        raise NotAllowed(
            "This form is out of date, or another website sent it. Go back, reload the page and "
            "try again."
        )


async def _field(request: Request, body: bytes) -> str:
    """The form's field `csrf`, or empty. Raises HTTPException where the form is broken."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return parse_qs(body.decode("latin-1")).get("csrf", [""])[0]
    if kind == "multipart/form-data":
        again = Request(dict(request.scope), _again(body, request.receive))
        async with again.form() as form:
            return str(form.get("csrf", ""))
    return ""


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that has been read, and then what comes after it."""
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving
