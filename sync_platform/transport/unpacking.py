"""Takes the packing off an answer's body: gzip and deflate, as they come."""

import zlib
from collections.abc import Callable

Step = Callable[[bytes], bytes]
GZIP_BEGINS = b"\x1f\x8b"


class Unreadable(Exception):
    """What came is not packed as it says, or ends too early."""


class Unpacking:
    """The packings that a `Content-Encoding` names, outermost last; unknown ones are left on."""

    def __init__(self, encodings: str) -> None:
        names = [name.strip().lower() for name in encodings.split(",")]
        self._packings = [PACKINGS[name]() for name in reversed(names) if name in PACKINGS]

    def of(self, chunk: bytes) -> bytes:
        """What comes out where `chunk` goes in; raises Unreadable."""
        try:
            for packing in self._packings:
                chunk = packing.of(chunk)
        except zlib.error as error:
            raise Unreadable(str(error)) from error
        return chunk

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

    def of(self, chunk: bytes) -> bytes:
        written = []
        while chunk and not self._over:
            if self._member.eof:
                self._over = not GZIP_BEGINS.startswith(chunk[:2])
                self._member = _member()
                continue
            self._begun = True
            written.append(self._member.decompress(chunk))
            chunk = self._member.unused_data
        return b"".join(written)


class _Deflate:
    """With zlib's frame as it should be, or without, as some servers send it."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()
        self._begun = False

    @property
    def whole(self) -> bool:
        return self._stream.eof or not self._begun

    def of(self, chunk: bytes) -> bytes:
        first, self._begun = not self._begun, self._begun or bool(chunk)
        try:
            return self._stream.decompress(chunk)
        except zlib.error:
            if not first:
                raise
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._stream.decompress(chunk)


def _member() -> "zlib._Decompress":
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


PACKINGS: dict[str, type[_Gzip] | type[_Deflate]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
}
