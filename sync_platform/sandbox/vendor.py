"""What every sandbox vendor has: an app, accepted tokens, call limits, faults, a truth to ask.

A vendor is a subclass that names its endpoints and fills in the hooks. Handlers are plain functions
of a `Call`; they run one at a time under the vendor's lock, as do the methods that tests call.
"""

import asyncio
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from sync_platform.sandbox import faults
from sync_platform.sandbox.admin import admin_endpoints
from sync_platform.sandbox.calls import Call, Endpoint, Json, Refusal, refused
from sync_platform.sandbox.faults import Fault, Kind
from sync_platform.sandbox.limits import Bucket
from sync_platform.sandbox.oauth import OAuth, Token, Tokens, tokens_from

Clock = Callable[[], float]


class Vendor:
    """A stateful fake of one vendor's API."""

    name: ClassVar[str] = "vendor"

    def __init__(
        self,
        *,
        tokens: Tokens = (),
        limits: Mapping[str, Bucket] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.url = ""
        self.lock = threading.RLock()
        self.clock: Clock = clock or time.time
        self.tokens: dict[str, Token] = tokens_from(tokens)
        self.limits: dict[str, Bucket] = dict(limits or {})
        self.faults: list[Fault] = []
        self.calls: Counter[tuple[str, str]] = Counter()
        self.statuses: Counter[int] = Counter()
        self.problems: list[Exception] = []
        self.meanwhile: Callable[[], None] = lambda: None  # before each answer: life goes on
        self.instead: Callable[[Call, Response], Response] = lambda call, given: given  # is sent
        self.connections: dict[tuple[str, int], asyncio.Transport] = {}
        self.app = self._app()

    # What a vendor fills in -------------------------------------------------------------------

    def endpoints(self) -> Sequence[Endpoint]:
        """Everything this vendor answers."""
        return ()

    def check_token(self, call: Call) -> None:
        """Raise a Refusal unless the call carries a token that allows it."""

    def authorization_server(self) -> OAuth | None:
        """What OAuth goes through here; None where it does not."""
        return None

    def connecting(self) -> Json:
        """What somebody would type in to connect to it: a secret, and settings."""
        return {"secret": {"token": next(iter(self.tokens), "")}, "settings": {}}

    def limits_for(self, call: Call) -> Sequence[str]:
        """The names of the limits that a call takes from."""
        return tuple(self.limits)

    def limit_headers(self, call: Call) -> Mapping[str, str]:
        """What the vendor tells about its limits on every answer."""
        return {}

    def over_limit(self, name: str) -> Refusal:
        """The vendor's answer when a limit is used up."""
        return self.error(429)

    def error(self, status: int) -> Refusal:
        """The vendor's error body for a status."""
        return Refusal(status, {"message": f"HTTP {status}"})

    def truth(self, object: str, *, archived: bool = False) -> Iterable[Json]:
        """Every record of an object as it is now, for comparing with what was synced."""
        raise KeyError(object)

    def change(
        self, object: str, *, creates: int = 0, updates: int = 0, archives: int = 0
    ) -> dict[str, list[str]]:
        """Make changes at random; gives the ids that were created, updated and archived."""
        raise KeyError(object)

    def live(self) -> None:
        """A moment in the life of an account: a few changes."""

    def version(self) -> int:
        """A number that moves with every change worth saving."""
        return 0

    def state(self) -> Json:
        """Everything to remember over a restart."""
        return {}

    def resume(self, state: Json) -> None:
        """Continue from a state."""

    # What every vendor can do ------------------------------------------------------------------

    def fail(
        self,
        kind: Kind = "status",
        *,
        times: int = 1,
        path: str | None = None,
        status: int = 500,
        retry_after: float | None = None,
        seconds: float = 1.0,
        after: int = 0,
    ) -> None:
        """Spoil `times` answers whose path matches, once `after` of them have gone well."""
        fault = Fault(
            kind=kind,
            times=times,
            path=path,
            status=status,
            retry_after=retry_after,
            seconds=seconds,
            after=after,
        )
        with self.lock:
            self.faults.append(fault)

    def set_limits(self, calls: Mapping[str, int | None]) -> None:
        """Change how many calls each named limit allows; None lifts it."""
        with self.lock:
            for name in calls:
                if name not in self.limits:
                    raise ValueError(f"No limit {name!r}; there are {', '.join(self.limits)}.")
            for name, number in calls.items():
                self.limits[name] = Bucket(calls=number, seconds=self.limits[name].seconds)

    def save(self, file: Path) -> None:
        """Write the state so that the file is always either the old or the new one."""
        with self.lock:
            content = orjson.dumps(self.state())
        fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
        fresh.write_bytes(content)
        fresh.replace(file)

    def load(self, file: Path) -> None:
        state = orjson.loads(file.read_bytes())
        with self.lock:
            self.resume(state)

    # The app -------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts the call, and lets a waiting fault have it."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        with self.lock:
            self.calls[scope["method"], re.sub(r"/\d+(?=/|$)", "/{id}", path)] += 1
            fault = next((fault for fault in self.faults if fault.strikes(path)), None)
            if fault is not None:
                self.faults = [waiting for waiting in self.faults if waiting.times > 0]

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses[message["status"]] += 1
            await send(message)

        match fault.kind if fault else None:
            case "reset":
                await faults.reset(self.connections, scope, receive)
            case "cut":
                await faults.cut(self.app, self.connections, scope, receive, counted)
            case "malformed":
                await faults.malformed(self.app, scope, receive, counted)
            case "status":
                assert fault is not None
                refusal = self.error(fault.status)
                if fault.retry_after is not None:
                    refusal.headers["Retry-After"] = f"{fault.retry_after:g}"
                await refused(refusal)(scope, receive, counted)
            case "html":
                assert fault is not None
                page = HTMLResponse(f"<html><h1>{fault.status}</h1></html>", fault.status)
                await page(scope, receive, counted)
            case kind:
                if fault is not None and kind == "slow":
                    await asyncio.sleep(fault.seconds)
                await self.app(scope, receive, counted)

    def _app(self) -> Starlette:
        def route(endpoint: Endpoint) -> Route:
            async def respond(request: Request) -> Response:
                query: dict[str, list[str]] = {}
                for name, value in request.query_params.multi_items():
                    query.setdefault(name, []).append(value)
                call = Call(
                    method=request.method,
                    path=request.url.path,
                    places=request.path_params,
                    query=query,
                    headers=request.headers,
                    body=await request.body(),
                )
                with self.lock:
                    return self._respond(endpoint, call)

            return Route(endpoint.path, respond, methods=[endpoint.method])

        async def no_such_thing(request: Request, error: Exception) -> Response:
            status = error.status_code if isinstance(error, HTTPException) else 500
            return refused(self.error(status))

        routes = [route(endpoint) for endpoint in (*admin_endpoints(self), *self.endpoints())]
        return Starlette(routes=routes, exception_handlers={HTTPException: no_such_thing})

    def _respond(self, endpoint: Endpoint, call: Call) -> Response:
        headers: Mapping[str, str] = {}
        try:
            if not endpoint.open:
                self.check_token(call)
                over = self._take(call)
                headers = self.limit_headers(call)
                if over is not None:
                    raise self.over_limit(over)
            if not endpoint.path.startswith("/_sandbox/"):
                self.meanwhile()
            response = endpoint.handler(call)
            if not endpoint.path.startswith("/_sandbox/"):
                response = self.instead(call, response)
        except Refusal as refusal:
            response = refused(refusal)
        except Exception as problem:  # a fault of the sandbox, not of its caller: serve() raises it
            self.problems.append(problem)
            response = refused(self.error(500))
        response.headers.update(headers)
        return response

    def _take(self, call: Call) -> str | None:
        """Take the call from its limits, or name the limit that is used up."""
        now = self.clock()
        names = self.limits_for(call)
        for name in names:
            if self.limits[name].left(now) == 0:
                return name
        for name in names:
            self.limits[name].take(now)
        return None
