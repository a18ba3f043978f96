"""Reads one object: page after page, rows from records, and the keys that are gone."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from reprlib import Repr
from typing import Any, TypeVar

from sync_platform.engine.counted import counted
from sync_platform.engine.modes import latest
from sync_platform.engine.ports import VendorApi
from sync_platform.engine.records import checked, rows_of, those
from sync_platform.errors import IncompleteRead, UnexpectedResponse
from sync_platform.spec import (
    Answer,
    ConnectorObject,
    CountedPages,
    HeaderPages,
    Json,
    Key,
    NextPage,
    Page,
    Read,
    Repeats,
    Request,
    Row,
    Unreadable,
    at,
)

PAGES_AHEAD = 2  # read from the vendor while Postgres is busy; more would only cost memory
BEAT_SECONDS = 10.0  # how long the reader may be silent before the sync's heartbeat is due

SHOWN = Repr()  # of an answer: its outermost levels; repr would fail on one that is nested deeply
SHOWN.maxdict = SHOWN.maxlist = 20
SHOWN.maxstring = SHOWN.maxother = 100

Reader = Callable[[ConnectorObject, VendorApi, Read], Iterator[Page]]
Given = TypeVar("Given")
Telling = Callable[[Callable[[], None]], AbstractContextManager[None]]  # VendorApi.telling


def rows(obj: ConnectorObject, api: VendorApi, read: Read) -> Iterator[Page]:
    """The object's records in this window, page by page; goes on from `read.resume` if given.

    Pages that can be counted are read side by side as the object says; where that ends by an
    error, the api is closed. Rows that say of themselves that they are gone become gone keys.
    """
    for page in _row_pages(obj, api, read):
        yield _parted(obj, page)


def changes(obj: ConnectorObject, api: VendorApi, read: Read) -> Iterator[Page]:
    """What the object's feed of changes tells of this window."""
    assert obj.changes is not None
    yield from map(checked, obj.changes.read(api, read))


def bulk(obj: ConnectorObject, api: VendorApi, read: Read) -> Iterator[Page]:
    """The object's records in this window, read the way that is meant for many."""
    assert obj.bulk is not None
    for page in obj.bulk.read(api, read):
        yield _parted(obj, checked(page))


def _row_pages(obj: ConnectorObject, api: VendorApi, read: Read) -> Iterator[Page]:
    if not isinstance(obj.read, Request):
        yield from map(checked, obj.read(api, read))
        return
    for found, resume in _pages(obj, obj.read, api, read):
        yield Page(rows=found, resume=resume)


def _parted(obj: ConnectorObject, page: Page) -> Page:
    """The page with its gone rows as keys; they move the cursor as they would have as rows. Of rows
    of one key, the last says whether it is gone."""
    gone_when = obj.gone_when
    if gone_when is None or not (left := those(page.rows, gone_when, in_doubt=False)):
        return page
    kept = those(page.rows, lambda row: not gone_when(row), in_doubt=True)
    reached = page.reached
    if obj.cursor is not None:
        reached = latest([row.get(obj.cursor) for row in left], reached)
    keys = _last_gone(obj, page.rows, left) if kept else [key_of(obj, row) for row in left]
    return replace(page, rows=kept, gone=[*page.gone, *keys], reached=reached)


def _last_gone(obj: ConnectorObject, rows: Sequence[Row], left: Sequence[Row]) -> list[Key]:
    """The keys of the rows that `left`, without those that a later row tells as alive: where a page
    is taken in, its gone keys come after its rows."""
    going, alive = set(map(id, left)), set()
    keys: list[Key] = []
    for row in reversed(rows):
        key = key_of(obj, row)
        known = _comparable(key)
        if id(row) not in going:
            alive.add(known)
        elif known not in alive:
            keys.append(key)
    return keys[::-1]


def _comparable(key: Key) -> Hashable:
    """The key; for one that holds a list or an object, and so is none, a value like no other."""
    try:
        hash(key)
    except TypeError:
        return object()
    return key


def gone(obj: ConnectorObject, api: VendorApi, read: Read) -> Iterator[Page]:
    """The keys that the vendor says are gone."""
    if obj.deletes is None:
        return
    if not isinstance(obj.deletes, Request):
        yield from obj.deletes(api, read)
        return
    for found, resume in _pages(obj, obj.deletes, api, read):
        yield Page(gone=[_gone_key(obj, row) for row in found], resume=resume)


def _gone_key(obj: ConnectorObject, row: Row) -> Any:
    """The key; the record whole, where none can be read of it."""
    key = key_of(obj, row)
    return row if isinstance(row, Unreadable) and any(it is None for it in key) else key


def key_of(obj: ConnectorObject, row: Row) -> Key:
    """The values of the row's key fields."""
    return tuple(row.get(name) for name in obj.keys)


