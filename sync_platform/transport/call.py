"""One call under way: what has been heard of its answer, within bounds, and how it may end."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from sync_platform.transport.handle import GO_ON, NONE_OF_IT, STOP
from sync_platform.transport.unpacking import Unpacking, Unreadable

STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")  # of a head, the first line
ENDS_OF_A_HEAD = (b"\r\n", b"\n")
WITHOUT_A_BODY = (204, 304)  # RFC 9110, 6.4.1
ERROR_BYTES = 65_536  # of the body of a refusal: enough for a sentence and the evidence


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long each part of a call may take, in seconds; all but `connect` are looked at whenever
    something comes, and once a second."""

    connect: float = 10.0
    read: float = 60.0  # of silence
    write: float = 60.0  # of silence
    answer: float = 300.0  # from its head to the last byte


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the body is whole and decompressed, except that of a refusal (64 KiB)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Lost(Exception):
    """No whole answer came. `how` goes on after the vendor's name; `reached`: the vendor may have
    heard the call."""

    def __init__(self, how: str, *, reached: bool = True) -> None:
        super().__init__(how)
        self.how, self.reached = how, reached


class TooLarge(Exception):
    """The answer has more bytes than are taken."""


class Unsendable(Exception):
    """A header holds what HTTP cannot carry. Has no cause: that would quote the sign-in."""


class UnderWay:
    """Listens to a handle until the answer is whole, or something is wrong with it.

    `largest` is the most bytes of an answer, decompressed; `sent` is called when the call has
    gone out; `closed` tells that nobody waits for the answer any more.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        largest: int,
        *,
        sent: Callable[[], None],
        closed: Callable[[], bool],
    ) -> None:
        self._timeouts, self._largest, self._sent, self._closed = timeouts, largest, sent, closed
        self.is_out = False  # the vendor may have heard it
        self.why: Exception | None = None  # it was not heard to its end, where we ended it
        self.size = 0  # of the body, decompressed, in bytes
        self._status = 0
        self._head: list[bytes] = []
        self._is_told = self._head_is_whole = self._is_refused = self._is_enough = False
        self._came = 0  # bytes of the body, as they came
        self._headers: dict[str, str] = {}
        self._unpacking: Unpacking | None = None
        self._chunks: list[bytes] = []
        self._deadline = 0.0
        self._moved, self._moved_at = -1, 0.0

    def answer(self) -> Answer:
        """What was heard to its end, or enough of it; raises Lost where it ends too early in a way
        that libcurl does not notice."""
        if not self._head_is_whole or (self._lacks_some() and not self._is_enough):
            raise broken_off("It ended too early.")
        if self._unpacking is not None and not self._is_enough:
            try:
                self._unpacking.end()
            except Unreadable as error:
                raise _not_unpacked(error) from error
        return Answer(status=self._status, headers=self._headers, body=b"".join(self._chunks))

    @property
    def is_enough(self) -> bool:
        """The rest of the answer is not wanted."""
        return self._is_enough

    @property
    def leaves_more(self) -> bool:
        """Whether a body comes, or may, where none can be: whoever takes the next call's answer
        from this connection begins with it. Encrypted, it may be out of the socket already."""
        told = (
            self._headers.get("content-length", "0") != "0" or "transfer-encoding" in self._headers
        )
        return told and self._status in WITHOUT_A_BODY

    def goes_out(self, *where: object) -> int:
        """The call is sent, but once: libcurl would send it anew over another connection, where a
        kept one turns out to have been closed. The vendor may have heard it all the same."""
        if self.is_out:
            return STOP
        self.is_out = True
        self._moved_at = monotonic()
        return GO_ON

    def goes_on(self, to_read: int, read: int, to_write: int, written: int) -> int:
        """Whether it may. First asked after the call went out once it is written: who is told of it
        earlier takes his turn before it is."""
        if self._closed():
            return STOP
        if not self.is_out:
            return GO_ON  # libcurl itself looks after the time that connecting takes
        if not self._is_told:
            self._is_told = True
            self._sent()
        now = monotonic()
        if self._moved != read + written:
            self._moved, self._moved_at = read + written, now
        bound = self._timeouts.write if written < to_write else self._timeouts.read
        if self.why is None and now - self._moved_at > bound:
            self.why = Lost("did not answer in time")
        elif self._head_is_whole:
            self._look_at_the_time(now)
        return STOP if self.why else GO_ON

    def hears_head(self, line: bytes) -> None:
        """Of several heads (100 Continue), the last counts; what comes after a body does not."""
        if not self.is_out:
            return
        if self._head_is_whole or not self._status:
            if (found := STATUS.match(line)) is not None:
                self._status, self._head = int(found[1]), []
                self._head_is_whole = False
        elif line not in ENDS_OF_A_HEAD:  # where a connection ends, it may be part of a line
            self._head.append(line)
        else:
            self._begin()

    def hears_body(self, chunk: bytes) -> int | None:
        """Takes it in; stops where the answer cannot be read, is too large or takes too long, and
        where enough is known of a refusal."""
        self._came += len(chunk)
        try:
            for piece in (chunk,) if self._unpacking is None else self._unpacking.of(chunk):
                self._take(piece)
                if self._is_enough or self.why is not None:
                    return NONE_OF_IT
        except Unreadable as error:
            self.why = _not_unpacked(error)
            return NONE_OF_IT
        return None

    def _take(self, piece: bytes) -> None:
        self._chunks.append(piece)
        self.size += len(piece)
        if self._is_refused and self.size >= ERROR_BYTES:
            self._is_enough = True
        elif self.size > self._largest:
            self.why = TooLarge()
        else:
            self._look_at_the_time(monotonic())

    def _lacks_some(self) -> bool:
        """Whether bytes are missing that libcurl does not count, because the head names another
        way to tell the end than by their number."""
        declared = self._headers.get("content-length", "")
        told_otherwise = self._headers.get("transfer-encoding", "chunked").lower() != "chunked"
        return told_otherwise and declared.isdecimal() and self._came < int(declared)

    def _begin(self) -> None:
        self._head_is_whole = True
        self._headers = _named(self._head)
        self._is_refused = self._status >= 400
        encoding = self._headers.get("content-encoding")
        self._unpacking = Unpacking(encoding) if encoding else None
        self._deadline = monotonic() + self._timeouts.answer

    def _look_at_the_time(self, now: float) -> None:
        if now > self._deadline:
            self.why = Lost(f"took longer than {self._timeouts.answer:g} seconds to answer")


def broken_off(words: str) -> Lost:
    """The error for a connection that ended before its answer did."""
    lost = Lost("broke the connection off before its answer was whole")
    lost.__cause__ = ConnectionError(words)
    return lost


def _not_unpacked(error: Unreadable) -> Lost:
    lost = Lost("sent an answer that cannot be decompressed")
    lost.__cause__ = error
    return lost


def _named(head: list[bytes]) -> dict[str, str]:
    """The headers by their names in small letters; one that comes again goes on after a comma."""
    named: dict[str, str] = {}
    for line in head:
        raw_name, _, raw_value = line.partition(b":")
        name, raw_value = raw_name.decode("iso-8859-1").lower(), raw_value.strip()
        try:
            value = raw_value.decode("utf-8")
        except UnicodeDecodeError:
            value = raw_value.decode("iso-8859-1")
        named[name] = f"{named[name]}, {value}" if name in named else value
    return named
