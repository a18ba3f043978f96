"""Pages as they are taken in: encoded and kept until they are sealed for a commit."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync_platform.destination import rejects
from sync_platform.destination.columns import DoesNotFit, Key, RowEncoder
from sync_platform.destination.lines import ENDS, Lines
from sync_platform.destination.rejects import GONE, Rejected
from sync_platform.engine.destination import Sealed
from sync_platform.spec import Page, Row, Unreadable

ROWS_AT_ONCE = 1000  # encoded together: a page may be of any size


@dataclass
class Taken(Sealed):
    """What was taken in."""

    lines: Lines = field(default_factory=Lines)
    gone: dict[Hashable, tuple[str, ...]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    rejected_keys: dict[Hashable, tuple[str, ...]] = field(default_factory=dict)
    fetched: int = 0
    size: int = 0  # bytes, about


class Taking:
    """What one loader takes in. Touches no connection."""

    def __init__(self, encode: RowEncoder) -> None:
        self._encode, self._taken = encode, Taken()

    def write(self, page: Page) -> None:
        """Take a page in; it is not in the table until commit."""
        taken = self._taken
        gone = taken.gone
        size = 0
        for start in range(0, len(page.rows), ROWS_AT_ONCE):
            keys, lines = self._encoded(page.rows[start : start + ROWS_AT_ONCE])
            taken.lines.add(keys, lines)
            size += len(lines)
            if gone:
                for key in keys:
                    gone.pop(key, None)
        for values in page.gone:
            try:
                found = self._key(values)
            except DoesNotFit as misfit:
                self._refuse(values, None, DoesNotFit(f"{GONE}. {misfit}"))
                taken.fetched += 1
                continue
            gone[found.identity] = found.texts
            self._no_longer_rejected([found.identity])
            size += sum(map(len, found.texts))
        taken.fetched += len(page.rows)
        taken.size += size

    def _key(self, gone: Any) -> Key:
        """What a gone key says, or a record of which none could be read; raises DoesNotFit."""
        if isinstance(gone, Unreadable):
            return self._encode.key_of(gone)
        return self._encode.key(gone if isinstance(gone, tuple | list) else (gone,))

    def _encoded(self, rows: Sequence[Row]) -> tuple[Sequence[Hashable], bytes]:
        """The keys and lines of the rows that fit; the others are rejected."""
        together = self._encode.together(rows)
        if together is not None:
            self._no_longer_rejected(together[0])
            return together
        keys: list[Hashable] = []
        lines: list[bytes] = []
        for row in rows:
            try:
                key, line = self._encode(row)
            except DoesNotFit as misfit:
                self._reject(row, misfit)
            else:
                keys.append(key)
                lines += (line, ENDS)
                self._no_longer_rejected([key])
        return keys, b"".join(lines)

    @property
    def pending(self) -> int:
        """Bytes taken in and not yet sealed."""
        return self._taken.size

    def seal(self) -> Taken:
        """What was taken in since the last seal, for a commit. Nothing is pending afterwards."""
        taken, self._taken = self._taken, Taken()
        return taken

    def _no_longer_rejected(self, keys: Sequence[Hashable]) -> None:
        """These keys' records came again, and fit or are gone: the last one counts."""
        known = self._taken.rejected_keys
        for texts in [known.pop(key) for key in keys if key in known] if known else ():
            written = rejects.written(texts)
            self._taken.rejected = [it for it in self._taken.rejected if it.key != written]

    def _reject(self, row: Row, misfit: DoesNotFit) -> None:
        try:
            key = self._encode.key_of(row)
        except DoesNotFit:
            self._refuse(row, None, misfit)
        else:
            self._taken.rejected_keys[key.identity] = key.texts
            self._taken.gone.pop(key.identity, None)
            self._refuse(row, key.texts, misfit)

    def _refuse(self, record: object, key: tuple[str, ...] | None, misfit: DoesNotFit) -> None:
        found = rejects.rejected(record, key, misfit)
        self._taken.rejected.append(found)
        self._taken.size += found.size
