"""The records of one HubSpot object: the live ones, the recycle bin, and what search knows.

A record never changes: an edit puts a new one in its place, so that the search index can go on
showing the old one for as long as it lags behind.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sync_platform.sandbox.calls import Json


@dataclass(frozen=True, slots=True)
class Record:
    id: int
    properties: dict[str, str]
    archived_at: str | None = None


class Index:
    """Records by id, with the ids in order."""

    def __init__(self) -> None:
        self.by_id: dict[int, Record] = {}
        self.ids: list[int] = []
        self.version = 0

    def put(self, record: Record) -> None:
        if record.id not in self.by_id:
            insort(self.ids, record.id)
        self.by_id[record.id] = record
        self.version += 1

    def put_new(self, records: Iterable[Record]) -> None:
        """Many at once, whose ids are in order and above all others."""
        for record in records:
            self.by_id[record.id] = record
            self.ids.append(record.id)
        self.version += 1

    def drop(self, id: int) -> None:
        if self.by_id.pop(id, None) is not None:
            del self.ids[bisect_left(self.ids, id)]
            self.version += 1

    def after(self, id: int, limit: int) -> list[Record]:
        """The records that follow an id."""
        start = bisect_left(self.ids, id + 1)
        return [self.by_id[one] for one in self.ids[start : start + limit]]

    def __iter__(self) -> Iterator[Record]:
        return (self.by_id[id] for id in self.ids)


class Records:
    """All records of one object."""

    def __init__(self, first_id: int) -> None:
        self.next_id = first_id
        self.live = Index()
        self.archived = Index()
        self.searchable = Index()
        self.holders: dict[str, dict[str, int]] = {}  # unique property -> value -> id
        self._waiting: deque[tuple[float, int, Record | None]] = deque()

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def put(self, record: Record, seen_at: float | None) -> None:
        """Create or change a live record; search sees it at once, or later."""
        self._release(record.id)
        self.archived.drop(record.id)
        self.live.put(record)
        self._hold(record)
        self._let_search_know(record.id, record, seen_at)

    def put_new(self, records: list[Record]) -> None:
        """Many new ones, which search sees at once."""
        self.live.put_new(records)
        self.searchable.put_new(records)
        for record in records:
            self._hold(record)

    def archive(self, id: int, at: str, seen_at: float | None) -> None:
        record = self.live.by_id[id]
        self._release(id)
        self.live.drop(id)
        self.archived.put(Record(id, record.properties, at))
        self._let_search_know(id, None, seen_at)

    def purge(self, id: int, seen_at: float | None) -> None:
        self._release(id)
        self.live.drop(id)
        self.archived.drop(id)
        self._let_search_know(id, None, seen_at)

    def settle(self, now: float) -> None:
        """Let search see what it has been lagging behind long enough."""
        while self._waiting and self._waiting[0][0] <= now:
            _, id, record = self._waiting.popleft()
            self._show(id, record)

    def forget_property(self, name: str) -> None:
        """Take a property's values away, without the records counting as modified."""
        self.holders.pop(name, None)
        for index in (self.live, self.archived, self.searchable):
            for record in index:
                record.properties.pop(name, None)
            index.version += 1

    def watch_unique(self, name: str) -> None:
        """Keep track of who holds which value of a property."""
        self.holders[name] = {
            record.properties[name]: record.id
            for record in self.live
            if record.properties.get(name)
        }

    def state(self) -> Json:
        return {
            "next_id": self.next_id,
            "live": [[record.id, record.properties] for record in self.live],
            "archived": [
                [record.id, record.properties, record.archived_at] for record in self.archived
            ],
        }

    def resume(self, state: Mapping[str, object]) -> None:
        """Fill these (empty) records; what search lagged behind it has seen by now."""
        next_id, live, archived = state["next_id"], state["live"], state["archived"]
        assert isinstance(next_id, int)
        assert isinstance(live, list)
        assert isinstance(archived, list)
        self.next_id = next_id
        self.put_new([Record(*row) for row in live])
        self.archived.put_new(Record(*row) for row in archived)

    def _let_search_know(self, id: int, record: Record | None, seen_at: float | None) -> None:
        if seen_at is None and not self._waiting:
            self._show(id, record)
        else:
            self._waiting.append((seen_at or 0.0, id, record))

    def _show(self, id: int, record: Record | None) -> None:
        if record is None:
            self.searchable.drop(id)
        else:
            self.searchable.put(record)

    def _hold(self, record: Record) -> None:
        for name, holders in self.holders.items():
            value = record.properties.get(name)
            if value:
                holders[value] = record.id

    def _release(self, id: int) -> None:
        record = self.live.by_id.get(id)
        for name, holders in self.holders.items():
            value = record.properties.get(name) if record else None
            if value and holders.get(value) == id:
                del holders[value]
