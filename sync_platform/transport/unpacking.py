"""Takes the packing off an answer's body: gzip and deflate, as they come."""

import zlib
from collections.abc import Iterable, Iterator

PIECE = 2**20  # bytes that come out at a time: a few bytes may hold gigabytes
GZIP_BEGINS = b"\x1f\x8b"
ZLIB_HEAD = 2  # bytes, by which zlib's frame is known (RFC 1950, 2.2)


class Unreadable(Exception):
    """What came is not packed as it says, or ends too early."""


class Unpacking:
    """The packings that a `Content-Encoding` names, outermost last; unknown ones are left on."""

    def __init__(self, encodings: str) -> None:
        names = [name.strip().lower() for name in encodings.split(",")]
        self._packings = [PACKINGS[name]() for name in reversed(names) if name in PACKINGS]

    def of(self, chunk: bytes) -> Iterator[bytes]:
        """What comes out where `chunk` goes in, in pieces; raises Unreadable."""
        pieces: Iterable[bytes] = (chunk,)
        for packing in self._packings:
            pieces = _through(packing, pieces)
        try:
            yield from pieces
        except zlib.error as error:
            raise Unreadable(str(error)) from error

    def end(self) -> None:
        """Raises Unreadable where more should have come. An answer of nothing at all is whole."""
        if not all(packing.whole for packing in self._packings):
            raise Unreadable("it ends too early")


class _Gzip:
    """One member after the other; what follows the last and is none does not count."""

    def __init__(self) -> None:
        self._member = _member()
        self._begun = self._over = False

    @property
    def whole(self) -> bool:
        return self._over or self._member.eof or not self._begun

    def of(self, chunk: bytes) -> Iterator[bytes]:
        while chunk and not self._over:
            if self._member.eof:
                self._over = not GZIP_BEGINS.startswith(chunk[:2])
                self._member = _member()
                continue
            self._begun = True
            yield from _inflated(self._member, chunk)
            chunk = self._member.unused_data


class _Deflate:
    """With zlib's frame as it should be, or without, as some servers send it."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None  # until it is seen which it is
        self._first = b""

    @property
    def whole(self) -> bool:
        return not self._first if self._stream is None else self._stream.eof

    def of(self, chunk: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._first = chunk = self._first + chunk
            if len(chunk) < ZLIB_HEAD:
                return
            is_framed = chunk[0] & 15 == zlib.DEFLATED and int.from_bytes(chunk[:2]) % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if is_framed else -zlib.MAX_WBITS)
        yield from _inflated(self._stream, chunk)


def _through(packing: "_Gzip | _Deflate", pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from packing.of(piece)


def _inflated(stream: "zlib._Decompress", chunk: bytes) -> Iterator[bytes]:
    """What comes out of it, in pieces; what follows the stream's end is left to it."""
    while True:
        piece = stream.decompress(chunk, PIECE)
        if piece:
            yield piece
        chunk = stream.unconsumed_tail
        if stream.eof or (not chunk and len(piece) < PIECE):
            return


def _member() -> "zlib._Decompress":
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


PACKINGS: dict[str, type[_Gzip] | type[_Deflate]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
}
