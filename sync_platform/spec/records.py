"""Rows out of records, one by one: what cannot be read of one record ends no sync. The record goes
on whole, and the destination rejects it alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sync_platform.spec.api import Row

# What functions raise that meet a value which they do not expect; our own errors pass.
UNEXPECTED = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)


@dataclass(frozen=True, eq=False, repr=False)  # both would go through the record, however deep
class Unreadable:
    """A record of which no row can be made, and why. It goes where rows go; loaders reject it."""

    record: Any
    why: str

    def get(self, name: str) -> Any:
        """What the record itself has under this name: its key, perhaps, which tells which it is."""
        return self.record.get(name) if isinstance(self.record, Mapping) else None


def rows_from(records: Sequence[Any], make: Callable[[Any], Row]) -> list[Any]:
    """The row that `make` makes of each record; Unreadable where it raises what a function does
    that meets a value which it does not expect. For readers that make rows themselves."""
    try:
        return list(map(make, records))
    except UNEXPECTED:
        return [_row_from(record, make) for record in records]


def _row_from(record: Any, make: Callable[[Any], Row]) -> Any:
    try:
        return make(record)
    except UNEXPECTED as error:
        return Unreadable(record, f"{type(error).__name__}: {error}")
