"""Reads pages that are told apart by a number, so that nothing is missed when they shift.

Offsets and page numbers count from the beginning of a list that lives on: when a record goes that
was read already, all after it move up, and the next page begins one too late. An incremental sync
would lose what it skipped, a full one would mark it as deleted. So each page must join the one
before it: by a record that both have (offsets), or by a total that has not fallen (page numbers).
Where it does not, the page before is read again, and the one before that, until one joins. Pages
may be read side by side, in any order: joined pages leave no gap, whenever each of them was read.

A vendor that does not heed the number gives the same page for each, without an end or up to a total
that was never read. So for each record it is remembered on which page it came: for 10,000 of them,
of more for a sample. Where most records of a page came on one before it, in whatever order, both
are asked for twice more: lists move while they are read, so they may be others by now. One of one
record says too little alone, unless the read would end with it. However the pages are mixed, a
read ends when 20 in a row, and more than half of all, bring nothing new: records that are edited
while they are read, and move to the end, are no more than those that were read.
"""

from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from sync_platform.engine import side_by_side
from sync_platform.errors import IncompleteRead
from sync_platform.spec import ConnectorObject, CountedPages, Json, Row

MOST_STEPS_BACK = 20  # of one gap; where records have an order, one or two are enough
MOST_IN_VAIN = 20  # pages in a row that bring nothing new, where they are more than all others
MOST_REMEMBERED = 10_000  # keys
LARGE = 10  # records, of which a few may be edited between two calls

