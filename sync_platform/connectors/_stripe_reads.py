"""How Stripe's objects are read: whole from their lists, and what changed from its events.

An event holds a copy of its object as it was then. The newest copy counts, unless it is written in
another API version, or several events of the object share its second, whose order nobody tells:
then the object itself is asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlsplit

from sync_platform import spec
from sync_platform.connectors._stripe_fields import METADATA
from sync_platform.errors import UnexpectedResponse

VERSION = "2022-11-15"
PAGE = 100
SPAN = timedelta(days=1)  # of events, read at once: what is interrupted goes on from its beginning
NOT_FOUND = 404
GONE, ITSELF = "gone", ""
Event = Mapping[str, Any]


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

    def records(self, found: spec.Json) -> list[spec.Json]:
        return [found] if self.parts is None else list(found[self.parts]["data"])


def row(record: spec.Json) -> spec.Row:
    """A record's values; lists within it as their elements, metadata also key by key."""
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
        until = _ceiling(read.until) if read.until else None
        asked: dict[str, Any] = {"limit": PAGE, **kind.always, **(read.resume or {})}
        if kind.by_status and "," not in read.filters.get("status", ","):
            asked["status"] = read.filters["status"]
        if kind.dated and kind.parts is None:
            asked |= {"created[gte]": since, "created[lt]": until}
        while True:
            answer = api.send(spec.get(kind.path, params=asked), read)
            found = answer["data"]
            records = [
                record
                for each in found
                for record in kind.records(whole(api, kind, each))
                if (since is None or created(record) >= since)
                and (until is None or created(record) < until)
            ]
            old = kind.parts is None and since is not None and found and created(found[-1]) < since
            if not answer["has_more"] or not found or old:
                yield spec.Page(rows=[row(each) for each in records])
                return
            after = {"starting_after": found[-1]["id"]}
            yield spec.Page(rows=[row(each) for each in records], resume=after)
            asked |= after

    return read


def whole(api: spec.Api, kind: Kind, record: spec.Json) -> spec.Json:
    """The record with the lists in it complete: Stripe gives their first ten elements."""
    for name in kind.whole:
        inner = record[name]
        elements, more = list(inner["data"]), inner["has_more"]
        url = urlsplit(inner["url"])
        while more:
            params = {**spec.params_of(inner["url"]), "limit": PAGE}
            params |= {"starting_after": elements[-1]["id"]}
            answer = api.send(spec.get(url.path, params=params))
            elements += answer["data"]
            more = answer["has_more"] and answer["data"]
        record = {**record, name: {**inner, "data": elements, "has_more": False}}
    return record


def _since(read: spec.Read) -> int | None:
    """The first second that is read: the window's, or that of a filter by days."""
    bounds = [read.since] if read.since else []
    if "created_within" in read.filters:
        bounds.append(spec.moment(read.filters["created_within"]))
    return max(map(_ceiling, bounds), default=None)


def _ceiling(moment: datetime) -> int:
    return spec.epoch_s(moment) + (1 if moment.microsecond else 0)


# -- events ---------------------------------------------------------------------------------------


def changed(kind: Kind) -> Callable[[spec.Api, spec.Read], Iterator[spec.Page]]:
    """Reads what changed, day by day, oldest day first; resumable after each."""

    def read(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        assert read.since is not None  # the engine's word on changes
        assert read.until is not None
        start = spec.epoch_s(read.since)
        if read.resume:
            start = int(read.resume["since"])
        end = max(_ceiling(read.until), start + 1)
        while start < end:
            stop = min(start + int(SPAN.total_seconds()), end)
            yield from _Span(api, kind).pages(read, start, stop)
            if stop < end:
                yield spec.Page(resume={"since": stop})
            start = stop
        if kind.listed_too:  # after the events: what is listed now is newer than any copy
            window = spec.Read(since=read.since, filters=read.filters, settings=read.settings)
            yield from (spec.Page(rows=page.rows) for page in listed(kind)(api, window))

    return read


@dataclass(kw_only=False)
class _Span:
    """One reading of a span of events, the newest first. `parts` are the ids of the last state of
    each object that is read for its parts."""

    api: spec.Api
    kind: Kind
    settled: set[str] = field(default_factory=set)
    parts: dict[str, set[str]] = field(default_factory=dict)

    def pages(self, read: spec.Read, start: int, stop: int) -> Iterator[spec.Page]:
        for events in self._seconds(read, start, stop):
            yield self._page(events)

    def _seconds(self, read: spec.Read, start: int, stop: int) -> Iterator[list[Event]]:
        """The events page by page; those of one second are never parted."""
        asked: dict[str, Any] = {"limit": PAGE, "created[gte]": start, "created[lt]": stop}
        asked |= {f"types[{place}]": each for place, each in enumerate(self.kind.told)}
        held: list[Event] = []
        while True:
            answer = self.api.send(spec.get("/v1/events", params=asked), read)
            held += answer["data"]
            if not answer["has_more"] or not answer["data"]:
                yield held
                return
            last = held[-1]["created"]
            yield [each for each in held if each["created"] > last]
            held = [each for each in held if each["created"] == last]
            asked["starting_after"] = answer["data"][-1]["id"]

    def _page(self, events: list[Event]) -> spec.Page:
        rows: list[spec.Row] = []
        gone: list[spec.Key] = []
        for _, group in groupby(events, key=lambda each: each["created"]):
            latest: dict[str, list[Event]] = {}
            for event in group:
                if (about := self._id(event)) is not None:
                    latest.setdefault(about, []).append(event)
            for id, same in latest.items():
                if id not in self.settled:
                    self._settle(id, same, rows, gone)
                if self.kind.parts is not None:
                    gone += self._taken_out(id, same)
        reached = spec.moment(events[0]["created"]) if events else None
        return spec.Page(rows=rows, gone=gone, reached=reached)

    def _settle(
        self, id: str, same: list[Event], rows: list[spec.Row], gone: list[spec.Key]
    ) -> None:
        """Take an object's last state, which the events of one second tell."""
        self.settled.add(id)
        record = self._state(id, same)
        if record is None:
            gone += [(id,)] if self.kind.parts is None else []
            return
        records = self.kind.records(whole(self.api, self.kind, record))
        self.parts[id] = {each["id"] for each in records}
        rows += [row(each) for each in records]

    def _state(self, id: str, same: list[Event]) -> spec.Json | None:
        """The object as it is after these events; None where it is gone."""
        where = self.kind.told[same[0]["type"]]
        if len(same) == 1 and where == GONE:
            return None
        if len(same) == 1 and where == ITSELF and same[0]["api_version"] == VERSION:
            return same[0]["data"]["object"]
        try:
            found = self.api.get(f"{self.kind.path}/{quote(id, safe='')}")
        except UnexpectedResponse as error:
            if error.evidence.get("status") == NOT_FOUND:  # deleted, and of a kind without stubs
                return None
            raise
        return None if found.get("deleted") else found

    def _id(self, event: Event) -> str | None:
        """The id of the object that an event tells of; None where it tells of none."""
        where = self.kind.told[event["type"]]
        found = spec.at(event["data"]["object"], "id" if where in (ITSELF, GONE) else where)
        return found if found is None else str(found)

    def _taken_out(self, id: str, events: list[Event]) -> list[spec.Key]:
        """The keys of parts that an object had and has no more."""
        had: set[str] = set()
        for event in events:
            before = event["data"].get("previous_attributes") or {}
            inner = before.get(self.kind.parts) or {}
            had |= {each["id"] for each in inner.get("data", ()) if "id" in each}
        return [(each,) for each in sorted(had - self.parts.get(id, set()))]
