"""PostgresLoader: writes one sync's rows into one table."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg

from sync_platform.destination import rejects
from sync_platform.destination.carefully import Careful, refuses_rows
from sync_platform.destination.columns import RowEncoder
from sync_platform.destination.landing import Landing
from sync_platform.destination.lines import Lines
from sync_platform.destination.merge import BY_INDEX, END_NEW, arrays, statements
from sync_platform.destination.progress import ProgressRow
from sync_platform.destination.rejects import StillRejected
from sync_platform.destination.seen import Seen
from sync_platform.destination.sessions import Connection, translated
from sync_platform.destination.tables import renew
from sync_platform.destination.taking import Taken, Taking
from sync_platform.destination.unmarked import Unmarked
from sync_platform.destination.whose import Whose
from sync_platform.engine.destination import Progress, Sealed
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.errors import SyncPlatformError
from sync_platform.spec import Page

T = TypeVar("T")
CANCEL_SECONDS = 5.0  # how long the server may take to hear that a commit is to give up


class PostgresLoader:
    """Writes one sync's rows into one table.

    Whoever takes pages in touches only `_taking`; whoever commits, only what was sealed, the
    connection and what is known of its session. A loader that never began a sync writes rows and
    leaves the progress of others alone: that is how a single record that was pushed gets into the
    table.
    """

    def __init__(
        self,
        connection: Connection,
        landing: Landing,
        sync: str,
        *,
        account: str | None = None,
        known_only: bool = False,
    ) -> None:
        """With `known_only` it writes into rows that are there, and makes none. `account` is whose
        data it writes."""
        self._known_only = known_only
        self._connection, self._landing, self._sync = connection, landing, sync
        keys = landing.table.keys
        encode = RowEncoder(landing.columns, keys, landing.more)
        self._taking = Taking(encode)
        self._sql = statements(landing, encode.order)
        self._progress = ProgressRow(connection, landing)
        self._whose = Whose(connection, landing, account)
        self._seen = Seen(connection, landing, self._sql)
        self._encode = encode
        self._still_rejected = StillRejected(
            connection, landing, self._identity, refresh=known_only
        )
        self._unmarked = Unmarked(self._identity)
        self._mode: SyncMode | None = None  # None: it has not begun
        self._left: tuple[str | None, ...] = ()  # the sync whose progress it found, once it looked
        self._by_index = self._staging = False  # whether the session has them
        self._only_new: bool | None = None  # the table was empty, and no key has come twice
        self.told = landing.told

    def progress(self) -> Progress | None:
        """What an interrupted sync of this table left; None where none did. Where rows or values
        were lost, or the keys that it had seen with the server, it is a full sync whose position is
        None: nothing of it is done yet."""
        with self._doing("reading the progress"):
            found = self._progress.read()
            self._left = (found[0].sync if found else None,)
            if found is None:
                return None
            progress, seen = found
            begun = progress.mode is SyncMode.FULL and progress.sync != ""
            lost = begun and self._seen.count() != seen
            return replace(progress, position=None) if lost else progress

    def begin(self, progress: Progress, *, resume: bool) -> None:
        """Take the table over for `progress.sync`. Without `resume`, forget earlier progress."""
        with self._doing("beginning the sync"):
            try:
                self._begin(progress, resume=resume)
            except pg.UndefinedColumn:
                renew(self._connection, self._landing.table.schema)
                self._begin(progress, resume=resume)
        self._mode, self._sync, self._left = progress.mode, progress.sync, (progress.sync,)

    def _begin(self, progress: Progress, *, resume: bool) -> None:
        with self._connection.transaction():
            sync, before = self._progress.lock()
            if self._left and self._left != (sync,):  # somebody has begun since we looked
                raise self._progress.lost()
            resumed = resume and before is progress.mode
            if progress.mode is SyncMode.FULL:
                self._seen.make(anew=not resumed)
            elif before is SyncMode.FULL:
                self._seen.drop()
            self._whose.accounts = self._progress.take(progress, goes_on=resumed)

    @property
    def has_others(self) -> bool:
        """Whether the rows may hold values of another account than the one that it reads, too."""
        return self._whose.has_others

    def write(self, page: Page) -> None:
        """Take a page in; it is not in the table until commit."""
        self._taking.write(page)

    @property
    def pending(self) -> int:
        """Bytes taken in and not yet sealed."""
        return self._taking.pending

    def seal(self) -> Taken:
        """What was taken in since the last seal, for a commit. Nothing is pending afterwards."""
        return self._taking.seal()

    def commit(self, progress: Progress, sealed: Sealed | None = None) -> Counts:
        """Merge what was sealed (if None: what is pending) and keep `progress`, in one transaction.
        Rows that break what people built on the table are rejected, and so are marks of deletion.

        Raises LeaseLost if another sync has taken the table over, StoreUnavailable if Postgres is
        gone, RowDoesNotFit if so many rows were refused that it is no matter of single values; then
        nothing of it is in the table.
        """
        taken = self.seal() if sealed is None else sealed
        assert isinstance(taken, Taken)
        return self._or_carefully(lambda careful: self._commit(progress, taken, careful))

    def _commit(self, progress: Progress, taken: Taken, careful: Careful | None) -> Counts:
        lines, gone, rejected = taken.lines, taken.gone, taken.rejected
        full = self._mode is SyncMode.FULL
        # Of a rejected record the row stays as it is, unless it may be another account's.
        spared = full and not self.has_others
        # Few statements: while records stream by, each waits for its turn with Python twice.
        with self._doing("loading rows"), self._connection.transaction():
            if self._mode is not None:
                seen = len(lines) if full else 0
                seen += len(taken.rejected_keys) if spared else 0
                self._progress.keep(progress, seen=seen)
            was_empty = bool(lines) and self._whose.comes_to_others and self.is_empty()
            created = updated = deleted = 0
            if (lines or gone) and not self._by_index:
                self._connection.execute(BY_INDEX)
            if lines and careful is None:
                created, updated = self._load(lines)
            elif lines and careful is not None:
                created, updated, deleted = self._load_carefully(taken, careful)
                if careful.rejected_keys and spared:
                    self._seen.keep(arrays(careful.rejected_keys.values()))
                elif careful.rejected_keys and full:
                    self._progress.keep(progress, seen=-len(careful.rejected_keys))
            refused = len(careful.rejected_keys) if careful is not None else 0
            accounts = self._whose.comes(
                taken=len(lines) - refused, written=created + updated, was_empty=was_empty
            )
            if gone and careful is None:
                deleted = self._mark_gone(arrays(gone.values()))
            elif gone and careful is not None:
                deleted += careful.mark(gone.values(), self._mark_gone)
            if careful is not None:
                rejected = rejected + careful.rejected
            if spared and taken.rejected_keys:  # they exist
                self._seen.keep(arrays(taken.rejected_keys.values()))
            self._still_rejected.take_out((lines, gone), rejected)
            if rejected:
                asked = self._connection, self._landing, self._sync
                rejects.keep(*asked, rejected, refresh=self._known_only)
        self._whose.accounts = accounts
        self._still_rejected.add(rejected)
        unmarked = careful.unmarked if careful is not None else []
        self._unmarked.add(unmarked)
        self._by_index = self._by_index or bool(lines or gone)
        staged = careful is not None or not self._only_new
        self._staging = self._staging or (bool(lines) and staged)
        return Counts(
            fetched=taken.fetched + len(unmarked),
            created=created,
            updated=updated,
            deleted=deleted,
            rejected=len(rejected),
        )

    def cancel(self) -> None:
        """Have the commit that runs in another thread give up what it is at, and raise."""
        with suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    def reconcile(self, *, lookback: timedelta, most: float | None) -> Counts | None:
        """Mark as deleted what this (full) sync did not see and was last written `lookback` before
        it began, or earlier. None, having marked nothing, where a record came since then that may
        be any of them. Rows where Postgres refuses the mark are rejected, and left as they are.

        Raises TooManyDeletes, having marked nothing, if more than the share `most` (0 to 1) of the
        live rows would go, or any of them although nothing was read. `most=None`: no guard. Raises
        LeaseLost, IncompleteRead where the keys that were seen are not all there any more, and
        RowDoesNotFit if so many marks were refused that it is no matter of single rows.
        """
        self._unmarked.rows = ()
        return self._or_carefully(lambda careful: self._reconcile(lookback, most, careful))

    def _reconcile(
        self, lookback: timedelta, most: float | None, careful: Careful | None
    ) -> Counts | None:
        with self._doing("reconciling"), self._connection.transaction():
            kept, began_at = self._progress.hold(self._sync)
            before = began_at - lookback
            whole = self._mode is SyncMode.FULL and self._seen.count() == kept
            asked = self._connection, self._landing, self._sync
            if whole and rejects.any_unknown(*asked, began_at):
                return None
            going = self._seen.reconcile(
                before=before, most=most, seen=kept if whole else None, careful=careful
            )
            self._still_rejected.forget_before(began_at)
            refused = self._unmarked.others(careful)
            if refused:
                rejects.keep(*asked, refused)
        self._unmarked.rows = frozenset(careful.unmarked) if careful is not None else ()
        return Counts(fetched=len(refused), deleted=going, rejected=len(refused))

    def clear_others(self) -> Counts:
        """After a full read was reconciled: take out of all rows what they hold in columns that
        this sync does not write. These are values of another account, whose place this one took;
        from here on the rows hold values of this one alone, unless Postgres refused to change one,
        now or when it was to be marked as deleted. Those are rejected, and left as they are.

        Raises LeaseLost, and RowDoesNotFit if so many were refused that it is no matter of single
        rows.
        """
        return self._or_carefully(self._clear_others)

    def _clear_others(self, careful: Careful | None) -> Counts:
        with self._doing("taking out another account's values"), self._connection.transaction():
            self._progress.hold(self._sync)
            self._whose.clear(careful)
            refused = self._unmarked.others(careful)
            if refused:
                rejects.keep(self._connection, self._landing, self._sync, refused)
            alone = not (self._unmarked.rows or (careful is not None and careful.unmarked))
            accounts = self._whose.stays_alone() if alone else self._whose.accounts
        self._whose.accounts = accounts
        return Counts(fetched=len(refused), rejected=len(refused))

    def finish(self) -> None:
        """The sync ended well: forget its progress, unless another sync has taken over."""
        full = self._mode is SyncMode.FULL
        with self._doing("finishing"), self._connection.transaction() if full else nullcontext():
            if self._progress.forget(self._sync) and full:
                self._seen.drop()

    def is_empty(self) -> bool:
        """Whether the table has no rows, not even deleted ones."""
        with self._doing("looking for rows"):
            return bool(self._row(self._sql.is_empty)[0])

    def rows(self) -> int:
        """How many live rows the table has now."""
        with self._doing("counting rows"):
            return int(self._row(self._sql.count_live)[0])

    # -- the steps ---------------------------------------------------------------------------

    def _or_carefully(self, do: Callable[[Careful | None], T]) -> T:
        """What it gives; where Postgres refuses rows, at the second time, which is careful."""
        try:
            return do(None)
        except SyncPlatformError as error:
            if not refuses_rows(error):
                raise
            careful = Careful(self._connection, self._landing, error)
        return do(careful)

    def _identity(self, key: Sequence[str]) -> Hashable:
        return self._encode.key(key).identity

    def _doing(self, what: str) -> AbstractContextManager[None]:
        table = self._landing.table
        return translated(f"{what} of {table.schema}.{self._landing.name}")

    def _row(self, statement: bytes, values: Sequence[Any] | None = None) -> tuple[Any, ...]:
        row = self._connection.execute(statement, values).fetchone()
        assert row is not None
        return row

    def _load(self, lines: Lines) -> tuple[int, int]:
        """How many rows were created and updated."""
        if self._only_new is None:
            # Not where only rows that are there count, nor where keys are taken from staging.
            able = not self._known_only and self._mode is not SyncMode.FULL
            self._only_new = able and self.is_empty()
        if self._only_new:
            try:
                with self._connection.transaction():
                    return self._copy(self._sql.copy_new, lines.texts(END_NEW)), 0
            except (pg.UniqueViolation, pg.FeatureNotSupported):
                self._only_new = False  # a key came again, or the table has row security forced
        self._make_staging()
        return self._merge(lines.texts())

    def _load_carefully(self, taken: Taken, careful: Careful) -> tuple[int, int, int]:
        """How many rows were created, updated and, where others were refused, marked as deleted
        already: what a gone record had may be another's now. A record that came, and is gone, is
        marked once its row is there."""
        gone = taken.gone
        marked = 0

        def free(left: Sequence[bytes]) -> int:
            nonlocal marked
            to_come = {self._identity(careful.key(line)) for line in left}
            keys = [key for identity, key in gone.items() if identity not in to_come]
            marked = careful.mark(keys, self._mark_gone, first=True)
            return marked

        self._make_staging()
        loaded = careful.load(taken.lines, self._stage, self._merge, free if gone else None)
        return *loaded, marked

    def _make_staging(self) -> None:
        if not self._staging:
            self._connection.execute(self._sql.make_staging)

    def _mark_gone(self, keys: list[list[str]]) -> int:
        return self._connection.execute(self._sql.mark_gone, keys).rowcount

    def _merge(self, texts: Iterable[bytes]) -> tuple[int, int]:
        """How many rows were created and updated, through the staging table."""
        self._stage(texts)
        if self._known_only:
            return 0, self._connection.execute(self._sql.refresh).rowcount
        merge = self._sql.merge_and_see if self._mode is SyncMode.FULL else self._sql.merge
        created, updated = self._row(merge)
        return created, updated

    def _stage(self, texts: Iterable[bytes]) -> int:
        return self._copy(self._sql.copy, texts)

    def _copy(self, statement: bytes, texts: Iterable[bytes]) -> int:
        """How many rows came in: a trigger of somebody's may keep some out."""
        cursor = self._connection.cursor()
        with cursor.copy(statement) as copy:
            for text in texts:
                copy.write(text)
        return cursor.rowcount
