"""The ways in which vendors page: a paginator looks at an answer and tells how to ask on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sync_platform.spec.api import Json


@dataclass(frozen=True, kw_only=True)
class NextPage:
    """What to change in the next call; all of it JSON, so that a sync can be resumed from it."""

    params: Mapping[str, Any] = field(default_factory=dict)  # query parameters to set
    json: Mapping[str, Any] = field(default_factory=dict)  # top-level keys of the body to set
    after: str | None = None  # Read.after of the next call (keyset)
    url: str | None = None  # a whole address that the vendor gave
    resumable: bool = True  # it still means the same place when records before it have gone


Paginator = Callable[[Json, Sequence[Json], NextPage | None], NextPage | None]
"""(body, its records, the NextPage that asked for it or None) -> the next, or None at the end."""


def single_page(body: Json, records: Sequence[Json], asked: NextPage | None) -> NextPage | None:
    """Everything comes in one answer."""
    return None


def cursor_pages(param: str, *, found_at: str, in_json: bool = False) -> Paginator:
    """The answer holds a token for the next page at `found_at` (dotted), sent back as `param`."""

    def next_page(body: Json, records: Sequence[Json], asked: NextPage | None) -> NextPage | None:
        token = at(body, found_at)
        if token is None or token == "":
            return None
        return NextPage(json={param: token}) if in_json else NextPage(params={param: token})

    return next_page


def keyset_pages(key: str, *, limit: int | None = None) -> Paginator:
    """Ordered by key; the next call asks for what comes after the last key (`Read.after`).

    Ends with the first empty page, or with one below `limit` records where the vendor fills pages.
    """

    def next_page(body: Json, records: Sequence[Json], asked: NextPage | None) -> NextPage | None:
        if not records or (limit is not None and len(records) < limit):
            return None
        return NextPage(after=str(at(records[-1], key)))

    return next_page


def offset_pages(param: str, *, limit: int) -> Paginator:
    """`param` counts the records to skip; a page of fewer than `limit` records is the last.

    An interrupted read starts over: once a record has gone, the same count skips another.
    """

    def next_page(body: Json, records: Sequence[Json], asked: NextPage | None) -> NextPage | None:
        if len(records) < limit:
            return None
        skipped = int(asked.params[param]) if asked else 0
        return NextPage(params={param: skipped + len(records)}, resumable=False)

    return next_page


def numbered_pages(param: str = "page", *, first: int = 1, limit: int | None = None) -> Paginator:
    """`param` is the page's number; an empty page, or one below `limit` records, is the last."""

    def next_page(body: Json, records: Sequence[Json], asked: NextPage | None) -> NextPage | None:
        if not records or (limit is not None and len(records) < limit):
            return None
        number = int(asked.params[param]) if asked else first
        return NextPage(params={param: number + 1}, resumable=False)

    return next_page


def linked_pages(found_at: str) -> Paginator:
    """The answer holds the address of the next page at `found_at` (dotted)."""

    def next_page(body: Json, records: Sequence[Json], asked: NextPage | None) -> NextPage | None:
        url = at(body, found_at)
        return NextPage(url=str(url)) if url else None

    return next_page


def params_of(url: str) -> dict[str, str]:
    """The query parameters of an address, for vendors that only give the next one as a link."""
    return dict(parse_qsl(urlsplit(url).query))


def at(value: Json, dotted: str) -> Json:
    """What lies at a dotted path in decoded JSON; None where the path ends early."""
    for part in dotted.split(".") if dotted else ():
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
