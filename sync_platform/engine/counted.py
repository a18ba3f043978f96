"""Reads pages that are told apart by a number, so that nothing is missed when they shift.

Offsets and page numbers count from the beginning of a list that lives on: when a record goes that
was read already, all after it move up, and the next page begins one too late. An incremental sync
would lose what it skipped, a full one would mark it as deleted. So each page must join the one
before it: by a record that both have (offsets), or by a total that has not fallen (page numbers).
Where it does not, the page before is read again, and the one before that, until one joins. Pages
may be read side by side, in any order: joined pages leave no gap, whenever each of them was read.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sync_platform.engine import side_by_side
from sync_platform.errors import IncompleteRead
from sync_platform.spec import ConnectorObject, CountedPages, Json, Row

MOST_STEPS_BACK = 20  # of one gap; where records have an order, one or two are enough

Mark = tuple[Any, ...]
UNKNOWN: Mark = ()  # of a record whose key is not whole: it proves nothing


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A page as it came."""

    page: int
    rows: list[Row]
    marks: list[Mark]  # for each row, where pages overlap
    total: int | None
    of: int | None
    last: bool

    @cached_property
    def known(self) -> frozenset[Mark]:
        """What its records are known by."""
        return frozenset(self.marks) - {UNKNOWN}


def counted(
    obj: ConnectorObject,
    pages: CountedPages,
    ask: Callable[[int], tuple[Json, list[Row]]],
    *,
    what: str,
    stop: Callable[[], None],
) -> Iterator[list[Row]]:
    """The rows of every page, in order; a record that was on the page before is left out.

    `ask` gives the body and rows of a page, counted from 0; it is called by up to
    `obj.side_by_side` threads, which `stop` wakes where the read ends by an error. `what` names the
    call. Raises IncompleteRead where no page can be found that joins, and where one holds fewer
    records than it must by the total that its own answer tells, also when it was asked for again.
    """

    def answered(page: int) -> Counted:
        body, rows = ask(page)
        if pages.lacks(page, body, len(rows)):
            body, rows = ask(page)  # the vendor may have listed and counted at two moments
        answer = Counted(
            page=page,
            rows=rows,
            marks=[_mark(obj, row) for row in rows] if pages.overlap else [],
            total=pages.told(body),
            of=pages.pages(body),
            last=pages.ends(page, body, len(rows)),
        )
        if pages.lacks(page, body, len(rows)):
            raise _cut_short(what, answer, pages)
        return answer

    def mended(before: Counted, arrived: Counted) -> Generator[list[Row], None, Counted]:
        """The rows up to the end of what arrived; returns the page that ends there. Its own calls
        are made one by one, for which `in_order` leaves room."""
        waiting, steps, fresh = [arrived], 0, False
        while waiting:
            page = waiting[-1].page
            if page == 0 or _joins(waiting[-1], before, pages):
                fresh = steps > 0
                yield _new(waiting[-1], before)
                before = waiting.pop()
                continue
            steps += 1
            if steps > MOST_STEPS_BACK:
                raise _no_order(what, steps)
            if fresh and before.page == page - 1:
                waiting[-1] = answered(page)  # that one is older than the page before it
                fresh = False
            else:
                waiting.append(answered(page - 1))
        return before

    def joined(before: Counted, after: Iterator[Counted]) -> Iterator[list[Row]]:
        for arrived in after:
            before = yield from mended(before, arrived)
        while not before.last:  # it was read again, and there is more by now
            before = yield from mended(before, answered(before.page + 1))

    first = answered(0)  # alone: most reads are one page
    yield first.rows
    if first.last:
        return
    if obj.side_by_side == 1:
        yield from joined(first, side_by_side.one_by_one(answered, first))
        return
    at_once = obj.side_by_side
    with side_by_side.readers(at_once, stop) as pool:
        yield from joined(first, side_by_side.in_order(answered, first, pool, at_once=at_once))


def _joins(answer: Counted, before: Counted, pages: CountedPages) -> bool:
    """Whether no record that was there all the while can lie between the two."""
    if before.last:
        return True
    if pages.overlap:
        same = answer.marks[:1] == before.marks[-pages.overlap :][:1]
        return same or not answer.known.isdisjoint(before.known)
    if answer.total is None or before.total is None:
        return True
    fallen = max(0, before.total - answer.total)
    return pages.start(answer.page) <= pages.start(before.page + 1) - fallen


def _new(answer: Counted, before: Counted) -> list[Row]:
    """The answer's rows without those that the page before had."""
    if answer.known.isdisjoint(before.known):
        return answer.rows
    pairs = zip(answer.rows, answer.marks, strict=True)
    return [row for row, mark in pairs if mark not in before.known]


def _mark(obj: ConnectorObject, row: Row) -> Mark:
    """Key and cursor: an edited record counts as another one, because it may have moved."""
    key = tuple(row.get(name) for name in obj.keys)
    if any(part is None for part in key):
        return UNKNOWN
    mark = (*key, row.get(obj.cursor) if obj.cursor else None)
    try:
        hash(mark)
    except TypeError:  # lists or objects, which will not fit the key's column
        return UNKNOWN
    return mark


def _cut_short(what: str, answer: Counted, pages: CountedPages) -> IncompleteRead:
    """A list that ended, or a page in its midst that is not full."""
    found, limit = len(answer.rows), pages.limit
    if answer.last or not found:
        said = (
            f"{what}: the vendor says there are {answer.total:,}, but ended its list after "
            f"{pages.start(answer.page) + found:,}. It may not tell more in one listing"
        )
    else:
        said = (
            f"{what} gave {found:,} on page {answer.page + 1:,}, and the vendor says there are "
            f"{answer.total:,}: fewer than the `limit` that is declared ({limit:,}). It may give "
            "no larger pages"
        )
    return IncompleteRead(
        f"{said}, or count records that this sign-in may not see. Nothing was marked as deleted.",
        evidence={"page": answer.page, "found": found, "total": answer.total},
    )


def _no_order(what: str, steps: int) -> IncompleteRead:
    return IncompleteRead(
        f"{what} gave pages that do not join, also when they were read again: its records have no "
        "steady order, or its pages hold fewer than the `limit` that is declared. Let the "
        "connector ask for an order by id. Nothing was marked as deleted.",
        evidence={"steps_back": steps},
    )
