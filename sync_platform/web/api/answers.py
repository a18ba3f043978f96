"""What all answers of the API share: moments, pages of a list, problem documents."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sync_platform.errors import InvalidRequest

T = TypeVar("T")
S = TypeVar("S")

Moment = Annotated[datetime, AfterValidator(lambda value: value.astimezone(UTC))]
"""A moment, told as 2026-11-21T12:00:00Z."""


class Answer(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(frozen=True)


class Wrong(Answer):
    """A part of a request that does not fit."""

    field: str = Field(description="Where it is: `body.objects.0`, `query.limit`.")
    detail: str


class Problem(Answer):
    """What went wrong (RFC 9457). `code` is stable and meant for programs, `detail` for people."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str = Field(description="What happened, what it means, what to do.")
    instance: str = Field(description="The path that was called.")
    code: str = Field(examples=["unknown_connection"])
    retry_after: float | None = Field(None, description="Seconds to wait before trying again.")
    errors: list[Wrong] | None = Field(None, description="What does not fit (422): the first 20.")


WHEN = {
    401: "No API key, or one that is not known or was revoked.",
    403: "The API key lacks the scope, or the workspace is not one of its own.",
    404: "There is no such thing, or the API key does not see it.",
    405: "The address does not know that method.",
    409: "It cannot be done now: a person must act, or it contradicts what there is.",
    413: "The body is too large.",
    422: "The request does not fit.",
    429: "Too many calls: of ours to the vendor, or sign-ins that failed.",
    500: "Something that should not happen; the log has more under the number in `detail`.",
    502: "The vendor answered something that its documents do not describe.",
    503: "The database, Dagster or the vendor cannot be reached; nothing was done.",
}
_SHOWN = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": told, "content": _SHOWN} for status, told in WHEN.items()
}

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=1000, description="Where to go on: taken from `next` of the last page."),
]


class PageOf(Answer, Generic[T]):
    """A part of a list. Follow `next` until it is null."""

    items: list[T]
    next: str | None = Field(
        description="The address of what comes after this; null at the end.",
        examples=["/api/v1/connections?limit=50&cursor=WyJhY21lIl0"],
    )


def page_of(
    request: Request,
    found: Sequence[S],
    show: Callable[[S], T],
    key: Callable[[S], Sequence[Any]],
    *,
    limit: int,
    cursor: str | None,
    newest_first: bool = False,
) -> PageOf[T]:
    """A page of what was found, sorted by `key`, which tells one from another and is plain JSON.
    Raises InvalidRequest for a cursor that is none of ours."""
    ordered = sorted(found, key=lambda it: list(key(it)), reverse=newest_first)
    if cursor is not None:
        last = _opened(cursor, [type(part) for part in key(ordered[0])] if ordered else None)
        ordered = [
            it for it in ordered if (list(key(it)) < last if newest_first else list(key(it)) > last)
        ]
    shown, more = ordered[:limit], ordered[limit:]
    address = None
    if more:
        query = request.url.include_query_params(cursor=_closed(key(shown[-1])))
        address = f"{query.path}?{query.query}"
    return PageOf[T](items=[show(each) for each in shown], next=address)


def _closed(key: Sequence[Any]) -> str:
    told = json.dumps(list(key), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def _opened(cursor: str, kinds: list[type] | None) -> list[Any]:
    try:
        told = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = json.loads(told)
    except (binascii.Error, ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or (kinds is not None and [type(it) for it in key] != kinds):
        raise InvalidRequest(
            "The cursor is not one that this list gave. Take it from `next` as it is, or leave it "
            "out to begin anew."
        )
    return key


def microseconds(moment: datetime) -> int:
    """A moment that sorts and is plain JSON."""
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def minutes(span: timedelta) -> float:
    """A span in minutes."""
    return span.total_seconds() / 60
