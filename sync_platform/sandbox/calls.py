"""A call to a sandbox vendor and the answers to it, before they become HTTP."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.responses import Response

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call as a handler sees it; `places` are the parts of the path that have a name."""

    method: str
    path: str
    places: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def form(self) -> dict[str, str]:
        """The fields of a form, the first value of each."""
        return {name: values[0] for name, values in self.form_lists().items()}

    def form_lists(self) -> dict[str, list[str]]:
        """The fields of a form, all values of each."""
        return parse_qs(self.body.decode(errors="replace"), keep_blank_values=True)


class Refusal(Exception):
    """The vendor says no, in its own words."""

    def __init__(
        self, status: int, body: Json | list[Json], headers: Mapping[str, str] | None = None
    ) -> None:
        said = body.get("message", body) if isinstance(body, dict) else body
        super().__init__(f"{status}: {said}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class Endpoint:
    """One thing the vendor answers; an open one asks for no token and takes from no limit."""

    method: str
    path: str
    handler: Handler
    open: bool = False


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    media_type = "application/json;charset=utf-8"
    return Response(content, status, dict(headers or {}), media_type=media_type)


def refused(refusal: Refusal) -> Response:
    """The answer that a refusal is."""
    return answer(refusal.body, refusal.status, refusal.headers)
