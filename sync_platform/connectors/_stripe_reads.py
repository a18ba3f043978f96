"""How Stripe's objects are read from their lists, and made rows of."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sync_platform import spec
from sync_platform.connectors._stripe_fields import METADATA
from sync_platform.errors import IncompleteRead, UnexpectedResponse

VERSION = "2022-11-15"
PAGE = 100
GONE, ITSELF = "gone", ""
NOT_FOUND = 404
MISSING = re.compile(r'"code"\s*:\s*"resource_missing"')  # what Stripe calls it; a proxy does not


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of object. `told` has the types of events that tell of it, and where in the event's
    object its id is: ITSELF, GONE (itself, which was deleted), or the name of a property, dotted.

    `always` are parameters that its list needs. `dated`: the list takes `created`. `whole`: lists
    within the object that Stripe cuts. `listed_too`: no event tells of new ones. `parts`: its
    records are those of this list within it.
    """

    path: str
    told: Mapping[str, str] = field(default_factory=dict)
    always: Mapping[str, str] = field(default_factory=dict)
    by_status: bool = False  # the list takes `status`
    dated: bool = True
    whole: tuple[str, ...] = ()
    listed_too: bool = False
    parts: str | None = None

    @property
    def deletable(self) -> bool:
        return GONE in self.told.values()

    def records(self, found: spec.Json) -> list[spec.Json]:
        return [found] if self.parts is None else list(found[self.parts]["data"])


def row(record: spec.Json) -> spec.Row:
    """A record's values; lists within it as their elements, metadata also key by key. What it
    raises of an odd record, `rows_from` takes."""
    if not (isinstance(record["id"], str) and record["id"]):
        raise ValueError("its id is no text")
    flat = {
        name: value["data"] if isinstance(value, dict) and value.get("object") == "list" else value
        for name, value in record.items()
    }
    for key, value in (record.get("metadata") or {}).items():
        flat[METADATA + key] = value
    return flat


def created(record: spec.Row) -> int:
    """When it was made, in seconds since 1970; invoice items call it their date."""
    return int(record["created"] if "created" in record else record["date"])


# -- lists ----------------------------------------------------------------------------------------


