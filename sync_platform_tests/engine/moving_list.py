"""A vendor whose list lives on while its pages are counted, and who counts the calls under way."""

import threading
from collections.abc import Callable
from typing import Any, Literal

from sync_platform.spec import (
    ConnectorObject,
    CountedPages,
    Field,
    Json,
    Request,
    get,
    numbered_pages,
    offset_pages,
)

PATIENCE = 10.0  # seconds that a test waits for what must come


class MovingList:
    """Holds `ids` in their order, `limit` a page. `before` is called with each page's number as it
    is asked for; `together` calls are waited for before any is answered."""

    def __init__(self, count: int, *, limit: int, by: Literal["offset", "page"] = "offset") -> None:
        self.ids = list(range(count))
        self.limit, self.by = limit, by
        self.tells_total = False
        self.before: Callable[[int], None] = lambda start: None
        self.asked: list[int] = []  # the first position of each page
        self.under_way = self.most_under_way = 0
        self.changed = threading.Condition()

    def answer(self, request: Request, asked: object) -> Json:
        """A page of the list as it is when all that was to happen before has happened."""
        assert isinstance(request.params, dict)
        if self.by == "offset":
            start = int(request.params.get("skip", 0))
        else:
            start = (int(request.params.get("page", 1)) - 1) * self.limit
        with self.changed:
            self.asked.append(start)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.changed.notify_all()
        try:
            self.before(start)
            with self.changed:
                found = self.ids[start : start + self.limit]
                body: dict[str, Any] = {"results": [{"id": id} for id in found]}
                return body | ({"total": len(self.ids)} if self.tells_total else {})
        finally:
            with self.changed:
                self.under_way -= 1

    def wait_for(self, calls: int) -> None:
        """Wait until so many calls were made."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked) >= calls, PATIENCE)

    def described(self, *, side_by_side: int = 1, overlap: int = 1) -> ConnectorObject:
        """It, as a connector would declare it."""
        total = "total" if self.tells_total else None
        pages: CountedPages = (
            offset_pages("skip", limit=self.limit, overlap=overlap, total=total)
            if self.by == "offset"
            else numbered_pages(limit=self.limit, total=total)
        )
        return ConnectorObject(
            name="things",
            fields=[Field("id", "integer")],
            read=get("/things", records="results", pages=pages),
            side_by_side=side_by_side,
        )
