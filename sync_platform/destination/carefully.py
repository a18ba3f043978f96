"""A batch that Postgres would not take, loaded once more: without the rows that break what people
built on the table (an index, a constraint, a computed column, a trigger)."""

from collections.abc import Callable, Hashable, Sequence

import psycopg
from psycopg import errors as pg
from psycopg.sql import SQL

from sync_platform.destination import rejects
from sync_platform.destination.columns import DoesNotFit
from sync_platform.destination.lines import ENDS, Lines, values
from sync_platform.destination.merge import STAGING
from sync_platform.destination.rejects import Rejected
from sync_platform.destination.sessions import Connection
from sync_platform.destination.tables import Landing
from sync_platform.errors import Unexpected

MOST_REFUSED = 100  # rows of a batch; beyond that it is no bad value, but a rule that does not hold
PARTS = 8  # of what was refused; in halves, the same rows would come again more often
SAID = 500  # characters of Postgres' sentence
REFUSALS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    pg.ProgramLimitExceeded,  # too long for an index
    pg.RaiseException,  # a trigger's own words
)
AT_ONCE = "SET CONSTRAINTS ALL IMMEDIATE"  # deferred ones would refuse the commit, and tell no row
# A DELETE leaves what each later statement reads past; a TRUNCATE takes longer than a small part.
EMPTY = SQL("DELETE FROM {}").format(STAGING)
EMPTY_ALL = SQL("TRUNCATE {}").format(STAGING)
LEFT = 2000  # lines


def refuses_rows(error: Unexpected) -> bool:
    """Whether a batch failed by what is in its rows, so that the others may be loaded."""
    return isinstance(error.__cause__, REFUSALS)


class Careful:
    """One batch's rows, in a transaction that its caller has open; used once."""

    def __init__(self, connection: Connection, landing: Landing, because: Unexpected) -> None:
        """`because` is what the batch failed with."""
        self._connection, self._landing, self._because = connection, landing, because
        self._created = self._updated = self._left = 0
        self.rejected: list[Rejected] = []
        self.rejected_keys: dict[Hashable, tuple[str, ...]] = {}

    def load(
        self, lines: Lines, merge: Callable[[Sequence[bytes]], tuple[int, int]]
    ) -> tuple[int, int]:
        """How many rows were created and updated by `merge`, which takes texts of lines through a
        staging table that is there. What was refused is in `rejected` and `rejected_keys`.

        Raises what the batch failed with where more than MOST_REFUSED rows are refused.
        """
        self._connection.execute(AT_ONCE)
        coming = lines.singly()
        # Those that were refused come again while it helps: what they refer to, or what had the
        # value that they have now, may have been in a later part.
        while len(refused := self._parts(coming, merge)) not in (0, len(coming)):
            coming = [line for line, _ in refused]
        for line, said in refused:
            self._reject(line, said)
        return self._created, self._updated

    def _parts(
        self, lines: Sequence[bytes], merge: Callable[[Sequence[bytes]], tuple[int, int]]
    ) -> list[tuple[bytes, str]]:
        """Load them in ever smaller parts; the lines that are refused by themselves, and what
        Postgres said."""
        refused: list[tuple[bytes, str]] = []
        waiting = [lines]
        while waiting:
            part = waiting.pop()
            self._left += len(part)  # refused or not
            try:
                with self._connection.transaction():
                    created, updated = merge([ENDS.join([*part, b""])])
                    self._connection.execute(EMPTY if self._left < LEFT else EMPTY_ALL)
            except REFUSALS as error:
                if len(part) > 1:
                    size = -(-len(part) // PARTS)
                    starts = range(0, len(part), size)
                    waiting += [part[it : it + size] for it in reversed(starts)]
                    continue
                # Not its detail, which may show other rows.
                refused.append((part[0], error.diag.message_primary or str(error)))
            else:
                self._created += created
                self._updated += updated
                self._left = 0 if self._left >= LEFT else self._left
            if len(refused) > MOST_REFUSED:
                raise self._because
        return refused

    def _reject(self, line: bytes, said: str) -> None:
        """The record as its fields' texts: what the vendor sent is not kept as long."""
        fields = [column.field for column in self._landing.columns]
        fields += ["_more"] if self._landing.more else []
        record = dict(zip(fields, values(line), strict=True))
        key = tuple(record[it] or "" for it in self._landing.table.keys)
        self.rejected_keys[key] = key
        said = said[:SAID].encode("ascii", "backslashreplace").decode()
        why = DoesNotFit(f"Postgres would not take the row: {said}.")
        self.rejected.append(rejects.rejected(record, key, why))
