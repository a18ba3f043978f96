"""Lines of COPY text, kept by key while a batch fills; and what they say."""

import re
from collections.abc import Hashable, Iterator, Sequence
from decimal import Decimal
from itertools import islice

from sync_platform.destination.columns import ascii_json
from sync_platform.spec import FieldType

ENDS = b"\n"  # a line; within one, COPY writes \n as two characters
AT_ONCE = 100_000  # bytes that are given away together, at least, unless there are no more
LINES_AT_ONCE = 500
NULL = "\\N"
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
ESCAPED = re.compile(r"\\(.)")
MEANS = {"n": "\n", "t": "\t", "r": "\r"}


class Lines:
    """Of two lines of one key, the last one wins.

    As long as no key comes twice, what was added together stays so: a line by itself takes more
    time and memory.
    """

    def __init__(self) -> None:
        self._added: list[tuple[Sequence[Hashable], bytes]] = []
        self._keys: set[Hashable] = set()
        self._singly: dict[Hashable, bytes] | None = None  # once a key came twice

    def add(self, keys: Sequence[Hashable], text: bytes) -> None:
        """Lines that all end as lines do, and their keys in the same order."""
        if not keys:
            return
        if self._singly is None:
            coming = set(keys)
            if len(coming) == len(keys) and self._keys.isdisjoint(coming):
                self._keys |= coming
                self._added.append((keys, text))
                return
            self._singly = {}
            for each in self._added:
                self._singly.update(_apart(*each))
            self._added, self._keys = [], set()
        self._singly.update(_apart(keys, text))

    def __len__(self) -> int:
        return len(self._keys) if self._singly is None else len(self._singly)

    def __contains__(self, key: Hashable) -> bool:
        return key in (self._keys if self._singly is None else self._singly)

    def texts(self, end: bytes = ENDS) -> Iterator[bytes]:
        """All the lines, several at a time, each ending in `end`."""
        if self._singly is not None:
            lines = iter(self._singly.values())
            while some := list(islice(lines, LINES_AT_ONCE)):
                yield end.join([*some, b""])
            return
        held: list[bytes] = []
        size = 0
        for _, text in self._added:
            held.append(text if end == ENDS else text.replace(ENDS, end))
            size += len(text)
            if size >= AT_ONCE:
                yield b"".join(held)
                held, size = [], 0
        if held:
            yield b"".join(held)

    def singly(self) -> list[bytes]:
        """The lines, each without its end."""
        if self._singly is not None:
            return list(self._singly.values())
        return [line for each in self._added for _, line in _apart(*each)]


def values(line: bytes) -> list[str | None]:
    """The texts that a line (without its end) is made of; None is NULL."""
    return [
        None if cell == NULL else ESCAPED.sub(lambda it: MEANS.get(it[1], it[1]), cell)
        for cell in line.decode().split("\t")
    ]


def as_json(columns: Sequence[tuple[str, FieldType]], texts: Sequence[str | None]) -> str:
    """The row as a JSON object in ASCII, by the fields and types of its columns. What is beyond
    these is the text of _more: the other fields, in an object already."""
    named = zip(columns, texts[: len(columns)], strict=True)
    fields = [f"{ascii_json(field)}: {_json(type, text)}" for (field, type), text in named]
    fields += [_json("json", more)[1:-1] for more in texts[len(columns) :] if more is not None]
    return f"{{{', '.join(fields)}}}"


def _json(type: FieldType, text: str | None) -> str:
    if text is None:
        return "null"
    if type == "json":
        return NOT_ASCII.sub(lambda it: ascii_json(it[0])[1:-1], text)
    if type in ("integer", "number"):
        return str(Decimal(text))  # 007 is no JSON
    return text if type == "boolean" else ascii_json(text)


def _apart(keys: Sequence[Hashable], text: bytes) -> Iterator[tuple[Hashable, bytes]]:
    """Each line by its key, without its end."""
    return zip(keys, text[: -len(ENDS)].split(ENDS), strict=True)
