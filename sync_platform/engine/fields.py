"""The fields a sync goes by, and when it asks the vendor for them anew: what it knows of them may
be a day old."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sync_platform.spec import Field, Row


@dataclass(frozen=True)
class Found:
    """Fields; `anew` are those that the vendor has told just now, or that are declared: of
    `declared` ones the vendor tells nothing."""

    fields: Sequence[Field]
    anew: bool = True
    declared: bool = False

    @property
    def names(self) -> set[str]:
        """What they are called."""
        return {it.name for it in self.fields}


class FieldsMoved(Exception):
    """The vendor has other fields by now than the sync went by: it begins again with those."""

    def __init__(self, found: Found) -> None:
        super().__init__("The vendor's fields have changed.")
        self.found = found


class Doubt:
    """Asks for the fields anew where pages make one doubt those that a sync goes by.

    A field that no record of a page has may be empty in all of them, where vendors leave such out,
    or it is gone at the vendor. Then its column must keep its values, which only we have by now.
    Only what the vendor tells after it gave the page says which: fields go while a sync reads, too.
    """

    def __init__(self, found: Found, ask: Callable[[], Found]) -> None:
        self._found, self._ask = found, ask
        self._names = set() if found.declared else found.names
        self._lacked = set[str]()  # by a page since the vendor was last asked

    def look(self, rows: Sequence[Row]) -> None:
        """Note what none of these rows of a page has."""
        self._lacked |= lacking(self._names - self._lacked, rows)

    def prove(self) -> None:
        """Raises FieldsMoved where a field that a page lacked is gone. To be called before what was
        looked at is committed."""
        if not self._lacked:
            return
        lacked, self._lacked = self._lacked, set()
        if lacked - (now := self._ask()).names:
            raise FieldsMoved(now)

    def resolve(self) -> None:
        """Raises FieldsMoved where the fields are others by now: a full read goes by those."""
        if not self._found.anew and list((now := self._ask()).fields) != list(self._found.fields):
            raise FieldsMoved(now)


def lacking(names: set[str], rows: Sequence[Row]) -> set[str]:
    """Those of the names that none of the rows has; none of them where there are no rows."""
    missing = names
    told = False
    for row in rows:
        if isinstance(row, Mapping):
            told = True
            missing = missing.difference(row)
            if not missing:
                break
    return missing if told else set()
