"""How wide a row is at most: none may be wider than a page, or COPY would refuse the batch."""

from collections.abc import Sequence

from sync_platform.spec import FieldType

SAFE_WIDTH = 320  # columns; so many always fit into a Postgres row, however they are filled
# Of the 8,160 of a page, less the row's header (up to 224), the marks of its writing and deletion
# (33), which come later, and a little for people's own columns.
ROW_BYTES = 7800
FIXED: dict[FieldType, int] = {"boolean": 1, "date": 4, "integer": 8, "timestamp": 8}  # bytes
STAYS_INLINE = 21  # bytes with a short header; what is longer is moved out of the row
MOVED_OUT = 18  # bytes that then point to it
COMPRESSED = 24  # bytes at most of what stays after all, because it could be compressed to so few
MOST_COMPRESSED = 16  # different bytes that so few can hold


def row_bytes(filled: Sequence[tuple[FieldType, bytes]]) -> int:
    """The bytes that these cells take in a row at most, in whatever order its columns are."""
    widths = [FIXED.get(type) or _varying(type, it) for type, it in filled]
    by_eight = sum(FIXED.get(type) == 8 for type, _ in filled)
    by_four = widths.count(COMPRESSED) + sum(type == "date" for type, _ in filled)
    anywhere = len(widths) - by_eight - by_four
    # What begins at a multiple of 8 or 4 leaves a gap, if it follows what does not end there.
    gaps = 7 * min(by_eight, len(widths) - by_eight) + 3 * min(by_four, anywhere)
    return sum(widths) + gaps


def _varying(type: FieldType, cell: bytes) -> int:
    """The bytes of a cell of a type without a width of its own; of COPY text, or a few more."""
    if type == "json":
        return COMPRESSED
    # A number has 3 bytes and 2 for every 4 digits, counted from its point.
    width = len(cell) + 1 if type == "text" else 3 + (len(cell) + 5) // 4 * 2
    if width <= STAYS_INLINE:
        return width
    if type == "text" and b"\\" not in cell and len(set(cell)) > MOST_COMPRESSED:
        return MOVED_OUT
    return COMPRESSED
