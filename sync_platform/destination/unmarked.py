"""Rows that Postgres would not mark as deleted, so that one sync rejects each once."""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from contextlib import suppress

from sync_platform.destination.carefully import Careful
from sync_platform.destination.columns import DoesNotFit
from sync_platform.destination.rejects import Rejected


class Unmarked:
    """Those of one table. `rows` are the keys of those that were not seen, as Postgres tells them;
    the others are known by what the vendor said."""

    def __init__(self, identity: Callable[[Sequence[str]], Hashable]) -> None:
        """`identity` tells a key's, of its texts; raises DoesNotFit."""
        self._identity = identity
        self._gone: set[Hashable] = set()
        self.rows: Collection[Sequence[str]] = ()

    def add(self, keys: Iterable[Sequence[str]]) -> None:
        """The vendor said that these are gone."""
        self._gone.update(map(self._identity, keys))

    def others(self, careful: Careful | None) -> list[Rejected]:
        """What was rejected by now, but for these."""
        if careful is None:
            return []
        each = zip(careful.unmarked, careful.rejected, strict=True)
        return [it for key, it in each if not (key in self.rows or self._is_gone(key))]

    def _is_gone(self, key: Sequence[str]) -> bool:
        with suppress(DoesNotFit):  # a row that somebody put there, with a key that we would not
            return self._identity(key) in self._gone
        return False
