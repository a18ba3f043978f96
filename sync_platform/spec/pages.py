"""The ways in which vendors page: a paginator looks at an answer and tells how to ask on."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sync_platform.errors import IncompleteRead
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


def cursor_pages(
    param: str, *, found_at: str, in_json: bool = False, more: str | None = None
) -> Paginator:
    """The answer holds a token for the next page at `found_at` (dotted), sent back as `param`.

    Ends where there is none. `more` is where the answer says, beside the token, whether there is
    more: false ends the read whatever the token, anything else without a token is an
    IncompleteRead.
    """

    def next_page(body: Json, records: Sequence[Json], asked: NextPage | None) -> NextPage | None:
        token, is_more = at(body, found_at), at(body, more) if more is not None else None
        if token is None or token == "" or is_more is False:
            if is_more:
                raise IncompleteRead(
                    "An answer says that there is more, and not where. Nothing was marked as "
                    "deleted."
                )
            return None
        return NextPage(json={param: token}) if in_json else NextPage(params={param: token})

    return next_page


def keyset_pages(
    key: str, *, limit: int | None = None, more: str | None = None, total: str | None = None
) -> Paginator:
    """Ordered by key; the next call asks for what comes after the last key (`Read.after`).

    Ends where the answers say so: `more` is where one holds something if there is more (a token,
    an address, true), `total` where it tells how many records come after the key that was asked
    for, those in it among them; both dotted. Where either says that there is more, there is, also
    after a page that is not full; an empty one then raises IncompleteRead. Say them if the vendor
    does: without them, the read ends with the first empty page, or with one below `limit` records,
    and nothing shows that a vendor gave fewer than it should.

    Records without a usable key at the end of a page are asked for once more, with the next; a page
    of nothing else raises IncompleteRead.
    """

    def is_there_more(body: Json, found: int) -> bool:
        told = _count(at(body, total)) if total is not None else None
        if (more is not None and at(body, more)) or (told is not None and told > found):
            return True
        if told is not None or (more is not None and limit is None):
            return False
        return found >= (limit or 1)

    def next_page(body: Json, records: Sequence[Json], asked: NextPage | None) -> NextPage | None:
        if not is_there_more(body, len(records)):
            return None
        if not records:
            raise IncompleteRead(
                "An answer holds no records and says that there are more. Nothing was marked as "
                "deleted."
            )
        keys = (at(each, key) for each in reversed(records))
        last = next(filter(_tells_a_place, keys), None)
        if last is None:
            raise IncompleteRead(
                f"No record of a page has a usable {key!r}, so nobody knows where the next page "
                "begins. Nothing was marked as deleted."
            )
        return NextPage(after=str(last))

    return next_page


def _count(told: Json) -> int | None:
    """A number of records, as answers tell it; None where this is none."""
    if isinstance(told, str) and told.isascii() and told.isdigit():
        return int(told)
    return told if isinstance(told, int) and not isinstance(told, bool) else None


def _tells_a_place(key: Json) -> bool:
    """Whether records can come after it: a text that is not empty, or a number."""
    if isinstance(key, str):
        return key != ""
    if isinstance(key, float):
        return isfinite(key)
    if isinstance(key, Decimal):
        return key.is_finite()
    return isinstance(key, int) and not isinstance(key, bool)


@dataclass(frozen=True, kw_only=True)
class CountedPages:
    """A paginator whose pages are told apart by a number, so that each can be asked for without the
    one before it. Made by `offset_pages` and `numbered_pages`.

    Such places move when records before them come or go, so nobody goes on from one later.
    """

    param: str
    first: int  # the number that means the first page, which is asked for without it
    stride: int  # by how much it grows from page to page
    limit: int | None  # records on a full page
    overlap: int = 0  # records that a page has in common with the one before it
    total: str | None = None  # where an answer tells how many records there are, dotted
    in_json: bool = False

    def __call__(
        self, body: Json, records: Sequence[Json], asked: NextPage | None
    ) -> NextPage | None:
        given = (asked.json if self.in_json else asked.params) if asked else {}
        number = int(given[self.param]) if given else self.first
        page = (number - self.first) // self.stride
        return None if self.ends(page, body, len(records)) else self.page_at(page + 1)

    def page_at(self, page: int) -> NextPage | None:
        """How to ask for a page, counted from 0; None for the first."""
        if page == 0:
            return None
        number = {self.param: self.first + page * self.stride}
        if self.in_json:
            return NextPage(json=number, resumable=False)
        return NextPage(params=number, resumable=False)

    def start(self, page: int) -> int:
        """How many records there are before this page."""
        return page * ((self.limit or 1) - self.overlap)

    def told(self, body: Json) -> int | None:
        """How many records there are in all, as this answer says; None where it does not."""
        return _count(at(body, self.total)) if self.total is not None else None

    def pages(self, body: Json) -> int | None:
        """How many pages there are in all, as this answer says."""
        told = self.told(body)
        if told is None or self.limit is None:
            return None
        return max(1, -(-(told - self.overlap) // (self.limit - self.overlap)))

    def lacks(self, page: int, body: Json, found: int) -> bool:
        """Whether the page holds fewer records than it must by the total in its own answer."""
        told = self.told(body)
        if told is None or self.limit is None:
            return False
        return found < min(self.limit, told - self.start(page))

    def ends(self, page: int, body: Json, found: int) -> bool:
        """Whether a page with so many records is the last: by the total in its answer, else because
        it is not full (where `limit` is not known: because it is empty)."""
        pages = self.pages(body)
        if pages is not None:
            return page + 1 >= pages
        return found == 0 if self.limit is None else found < self.limit


def offset_pages(
    param: str,
    *,
    limit: int,
    overlap: int = 1,
    total: str | None = None,
    in_json: bool = False,
) -> CountedPages:
    """`param` counts the records to skip; a page of fewer than `limit` records is the last.

    Each page is asked for from the last record of the page before it (`overlap`): where it is not
    there, records have gone meanwhile, and what they moved is read again. So the vendor must give
    its records in one order, such as that of their ids; ask for it. 0 only for vendors that take
    no other offsets than whole pages. `total` is where answers tell the exact number of records:
    of those that the same call lists, since a page that holds fewer is an incomplete read.
    """
    overlap = max(0, min(overlap, limit - 1))
    return CountedPages(
        param=param,
        first=0,
        stride=max(1, limit - overlap),
        limit=limit,
        overlap=overlap,
        total=total,
        in_json=in_json,
    )


def numbered_pages(
    param: str = "page",
    *,
    first: int = 1,
    limit: int | None = None,
    total: str | None = None,
    in_json: bool = False,
) -> CountedPages:
    """`param` is the page's number; an empty page, or one below `limit` records, is the last.

    `total` is where answers tell the exact number of records, of those that the same call lists:
    a page that holds fewer is an incomplete read. Say it if the vendor does: without it, nothing
    shows that a record has gone while pages were read, which moves the ones after it, or that the
    vendor gives smaller pages than it is asked for.
    """
    return CountedPages(
        param=param, first=first, stride=1, limit=limit, total=total, in_json=in_json
    )


@dataclass(frozen=True, kw_only=True)
class HeaderPages:
    """A paginator that looks at the answer's headers instead of its body."""

    header: str  # in small letters
    param: str | None  # None: the header is `Link` (RFC 8288), which holds a whole address
    ends: Sequence[str] = ("",)  # what the header says on the last page

    def __call__(
        self, body: Json, records: Sequence[Json], asked: NextPage | None
    ) -> NextPage | None:
        """Nothing: the headers tell."""
        return None

    def after(self, headers: Mapping[str, str]) -> NextPage | None:
        """The page after the one that came with these headers."""
        said = headers.get(self.header, "").strip()
        if self.param is not None:
            return None if said in self.ends else NextPage(params={self.param: said})
        for link in re.finditer(r"<([^>]*)>([^<]*)", said):
            if re.search(r';\s*rel\s*=\s*"?(?:[^"]* )?next\b', link[2], re.IGNORECASE):
                return NextPage(url=link[1])
        return None


def header_pages(header: str, *, param: str, ends: Sequence[str] = ("",)) -> HeaderPages:
    """A header of the answer holds a token for the next page, sent back as `param`; on the last
    page it is missing or one of `ends`."""
    return HeaderPages(header=header.lower(), param=param, ends=("", *ends))


def link_header_pages() -> HeaderPages:
    """The header `Link` holds the next page's address, as rel="next" (RFC 8288)."""
    return HeaderPages(header="link", param=None)


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