Key = Hashable  # its value, or a tuple of them
Mark = tuple[Any, ...]
UNKNOWN: Mark = ()  # of a record whose key is not whole: it proves nothing


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A page as it came."""

    page: int
    rows: list[Row]
    marks: list[Mark]  # for each row, where pages overlap
    keys: Set[Key]  # those that are whole
    total: int | None
    of: int | None
    last: bool

    @cached_property
    def known(self) -> frozenset[Mark]:
        """What its records are known by."""
        return frozenset(self.marks) - {UNKNOWN}


class Remembered:
    """Which records came, and on which page; of more than MOST_REMEMBERED a sample by their keys.

    That is begun anew after four times as many pages as there were until it was needed, so that
    also a circle of few records shows that has none of them.
    """

    def __init__(self, pages: CountedPages, first: Counted) -> None:
        self.pages, self.first = pages, first
        self.came_on: dict[Key, int] = dict.fromkeys(first.keys, 0)
        self.every = 1  # of so many keys one is in the sample
        self.anew = 0  # the page with which another sample begins
        self.new_on = 0  # the last page that brought something new

    def look_at(self, arrived: Counted, before: Counted) -> int | None:
        """The page on which most of what arrived came, if there is one; it is remembered, too."""
        if self.every > 1 and arrived.page >= self.anew:
            self.came_on, self.every = {}, 1
        sample = self._sampled(arrived.keys)
        known = self.came_on.keys() & sample
        if len(known) < len(sample) or not (arrived.keys or arrived.of is None):
            self.new_on = arrived.page
        earlier = self._same_as(arrived, before, known, len(sample))
        self.came_on.update(dict.fromkeys(sample, arrived.page))
        if self.every == 1:
            self.anew = 4 * arrived.page
        while len(self.came_on) > MOST_REMEMBERED:
            self.every *= 2
            self.came_on = {key: self.came_on[key] for key in self._sampled(self.came_on.keys())}
        return earlier

    def _same_as(
        self, arrived: Counted, before: Counted, known: Set[Key], looked_at: int
    ) -> int | None:
        """The earlier page. The one before and the first are compared whole: some vendors give
        one of them for all that are past the end."""
        for earlier in (before, self.first):
            if _is_same(earlier, arrived, self.pages):
                return earlier.page
        came_on = Counter(self.came_on[key] for key in known)
        came_on.pop(before.page, None)  # such as those that pages have in common
        if not came_on:
            return None
        [(page, times)] = came_on.most_common(1)
        missing = max(0, (self.pages.limit or 0) - len(arrived.rows))
        apart = missing + self.every * (looked_at - times)
        return page if 2 * apart < _moves_on(arrived, self.pages) else None

    def _sampled(self, keys: Set[Key]) -> Set[Key]:
        if self.every == 1:
            return keys
        return {key for key in keys if hash((key,)) % self.every == 0}  # a number's is itself


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
    than it must by the total that its own answer tells, also when it was asked for again, where two
    pages are the same one, and where too many bring nothing new.
    """

    def answered(page: int) -> Counted:
        body, rows = ask(page)
        if pages.lacks(page, body, len(rows)):
            body, rows = ask(page)  # the vendor may have listed and counted at two moments
        answer = Counted(
            page=page,
            rows=rows,
            marks=[_mark(obj, row) for row in rows] if pages.overlap else [],
            keys=_keys(obj, rows),
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

    def refuse_same(page: int, arrived: Counted) -> None:
        """Where as much came meanwhile as made these move on, they are others by now. That they
        move to and fro with every call is not to be believed."""
        later = arrived
        for again in (False, True):
            earlier = answered(page)
            if not _is_same(earlier, later, pages) and (again or not _may_be_old(later, earlier)):
                return
            later = answered(arrived.page)
            if not _is_same(earlier, later, pages):
                return
        raise _same_page(what, earlier, later)

    def refuse_again(arrived: Counted, before: Counted) -> None:
        page = remembered.look_at(arrived, before)
        if page is not None and not _says_too_little(arrived, remembered):
            refuse_same(page, arrived)
        in_vain = arrived.page - remembered.new_on
        if in_vain >= MOST_IN_VAIN and 2 * in_vain > arrived.page:
            raise _nothing_new(what, arrived, in_vain)

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
    remembered = Remembered(pages, first)
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


def _moves_on(page: Counted, pages: CountedPages) -> int:
    """How many of its records the next page leaves behind, at least, where nothing moves."""
    heeded = len(page.keys) - pages.overlap
    return heeded if pages.limit is None else min(heeded, pages.limit - pages.overlap)


def _is_same(one: Counted, other: Counted, pages: CountedPages) -> bool:
    """Whether two pages differ in less than half of what they must. Some of it may be new: where
    a list is ordered by the last edit, one that does not heed the page begins with another record
    each time."""
    if not any(key in one.keys for key in islice(other.keys, 40)):
        return False  # as most are; of what is looked at for every page, this is the quick part
    apart = max(len(one.keys), len(other.keys)) - len(one.keys & other.keys)
    return 2 * apart < _moves_on(one, pages)


def _may_be_old(arrived: Counted, again: Counted) -> bool:
    """Whether edits can have made the one out of the other, since calls may lie between."""
    return len(arrived.keys) >= LARGE and not again.keys.isdisjoint(arrived.keys)


def _says_too_little(arrived: Counted, remembered: Remembered) -> bool:
    """One record alone, which may just be listed twice; but no second one after it, and not where
    nothing comes after it."""
    return len(arrived.keys) < 2 and arrived.page < remembered.new_on + 2 and not arrived.last


def _new(answer: Counted, before: Counted) -> list[Row]:
    """The answer's rows without those that the page before had."""
    if answer.known.isdisjoint(before.known):
        return answer.rows
    pairs = zip(answer.rows, answer.marks, strict=True)
    return [row for row, mark in pairs if mark not in before.known]


def _keys(obj: ConnectorObject, rows: list[Row]) -> Set[Key]:
    """Of the rows whose key is whole; quick, since every page is asked."""
    first, *more = obj.keys
    try:
        if not more:
            keys: set[Key] = {row.get(first) for row in rows}
            keys.discard(None)
            return keys
        columns = ([row.get(name) for row in rows] for name in obj.keys)
        return {key for key in zip(*columns, strict=True) if None not in key}
    except TypeError:
        marks = {_mark(obj, row) for row in rows} - {UNKNOWN}
        return {mark[:-1] if more else mark[0] for mark in marks}


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
        "or all but a few, also when they were asked for again: it does not heed the page, and "
        "what else there is was not told. Nothing was marked as deleted.",
        evidence={"page": other.page, "found": len(other.rows)},
    )


def _nothing_new(what: str, last: Counted, in_vain: int) -> IncompleteRead:
    return IncompleteRead(
        f"{what} gave {in_vain:,} pages in a row, up to page {last.page + 1:,}, without a "
        "record that is new and has a key: it does not heed the page, or its records have no "
        "steady order. Let the connector ask for an order by id. Nothing was marked as deleted.",
        evidence={"page": last.page, "found": len(last.rows)},
    )


def _no_order(what: str, steps: int) -> IncompleteRead:
    return IncompleteRead(
        f"{what} gave pages that do not join, also when they were read again: its records have no "
        "steady order, or its pages hold fewer than the `limit` that is declared. Let the "
        "connector ask for an order by id. Nothing was marked as deleted.",
        evidence={"steps_back": steps},
    )
