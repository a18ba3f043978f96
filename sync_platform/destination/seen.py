"""The keys that a full sync saw, kept in Postgres, and what becomes of rows that it did not see."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from psycopg import errors as pg

from sync_platform.destination import names
from sync_platform.destination.book import actual_columns
from sync_platform.destination.carefully import Careful
from sync_platform.destination.columns import POSTGRES
from sync_platform.destination.landing import Landing
from sync_platform.destination.merge import AS_PLANNED, BY_INDEX, Statements
from sync_platform.destination.sessions import Connection
from sync_platform.errors import IncompleteRead, TooManyDeletes

# How long the table's lock is waited for, which a pg_dump has for hours. An autovacuum that has it
# gives way after deadlock_timeout, a second.
LOCK_TIMEOUT = "2s"
BRIEFLY = f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'".encode()
AS_LONG_AS_EVER = b"SET LOCAL lock_timeout TO DEFAULT"


class Seen:
    """The keys of one table's full sync. Whoever calls has a transaction open, but for `count`."""

    def __init__(self, connection: Connection, landing: Landing, sql: Statements) -> None:
        self._connection, self._landing, self._sql = connection, landing, sql

    def make(self, *, anew: bool) -> None:
        """Make the table, where it is missing; `anew`, it holds no keys then, whoever left it."""
        if not anew:
            self._connection.execute(self._sql.make_seen)
            return
        try:
            self._try(self._sql.drop_seen, self._sql.make_seen)
        except pg.LockNotAvailable:
            self._go_back()
            if not self._fits():
                raise
            self._empty()

    def drop(self) -> None:
        """Drop the table, or leave it empty where somebody has it locked, as a pg_dump has."""
        try:
            self._try(self._sql.drop_seen)
        except pg.LockNotAvailable:
            self._go_back()
            self._empty()

    def _try(self, *statements: bytes) -> None:
        """Execute these, waiting briefly for locks. In a savepoint, and all in one message: that
        costs no more than one statement. Where it raises, go back."""
        parts = (b"SAVEPOINT seen", BRIEFLY, *statements, AS_LONG_AS_EVER, b"RELEASE seen")
        self._connection.execute(b"; ".join(parts))

    def _go_back(self) -> None:
        self._connection.execute("ROLLBACK TO seen; RELEASE seen")

    def _fits(self) -> bool:
        """Whether the table that is there has the columns that it would be made with."""
        schema, name = self._landing.table.schema, names.seen_name(self._landing.name)
        has = {it: a.type for it, a in actual_columns(self._connection, schema, name).items()}
        return has == {it.name: POSTGRES[it.type] for it in self._landing.keys}

    def _empty(self) -> None:
        """A DELETE waits for no reader, where a TRUNCATE would."""
        self._connection.execute(b"; ".join((BRIEFLY, self._sql.empty_seen, AS_LONG_AS_EVER)))

    def keep(self, given: Sequence[list[str]]) -> None:
        """Keep these keys (an array for each key column), beside those that a merge keeps."""
        self._connection.execute(self._sql.see_given, given)

    def count(self) -> int | None:
        """How many are kept; None where the table that holds them is gone."""
        try:
            with self._connection.transaction():
                return self._number(self._sql.count_seen)
        except pg.UndefinedTable:
            return None

    def reconcile(
        self,
        *,
        before: datetime,
        most: float | None,
        seen: int | None,
        careful: Careful | None = None,
    ) -> int:
        """Mark as deleted the rows that were not seen and were last written before `before`; how
        many. With `careful`, those where Postgres refuses it are left as they are.

        `seen` is how many keys came in all, also of records that were rejected; None: not all of
        them are here. Raises IncompleteRead then, and TooManyDeletes where more than the share
        `most` of the live rows would go, or any of them although no key came at all. `most=None`:
        no guard.
        """
        if seen is None:
            raise IncompleteRead(
                f"{self._landing.table.label}: which records the full sync saw is not known any "
                "more, so nothing was marked as deleted. Sync it in full again."
            )
        self._connection.execute(AS_PLANNED)
        going = self._connection.execute(self._sql.find_unseen, [before]).rowcount
        if going and most is not None:
            self._guard(going, most, seen)
        if not going:
            return 0
        self._connection.execute(BY_INDEX)
        if careful is None:
            return self._connection.execute(self._sql.mark_unseen, [before]).rowcount
        marks = self._sql.mark_these_unseen
        return careful.mark(
            self._connection.execute(self._sql.unseen_texts).fetchall(),
            lambda keys: self._connection.execute(marks, [*keys, before]).rowcount,
        )

    def _guard(self, going: int, most: float, seen: int) -> None:
        """Where keys came, live rows are counted no further than it takes to tell: one more than
        `going`, and one more than make that a share of `most`, since 29 / 0.29 * 0.29 is not 29.
        An empty read is refused however few would go: the others may only be too new to be."""
        enough = max(ceil(going / most), going) + 1 if most > 0 and seen else None
        live = self._number(self._sql.count_live_up_to, [enough])
        if seen and going <= most * live:
            return
        label, found = self._landing.table.label, f"{going:,} of {live:,} records"
        why = (
            f"{found} of {label} were not in the full read and would be marked as deleted. That is "
            "more than usual"
            if seen
            else f"The full read of {label} gave no usable record, and {found} would be marked as "
            "deleted"
        )
        raise TooManyDeletes(
            f"{why}, so nothing was marked. If they are really gone, accept the deletes and sync "
            "in full again; if not, look for a permission or a filter that was taken away.",
            evidence={"would_delete": going, "live": live},
        )

    def _number(self, statement: bytes, values: Sequence[object] | None = None) -> int:
        row = self._connection.execute(statement, values).fetchone()
        assert row is not None
        return int(row[0])
