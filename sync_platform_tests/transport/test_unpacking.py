import gzip
import zlib
from collections.abc import Callable

import pytest

from sync_platform.transport.unpacking import PIECE, Unpacking, Unreadable
from sync_platform_tests.transport.test_exchange import raw_deflate

BODY = b"id,name\n1,Ada\n2,Bob\n" * 1000
PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
]


def unpacked(encodings: str, packed: bytes, piece: int = 7) -> bytes:
    """What comes out where so many bytes come at a time."""
    unpacking = Unpacking(encodings)
    pieces = [packed[at : at + piece] for at in range(0, len(packed), piece)]
    body = b"".join(some for each in pieces for some in unpacking.of(each))
    unpacking.end()
    return body


@pytest.mark.parametrize(("encodings", "pack"), PACKED)
def test_what_was_packed_comes_out_however_it_is_cut(
    encodings: str, pack: Callable[[bytes], bytes]
) -> None:
    for piece in (1, 2, 7, 1000, len(BODY)):
        assert unpacked(encodings, pack(BODY), piece) == BODY


@pytest.mark.parametrize(("encodings", "pack"), PACKED)
def test_what_ends_too_early_is_no_answer_wherever_it_was_cut(
    encodings: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(BODY)
    for kept in range(1, len(packed)):
        with pytest.raises(Unreadable):
            unpacked(encodings, packed[:kept])


def test_gzip_may_come_in_several_members() -> None:
    packed = gzip.compress(BODY) + gzip.compress(b"3,Eve\n")
    for piece in (1, 7, len(packed)):
        assert unpacked("gzip", packed, piece) == BODY + b"3,Eve\n"
    with pytest.raises(Unreadable, match="ends too early"):
        unpacked("gzip", packed[:-3])


def test_what_follows_the_last_member_does_not_count() -> None:
    for piece in (1, 7, 10_000):
        assert unpacked("gzip", gzip.compress(BODY) + b"\0" * 512, piece) == BODY


def test_few_bytes_that_hold_many_are_unpacked_piece_by_piece() -> None:
    bomb = gzip.compress(gzip.compress(bytes(64 * PIECE)))
    assert len(bomb) < 1000
    pieces = Unpacking("gzip, gzip").of(bomb)
    assert [len(next(pieces)) for _ in range(3)] == [PIECE] * 3
    assert sum(map(len, pieces)) == 61 * PIECE


def test_nothing_at_all_is_whole() -> None:
    assert unpacked("gzip", b"") == unpacked("deflate", b"") == b""


def test_an_unknown_packing_stays_on() -> None:
    assert unpacked("br", b"as it came") == b"as it came"
    assert unpacked("br, gzip", gzip.compress(b"as it came")) == b"as it came"


def test_what_was_never_packed_is_unreadable() -> None:
    for encodings in ("gzip", "deflate"):
        with pytest.raises(Unreadable):
            unpacked(encodings, b"not packed")