def _pages(
    obj: ConnectorObject, request: Request, api: VendorApi, read: Read
) -> Iterator[tuple[list[Row], Json]]:
    """Each page's records as rows, with where the next page starts (None: start over)."""
    if request.answers == "csv" and not request.columns and obj.row is dict:
        request = request.with_(columns=obj.keys)
    pages = request.pages
    if not isinstance(pages, CountedPages):
        for records, resume in _records(request, api, read):
            yield rows_of(obj, records), resume
        return

    def ask(page: int) -> tuple[Json, list[Row]]:
        answer, records = _answer(request, api, read, pages.page_at(page))
        return answer.body, rows_of(obj, records)

    what = f"{request.method} {request.path}"
    for found in counted(obj, pages, ask, what=what, stop=api.close):
        yield found, None


def _records(request: Request, api: VendorApi, read: Read) -> Iterator[tuple[list[Any], Json]]:
    """Each page's records, with where the next page starts (None after the last)."""
    asked = NextPage(**read.resume) if read.resume else None
    repeats = Repeats(asked)
    while True:
        if asked and asked.after is not None:
            read = replace(read, after=asked.after)
        answer, records = _answer(request, api, read, asked)
        if isinstance(request.pages, HeaderPages):
            coming = request.pages.after(answer.headers)
        else:
            coming = request.pages(answer.body, records, asked)
        if coming is not None and repeats.has(coming):
            raise IncompleteRead(
                f"{request.method} {request.path} gave the same next page twice; reading on would "
                "never end. Nothing was marked as deleted.",
                evidence={"next": SHOWN.repr(vars(coming))[:500]},
            )
        # What NextPage is made of again; nothing copies it, as asdict would.
        yield records, dict(vars(coming)) if coming and coming.resumable else None
        if coming is None:
            return
        asked = coming


def _answer(
    request: Request, api: VendorApi, read: Read, asked: NextPage | None
) -> tuple[Answer, list[Any]]:
    """One page's answer, and the records in it."""
    answer = api.ask(following(request, read, asked), read)
    records = at(answer.body, request.records)
    if not isinstance(records, list):
        place = f"at {request.records!r}" if request.records else "as the whole answer"
        raise UnexpectedResponse(
            f"The answer to {request.method} {request.path} holds no list {place}.",
            evidence={"answer": SHOWN.repr(answer.body)[:500]},
        )
    return answer, records


def following(request: Request, read: Read, asked: NextPage | None) -> Request:
    """The request with its late values filled in, and changed as the last answer said."""
    params = request.params(read) if callable(request.params) else request.params
    json = request.json(read) if callable(request.json) else request.json
    if asked is None:
        return request.with_(params=params, json=json)
    if asked.url is not None:
        return request.with_(path=asked.url, params={}, json=json)
    if asked.json:
        json = {**(json if isinstance(json, Mapping) else {}), **asked.json}
    return request.with_(params={**params, **asked.params}, json=json)


@contextmanager
def ahead(
    pages: Callable[[], Iterator[Given]],
    *,
    beat: Callable[[], None],
    stop: Callable[[], None],
    beat_seconds: float = BEAT_SECONDS,
    light: tuple[type, ...] = (),
    telling: Telling | None = None,
) -> Iterator[Iterator[Given]]:
    """The pages (or what else is told of them), read by a thread of their own while the caller
    loads earlier ones. What is `light` waits without taking the place of a page.

    With `telling` (of the VendorApi that is read from) a page is given once the call for the next
    one has been sent: until then who loads would only stand in the way of who asks, since threads
    take turns.

    `beat` is called whenever the reader is silent for `beat_seconds`. On leaving early, `stop` must
    wake the reader from whatever it waits in; what it raises then is dropped.
    """
    ready: queue.SimpleQueue[Given | BaseException | None] = queue.SimpleQueue()
    places = threading.Semaphore(PAGES_AHEAD)
    leaving = threading.Event()
    held: deque[Given] = deque()  # until the next call is sent
    giving = threading.Lock()

    def place() -> bool:
        while not places.acquire(timeout=0.1):
            if leaving.is_set():
                return False
        return True

    def give() -> None:
        with giving:  # whoever sends a call: the pages stay in their order
            while held:
                ready.put(held.popleft())

    def reader() -> None:
        try:
            for page in pages():
                give()
                if leaving.is_set() or not (isinstance(page, light) or place()):
                    return
                held.append(page)
                if telling is None:
                    give()
            give()
            ready.put(None)
        except BaseException as error:
            give()
            ready.put(error)

    def arriving() -> Iterator[Given]:
        while True:
            try:
                what = ready.get(timeout=beat_seconds)
            except queue.Empty:
                beat()
                continue
            if what is None:
                return
            if isinstance(what, BaseException):
                raise what
            if not isinstance(what, light):
                places.release()
            yield what

    thread = threading.Thread(target=reader, name="reader", daemon=True)
    finished = False
    with telling(give) if telling is not None else nullcontext():
        thread.start()
        try:
            yield arriving()
            finished = True
        finally:
            leaving.set()
            if not finished:
                stop()
            thread.join(timeout=30)
