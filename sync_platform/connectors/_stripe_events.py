"""What changed at Stripe, from its events.

An event holds a copy of its object as it was then. The newest copy counts, unless it is written in
another API version, or several events of the object share its second, whose order nobody tells:
then the object itself is asked for. So it is where an event cannot be understood but for the id of
its object; one that does not even tell that is rejected, and the feed goes on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any
from urllib.parse import quote

from sync_platform import spec
from sync_platform.connectors._stripe_reads import (
    GONE,
    ITSELF,
    PAGE,
    VERSION,
    Kind,
    ceiling,
    is_missing,
    listed,
    next_place,
    odd,
    page_of,
    rows_of,
)
from sync_platform.errors import UnexpectedResponse

SPAN = timedelta(days=1)  # of events, read at once: what is interrupted goes on from its beginning
Event = Mapping[str, Any]


def changed(kind: Kind) -> Callable[[spec.Api, spec.Read], Iterator[spec.Page]]:
    """Reads what changed, day by day, oldest day first; resumable after each."""

    def read(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        assert read.since is not None  # the engine's word on changes
        assert read.until is not None
        start = spec.epoch_s(read.since)
        if read.resume:
            start = int(read.resume["since"])
        end = max(ceiling(read.until), start + 1)
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
    each object that is read for its parts, where all of them are known."""

    api: spec.Api
    kind: Kind
    settled: set[str] = field(default_factory=set)
    parts: dict[str, set[str]] = field(default_factory=dict)

    def pages(self, read: spec.Read, start: int, stop: int) -> Iterator[spec.Page]:
        for events, strange in self._seconds(read, start, stop):
            yield self._page(events, strange)

    def _seconds(
        self, read: spec.Read, start: int, stop: int
    ) -> Iterator[tuple[list[Event], list[Any]]]:
        """The events page by page, with those that cannot be understood; those of one second are
        never parted."""
        asked: dict[str, Any] = {"limit": PAGE, "created[gte]": start, "created[lt]": stop}
        asked |= {f"types[{place}]": each for place, each in enumerate(self.kind.told)}
        held: list[Event] = []
        repeats = spec.Repeats()
        while True:
            found, more = page_of(self.api, "/v1/events", asked, read)
            strange: list[Any] = []
            for each in found:
                (held if self._is_sound(each, start, stop) else strange).append(each)
            if not more:
                yield held, strange
                return
            last = held[-1]["created"] if held else stop
            yield [each for each in held if each["created"] > last], strange
            held = [each for each in held if each["created"] == last]
            asked["starting_after"] = next_place(found, repeats)

    def _is_sound(self, event: Any, start: int, stop: int) -> bool:
        """Whether it tells when it was, and of which object; of none, where it holds another."""
        created = spec.at(event, "created")
        if type(created) is not int or not start <= created < stop:
            return False
        try:
            id, where = self._id(event), self.kind.told[event["type"]]
        except spec.UNEXPECTED:
            return False
        return id is not None or where not in (ITSELF, GONE)

    def _page(self, events: list[Event], strange: list[Any]) -> spec.Page:
        rows: list[Any] = []
        gone: list[spec.Key] = []
        for _, group in groupby(events, key=lambda each: each["created"]):
            latest: dict[str, list[Event]] = {}
            for event in group:
                if (about := self._id(event)) is not None:
                    latest.setdefault(about, []).append(event)
            for id, same in latest.items():
                if id not in self.settled:
                    self._settle(id, self._told(id, same), rows, gone)
                if self.kind.parts is not None:
                    self._take_out(id, same, rows, gone)
        for event in strange:
            self._make_out(event, rows, gone)
        reached = spec.moment(events[0]["created"]) if events else None
        return spec.Page(rows=rows, gone=gone, reached=reached)

    def _told(self, id: str, same: list[Event]) -> list[Any] | None:
        """The rows of an object as it is after these events, which are of one second; None where
        it is gone."""
        where = self.kind.told[same[0]["type"]]
        if len(same) == 1 and where == GONE:
            return None
        if len(same) == 1 and where == ITSELF and same[0].get("api_version") == VERSION:
            rows = rows_of(self.api, self.kind, [same[0]["data"]["object"]])
            if not any(isinstance(each, spec.Unreadable) for each in rows):
                return rows
        return self._looked_up(id)

    def _looked_up(self, id: str) -> list[Any] | None:
        """The rows of an object as it is now; None where it is gone. Where Stripe does not have it,
        though its kind cannot be deleted, that proves nothing: it is rejected."""
        try:
            found = self.api.get(f"{self.kind.path}/{quote(id, safe='')}")
        except UnexpectedResponse as error:
            if not is_missing(error):
                raise
            if self.kind.deletable:  # deleted, and of a kind without stubs
                return None
            why = "Stripe says that there is none, and tells of no deletion"
            return [odd({"id": id}, why, known=self.kind.parts is None)]
        return None if spec.at(found, "deleted") else rows_of(self.api, self.kind, [found])

    def _settle(
        self, id: str, told: list[Any] | None, rows: list[Any], gone: list[spec.Key]
    ) -> None:
        """Take an object's last state."""
        self.settled.add(id)
        if told is None:
            gone += [(id,)] if self.kind.parts is None else []
            self.parts[id] = set()
        elif not any(isinstance(each, spec.Unreadable) for each in told):
            self.parts[id] = {each["id"] for each in told}
        rows += told or ()

    def _make_out(self, event: Any, rows: list[Any], gone: list[spec.Key]) -> None:
        """Look up the object of an event that cannot be understood; without it, reject the event:
        it may tell of any."""
        try:
            id = self._id(event)
        except spec.UNEXPECTED:
            id = None
        if id is None:
            rows.append(odd(event, "nobody can say of what this event tells", known=False))
        else:
            self._settle(id, self._looked_up(id), rows, gone)

    def _id(self, event: Event) -> str | None:
        """The id of the object that an event tells of; None where it tells of none. Raises of an
        odd event what `rows_from` takes of odd records."""
        where = self.kind.told[event["type"]]
        about = event["data"]["object"]
        if not isinstance(about, Mapping):
            raise TypeError("it holds no object")
        found = spec.at(about, "id" if where in (ITSELF, GONE) else where)
        if not (found is None or (isinstance(found, str) and found)):
            raise ValueError("the id in it is no text")
        return found

    def _take_out(
        self, id: str, events: list[Event], rows: list[Any], gone: list[spec.Key]
    ) -> None:
        """Tell the parts that an object had and has no more. Stripe names the first ten that it
        had: of what lay beyond, no event tells."""
        had: set[str] = set()
        for event in events:
            try:
                before = event["data"].get("previous_attributes") or {}
                inner = before.get(self.kind.parts) or {"data": ()}
                had |= {each["id"] for each in inner["data"]}
            except spec.UNEXPECTED as error:
                rows.append(odd(event, error, known=False))
        if id in self.parts:
            gone += [(each,) for each in sorted(had - self.parts[id])]
