"""Reads the steps of a sync's window ahead of their loading, several at the same time where the
object allows it. What comes of a step comes in order: its rows, then the keys that are gone."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from sync_platform.engine import extract, filters, naming, ways
from sync_platform.engine.heartbeat import BEAT_SECONDS
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import VendorApi
from sync_platform.engine.position import Position
from sync_platform.errors import IncompleteRead, PageForgotten, UnexpectedResponse
from sync_platform.spec import ConnectorObject, Field, Json, Page, Read, Row

READ_AGAIN = 3  # times, where the vendor forgets its next page
FORGOTTEN = "The vendor no longer knows the resume point; reading again."


@dataclass(frozen=True)
class Said:
    """A sentence for who watches."""

    sentence: str


@dataclass(frozen=True)
class Way:
    """By which of engine.ways the rows that follow are read."""

    name: str


@dataclass(frozen=True)
class Rows:
    """A page of the phase that reads rows."""

    page: Page


@dataclass(frozen=True)
class RowsEnd:
    """There are no more rows; the keys that are gone may follow."""


@dataclass(frozen=True)
class Gone:
    """A page of the phase that reads the keys that are gone."""

    page: Page


Arrival = Said | Way | Rows | RowsEnd | Gone


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one sync asks its vendor for."""

    obj: ConnectorObject
    fields: Sequence[Field]
    filters: Mapping[str, str]
    settings: Mapping[str, str]
    mode: SyncMode
    started_at: datetime
    api: VendorApi

    def steps(
        self, windows: Sequence[SyncWindow], position: Position, beat: Callable[[], None]
    ) -> Generator[Iterator[Arrival], None, None]:
        """What arrives of each of these steps, in turn; the first is gone on with at `position`.

        Of several steps, as many as the object declares are read at the same time, each page by
        page: so no more calls are under way than declared. A step that waits for its turn has a few
        pages in memory. `beat` is called while nothing arrives. What a step's reader raises is
        raised at its turn. Close the generator: then the api is closed where a step was not read to
        its end, and no thread is left.
        """
        at_once = min(self.obj.side_by_side, len(windows))
        alone = self if at_once == 1 else replace(self, obj=replace(self.obj, side_by_side=1))

        def ahead(step: int) -> AbstractContextManager[Iterator[Arrival]]:
            begins = position if step == 0 else Position()
            return extract.ahead(
                lambda: alone._step(windows[step], begins),
                beat=beat,
                stop=self.api.close,
                beat_seconds=BEAT_SECONDS,
                light=(Said, Way, RowsEnd),
                telling=self.api.telling,
            )

        return _in_turn(map(ahead, range(len(windows))), at_once)

    def kept(self, page: Page) -> Sequence[Row]:
        """The page's rows that the filters keep, as the fields are called."""
        return naming.named(self.obj, self.fields, filters.kept(self.obj, self._filters, page))

    @property
    def _filters(self) -> Mapping[str, str]:
        return filters.for_read(self.obj, self.filters, self.started_at)

    def _step(self, window: SyncWindow, position: Position) -> Iterator[Arrival]:
        """All of a step, from the position on."""
        if position.phase == "rows":
            read = self._read(window, position.resume)
            if self._begins(read) and self.obj.deletes_begin is not None:
                self.obj.deletes_begin(self.api)
            way = position.way
            if way is None:
                way, why = ways.way_for(self.obj, self.mode, window, self.api, read)
                yield Way(way)
                if why:
                    yield Said(why)
            for it in self._pages(ways.READERS[way], read):
                yield Said(it) if isinstance(it, str) else Rows(it)
            yield RowsEnd()
            position = replace(position, resume=None)
        if self.obj.deletes is not None:
            for it in self._pages(extract.gone, self._read(window, position.resume)):
                yield Said(it) if isinstance(it, str) else Gone(it)

    def _begins(self, read: Read) -> bool:
        """Whether everything there is is about to be read."""
        whole = read.since is None and self.mode is not SyncMode.FROM_DATE
        return whole and read.resume is None

    def _pages(self, reader: extract.Reader, read: Read) -> Iterator[Page | str]:
        """The pages; from the phase's start where the vendor forgot the resume point, or says so of
        the next page: what comes twice is merged."""
        for again in range(READ_AGAIN + 1):
            arrived = False
            try:
                for page in reader(self.obj, self.api, read):
                    arrived = True
                    yield page
                return
            except (UnexpectedResponse, IncompleteRead) as error:
                said = isinstance(error, PageForgotten) and again < READ_AGAIN
                if not said and (arrived or read.resume is None):
                    raise
            yield FORGOTTEN
            read = replace(read, resume=None)

    def _read(self, window: SyncWindow, resume: Json) -> Read:
        return Read(
            since=window.since,
            until=window.until,
            started_at=self.started_at,
            fields=naming.asked(self.obj, self.fields),
            resume=resume,
            filters=self._filters,
            settings=self.settings,
        )


def _in_turn(
    readers: Iterator[AbstractContextManager[Iterator[Arrival]]], at_once: int
) -> Generator[Iterator[Arrival], None, None]:
    """What each gives, entered up to `at_once - 1` turns before its own, and left after it. All are
    left by the exception that ends it early, be it that it is closed."""
    begun: deque[tuple[ExitStack, Iterator[Arrival]]] = deque()
    try:
        while True:
            for reader in islice(readers, at_once - len(begun)):
                stack = ExitStack()
                begun.append((stack, stack.enter_context(reader)))
            if not begun:
                return
            yield begun[0][1]
            begun.popleft()[0].close()
    except BaseException:
        with ExitStack() as left:
            for stack, _ in begun:
                left.push(stack)
            raise
