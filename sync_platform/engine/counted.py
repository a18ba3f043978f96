"""Reads pages that are told apart by a number, so that nothing is missed when they shift.

Offsets and page numbers count from the beginning of a list that lives on: when a record goes that
was read already, all after it move up, and the next page begins one too late. An incremental sync
would lose what it skipped, a full one would mark it as deleted. So each page must join the one
before it: by a record that both have (offsets), or by a total that has not fallen (page numbers).
Where it does not, the page before is read again, and the one before that, until one joins. Pages
may be read side by side, in any order: joined pages leave no gap, whenever each of them was read.

A vendor that does not heed the number gives the same page for each, without an end or up to a total
that was never read. So each page is compared with the one before it, with the first, and with one
that is kept for longer and longer, and one of them is asked for again where they are the same.
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
    call. Raises IncompleteRead where no page can be found that joins, where one holds fewer records
    than it must by the total that its own answer tells, also when it was asked for again, and where
    two pages are the same one.
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

    def refuse_again(arrived: Counted, before: Counted) -> None:
        for earlier in (before, *kept):
            if earlier.page == arrived.page or not _is_same(obj, earlier, arrived):
                continue
            # Where just so many records came meanwhile that these moved on, it is another by now.
            if _is_same(obj, answered(earlier.page), arrived):
                raise _same_page(what, earlier, arrived)
        if arrived.page >= 2 * max(1, kept[1].page):
            kept[1] = arrived

    def joined(before: Counted, after: Iterator[Counted]) -> Iterator[list[Row]]:
        for arrived in after:
            refuse_again(arrived, before)
            before = yield from mended(before, arrived)
        while not before.last:  # it was read again, and there is more by now
            arrived = answered(before.page + 1)
            refuse_again(arrived, before)
            before = yield from mended(before, arrived)

    first = answered(0)  # alone: most reads are one page
    yield first.rows
    if first.last:
        return
    kept = [first, first]  # the second is another one after 2, 4, 8 … pages
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


def _is_same(obj: ConnectorObject, one: Counted, other: Counted) -> bool:
    """Whether two pages hold the same records, by their keys; most differ in the first. One record
    alone says too little: lists move while they are read."""
    if len(one.rows) != len(other.rows) or len(one.rows) < 2:
        return False
    known = False
    for row, its in zip(one.rows, other.rows, strict=True):
        for name in obj.keys:
            key = row.get(name)
            if key != its.get(name):
                return False
            known = known or key is not None
    return known


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


def _same_page(what: str, one: Counted, other: Counted) -> IncompleteRead:
    return IncompleteRead(
        f"{what} gave the same records on page {one.page + 1:,} and on page {other.page + 1:,}, "
        "also when they were asked for again: it does not heed the page, and what else there is "
        "was not told. Nothing was marked as deleted.",
        evidence={"page": other.page, "found": len(other.rows)},
    )


def _no_order(what: str, steps: int) -> IncompleteRead:
    return IncompleteRead(
        f"{what} gave pages that do not join, also when they were read again: its records have no "
        "steady order, or its pages hold fewer than the `limit` that is declared. Let the "
        "connector ask for an order by id. Nothing was marked as deleted.",
        evidence={"steps_back": steps},
    )