def listed(kind: Kind) -> Callable[[spec.Api, spec.Read], Iterator[spec.Page]]:
    """Reads the list, the newest first; resumable after every page."""

    def read(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        since = _since(read)
        until = ceiling(read.until) if read.until else None
        asked: dict[str, Any] = {"limit": PAGE, **kind.always, **(read.resume or {})}
        if kind.by_status and "," not in read.filters.get("status", ","):
            asked["status"] = read.filters["status"]
        if kind.dated and kind.parts is None:
            asked |= {"created[gte]": since, "created[lt]": until}
        repeats = spec.Repeats(asked.get("starting_after"))
        while True:
            found, more = page_of(api, kind.path, asked, read)
            rows = rows_of(api, kind, found, since, until)
            old = kind.parts is None and since is not None and found and not _in(found[-1], since)
            if not more or old:
                yield spec.Page(rows=rows)
                return
            after = {"starting_after": next_place(found, repeats)}
            yield spec.Page(rows=rows, resume=after)
            asked |= after

    return read


def rows_of(
    api: spec.Api,
    kind: Kind,
    found: Sequence[spec.Json],
    since: int | None = None,
    until: int | None = None,
) -> list[Any]:
    """The rows of these objects that were made within the bounds; Unreadable where one is odd."""
    if not kind.whole:
        return spec.rows_from([each for each in found if _in(each, since, until)], row)
    rows: list[Any] = []
    for each in found:
        try:
            records = kind.records(whole(api, kind, each))
        except spec.UNEXPECTED as error:
            rows.append(odd(each, error, known=kind.parts is None))
            continue
        rows += spec.rows_from([it for it in records if _in(it, since, until)], row)
    return rows


def whole(api: spec.Api, kind: Kind, record: spec.Json) -> spec.Json:
    """The record with the lists in it complete: Stripe gives their first ten elements. Raises
    LookupError where it has the rest no more: the record was deleted since it was told."""
    for name in kind.whole:
        inner = record[name]
        elements, more = list(inner["data"]), inner["has_more"]
        if not isinstance(more, bool):
            raise TypeError(f"{name} does not say whether there are more")
        repeats = spec.Repeats()
        while more:
            after = place(elements)
            if after is None or repeats.has(after):
                raise ValueError(f"no id in {name} tells where it goes on")
            url = inner["url"]
            asked = {**spec.params_of(url), "limit": PAGE, "starting_after": after}
            try:
                rest, more = page_of(api, urlsplit(url).path, asked)
            except UnexpectedResponse as error:
                if not is_missing(error):
                    raise
                raise LookupError(f"Stripe says that its {name} are not there") from error
            elements += rest
        record = {**record, name: {**inner, "data": elements, "has_more": False}}
    return record


def page_of(
    api: spec.Api, path: str, params: Mapping[str, Any], read: spec.Read | None = None
) -> tuple[list[Any], bool]:
    """A page of a list, and whether there are more; raises IncompleteRead where it holds nothing
    and says that there are."""
    answer = api.send(spec.get(path, params=dict(params)), read)
    found, more = spec.at(answer, "data"), spec.at(answer, "has_more")
    if not (isinstance(found, list) and isinstance(more, bool)):
        raise UnexpectedResponse(
            f"Stripe's answer to GET {path} is no list, or does not say whether there are more."
        )
    if more and not found:
        raise IncompleteRead(
            f"Stripe's answer to GET {path} holds nothing and says that there are more. Nothing "
            "was marked as deleted."
        )
    return found, more


def is_missing(error: UnexpectedResponse) -> bool:
    """Whether it is Stripe that says so, of what was asked for."""
    said = MISSING.search(str(error.evidence.get("body")))
    return error.evidence.get("status") == NOT_FOUND and said is not None


def place(found: Sequence[Any]) -> str | None:
    """Where the next page begins: after the last that has an id, so that odd ones behind it come
    once more. None where there is none."""
    ids = (spec.at(each, "id") for each in reversed(found))
    return next((id for id in ids if isinstance(id, str) and id), None)


def next_place(found: Sequence[Any], repeats: spec.Repeats) -> str:
    """The same; raises IncompleteRead where there is none, or it is one where a page began."""
    after = place(found)
    if after is None:
        raise IncompleteRead(
            "No object on a page of Stripe's has a usable id, so nobody knows where the next page "
            "begins. Nothing was marked as deleted."
        )
    if repeats.has(after):
        raise IncompleteRead(
            "A page of Stripe's ends where an earlier one did, so nobody knows where the next page "
            "begins. Nothing was marked as deleted."
        )
    return after


def _in(record: spec.Json, since: int | None, until: int | None = None) -> bool:
    """Whether it was made within the bounds. In doubt it was: Stripe gave it."""
    if since is None and until is None:
        return True
    try:
        at = created(record)
    except spec.UNEXPECTED:
        return True
    return (since is None or at >= since) and (until is None or at < until)


def odd(record: Any, why: Exception | str, *, known: bool) -> spec.Unreadable:
    """What can be made no row of; unless it is `known` that its id is the row's, it shows none."""
    said = why if isinstance(why, str) else f"{type(why).__name__}: {why}"
    return spec.Unreadable(record if known else {"found": record}, said)


def _since(read: spec.Read) -> int | None:
    """The first second that is read: the window's, or that of a filter by days."""
    bounds = [read.since] if read.since else []
    if "created_within" in read.filters:
        bounds.append(spec.moment(read.filters["created_within"]))
    return max(map(ceiling, bounds), default=None)


def ceiling(moment: datetime) -> int:
    return spec.epoch_s(moment) + (1 if moment.microsecond else 0)
