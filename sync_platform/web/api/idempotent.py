"""POSTs that may be sent twice: the second, with the same Idempotency-Key, is answered alike."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Header
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sync_platform.platform import Platform

LONGEST = 255
NAME = "Idempotency-Key"
KEPT_HEADERS = ("content-type", "location")


def named(
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=LONGEST,
            pattern=r"^[\x21-\x7e]+$",
            description="Any text that is new for every new request, such as a UUID. If the same "
            "request comes again within 24 hours, because its answer was lost, it is answered with "
            "the first one's success and nothing is done twice.",
        ),
    ] = None,
) -> None:
    """Tells of the header in the API's document, and checks it."""


class IdempotentRoute(APIRoute):
    """A route whose POSTs heed the header. Only successes are kept: what failed did nothing, and
    may be sent again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with what comes before and after it."""
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            given = request.headers.get(NAME, "")
            caller = request.state.caller
            usable = 0 < len(given) <= LONGEST and given.isascii() and given.isprintable()
            if request.method != "POST" or not usable or caller is None:
                return await handle(request)
            platform: Platform = request.app.state.platform
            who = caller.key.id if caller.key else f"person {caller.person.id}"
            key = platform.idempotency.key(who, f"POST {request.url.path}", given)
            body = await request.body()
            first = await run_in_threadpool(platform.idempotency.begin, key, body)
            if first is not None:
                headers = {**first.headers, "Idempotent-Replayed": "true"}
                return Response(first.body, first.status, headers)
            try:
                response = await handle(request)
            except BaseException:
                await run_in_threadpool(platform.idempotency.forget, key)
                raise
            headers = {
                name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
            }
            await run_in_threadpool(
                platform.idempotency.keep,
                key,
                status=response.status_code,
                headers=headers,
                body=bytes(response.body),
            )
            return response

        return once
