"""The fields a sync goes by, and when it asks the vendor for them anew: what it knows of them may
be a day old."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sync_platform.spec import Field, Row


@dataclass(frozen=True)
class Found:
    """Fields; `anew` are those that the vendor has told just now, or that are declared."""

    fields: Sequence[Field]
    anew: bool = True

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
    """Asks for the fields anew, once, where a page makes one doubt those of the catalog.

    A field that no record of a page has may be empty in all of them, where vendors leave such out,
    or it is gone at the vendor. Then its column must keep its values, which only we have by now.
    """

    def __init__(self, found: Found, ask: Callable[[], Found]) -> None:
        self._found, self._ask, self._sure = found, ask, found.anew

    def look(self, rows: Sequence[Row]) -> None:
        """Raises FieldsMoved where a field that none of these rows has is gone."""
        if self._sure:
            return
        missing = lacking(self._found.names, rows)
        if missing and (missing - (now := self._now()).names):
            raise FieldsMoved(now)

    def resolve(self) -> None:
        """Raises FieldsMoved where the fields are others by now: a full read goes by those."""
        if not self._sure and list((now := self._now()).fields) != list(self._found.fields):
            raise FieldsMoved(now)

    def _now(self) -> Found:
        self._sure = True
        return self._ask()


def lacking(names: set[str], rows: Sequence[Row]) -> set[str]:
    """Those of the names that none of the rows has; none of them where there are no rows."""
    missing = names
    told = False
    for row in rows:
        if isinstance(row, Mapping):
            told = True
            missing = missing - row.keys()
            if not missing:
                break
    return missing if told else set()
