"""One sync: planned by the platform, run once. `Sync.run` is the heart of the house."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from sync_platform.engine import naming, ways
from sync_platform.engine.batch import Batch
from sync_platform.engine.destination import Destination, Loader, Progress, Table
from sync_platform.engine.heartbeat import beating
from sync_platform.engine.interpreter import streaming
from sync_platform.engine.loading import Loading
from sync_platform.engine.modes import SyncMode, SyncWindow, window_for
from sync_platform.engine.ports import (
    Clock,
    Cursors,
    History,
    Leases,
    SyncRecord,
    VendorApi,
    by_ctrl_c,
)
from sync_platform.engine.position import Position
from sync_platform.engine.position import lost as lost_values
from sync_platform.engine.reading import Reading
from sync_platform.engine.results import Counts, SyncResult, Target
from sync_platform.errors import Refused, SyncPlatformError, TooManyDeletes, Unexpected
from sync_platform.spec import ConnectorObject, Field

COMMIT_BYTES = 4_000_000  # a batch of rows as COPY text; another fills while it is committed
COMMIT_SECONDS = 2.0  # a slow vendor's rows are seen, and kept, after so long
RESUME_WITHIN = timedelta(hours=24)  # older progress is not gone on from: vendors' tokens expire

UNKNOWN = (
    "Not reconciled: a record came that cannot be read and shows no key, so it may be any that was "
    "not seen. Nothing was marked as deleted; the record is in _rejected, with the reason."
)

log = logging.getLogger("sync_platform.sync")


def _log(sentence: str, counts: Counts) -> None:
    log.info(sentence)


@dataclass(frozen=True)
class SyncRequest:
    """What someone asks for: one object, in one mode; `window` is for from-date syncs."""

    target: Target
    mode: SyncMode = SyncMode.INCREMENTAL
    window: SyncWindow = SyncWindow()
    accept_deletes: bool = False  # reconcile whatever share of the table it would delete
    wait: timedelta = timedelta(0)  # how long to wait for another sync of the object to end
    run_id: str | None = None
    automatic: bool = False


@dataclass(kw_only=True)
class Sync:
    """One sync of one object, planned and not yet run."""

    request: SyncRequest
    obj: ConnectorObject
    table: Table
    settings: Mapping[str, str]
    filters: Mapping[str, str]
    open_api: Callable[[], VendorApi]
    find_fields: Callable[[VendorApi], Sequence[Field]]  # from the catalog, or discovered
    cursors: Cursors
    history: History
    leases: Leases
    clock: Clock
    account: str | None = None  # whose data it is
    delete_share: float = 0.5
    check: Callable[[], None] = lambda: None  # raises where the sync must not start
    on_error: Callable[[SyncPlatformError], None] = lambda error: None  # after history has it
    on_success: Callable[[], None] = lambda: None
    on_progress: Callable[[str, Counts], None] = _log  # a sentence, and the counts so far
    canceled: Callable[[BaseException], bool] = by_ctrl_c  # whether a person made it exit so
    commit_bytes: int = COMMIT_BYTES
    commit_seconds: float = COMMIT_SECONDS
    count_rows: bool = False  # afterwards: it reads the whole table, so only for who asks
    result: SyncResult | None = field(default=None, init=False)
    fields: Sequence[Field] = field(default=(), init=False)
    rows_now: int | None = field(default=None, init=False)

    @property
    def target(self) -> Target:
        return self.request.target

    def _tell(self, sentence: str) -> None:
        self.on_progress(sentence, Counts())

    def run(self, into: Destination) -> SyncResult:
        """Read every page and load it. History gets its row whatever happens; the cursor follows
        the rows. Raises what stopped it, after history has it."""
        with self.leases.hold(self.target, wait=self.request.wait):
            self.check()
            started_at = self.clock.now()
            cursor = self.cursors.get(self.target)
            mode, why = ways.mode_for(self.obj, self.request.mode, cursor, started_at)
            if why:
                self._tell(why)
            window = window_for(
                mode,
                cursor=cursor,
                lookback=self.obj.lookback,
                asked=self.request.window,
                started_at=started_at,
            )
            recording = self.history.record(
                self.target,
                mode=mode,
                window=window,
                started_at=started_at,
                run_id=self.request.run_id,
                automatic=self.request.automatic,
                canceled=self.canceled,
            )
            record: SyncRecord | None = None
            try:
                with recording as record:
                    self._run(into, record, mode, window, started_at)
            except SyncPlatformError as error:
                self.on_error(error)
                raise
            finally:
                self.result = record.result if record else None
            self.on_success()
        return record.result

    def _run(
        self,
        into: Destination,
        record: SyncRecord,
        mode: SyncMode,
        window: SyncWindow,
        started_at: datetime,
    ) -> None:
        api = self.open_api()

        def beat() -> None:
            record.beat(api.usage)

        try:
            with beating(beat):
                found = self.find_fields(api)
            self.fields = naming.with_key(self.obj, found)
            if mode is SyncMode.COMPUTED:
                self._refresh(into, record, started_at, api)
                return
            with into.open(self.table, self.fields, sync=record.id) as loader:
                for sentence in loader.told:
                    self._tell(sentence)
                progress = self._begin(loader, record, mode, window, started_at)
                try:
                    self._load(loader, record, progress, api)
                except Unexpected:  # going on from there would likely end there again
                    self._finish(loader, progress, lost=lost_values(progress))
                    raise
                if progress.mode is SyncMode.FULL:
                    most = None if self.request.accept_deletes else self.delete_share
                    # What was written within the lookback may be missing from the vendor's index.
                    settled = progress.started_at - self.obj.lookback
                    try:
                        with beating(beat):
                            counts = loader.reconcile(before=settled, most=most)
                    except TooManyDeletes:
                        loader.finish()  # the next one must read anew, not go on to this same end
                        raise
                    if counts is None:
                        self._tell(UNKNOWN)
                    else:
                        record.add(counts, api.usage)
                        self._tell(f"Reconciled: {counts.deleted:,} no longer there.")
                full = progress.mode is SyncMode.FULL
                self._finish(loader, progress, lost=lost_values(progress) and not full)
                if self.count_rows:
                    self.rows_now = loader.rows()
        finally:
            api.close()

    def _refresh(
        self, into: Destination, record: SyncRecord, started_at: datetime, api: VendorApi
    ) -> None:
        """Read the computed fields of all records into the rows that are there. What an interrupted
        sync left stays for the next one; this one starts over when it is killed."""
        self.fields = ways.computed(self.obj, self.fields)
        with into.open(self.table, self.fields, sync=record.id, known_only=True) as loader:
            progress = Progress(
                sync=record.id,
                mode=SyncMode.COMPUTED,
                window=SyncWindow(),
                started_at=started_at,
                shape=self._shape(),
                position=Position().as_json(),
            )
            self._tell(f"Reading {len(self.fields)} fields of {self.obj.name} again.")
            self._load(loader, record, progress, api)
            if self.count_rows:
                self.rows_now = loader.rows()

    def _begin(
        self,
        loader: Loader,
        record: SyncRecord,
        mode: SyncMode,
        window: SyncWindow,
        started_at: datetime,
    ) -> Progress:
        """Take the table over; go on from what an interrupted sync of the same kind left."""
        left = loader.progress()
        lost = left is not None and (lost_values(left) or self._displaces(left, mode))
        fresh = Progress(
            sync=record.id,
            mode=mode,
            window=window,
            started_at=started_at,
            shape=self._shape(),
            position=Position(lost=lost).as_json(),
        )
        if lost and fresh.mode is SyncMode.INCREMENTAL:
            fresh = replace(fresh, mode=SyncMode.FULL, window=SyncWindow())
            record.resumed(fresh.mode, fresh.window)
        if left is None or not self._continues(left, fresh):
            loader.begin(fresh, resume=False)
            self._tell(f"Reading {self.obj.name}, {fresh.mode.value}, {fresh.window}.")
            return fresh
        going_on = replace(left, sync=record.id)
        loader.begin(going_on, resume=True)
        record.resumed(left.mode, left.window)
        self._tell(f"Going on where an interrupted sync of {left.started_at:%F %T} stopped.")
        return going_on

    def _displaces(self, left: Progress, mode: SyncMode) -> bool:
        """Whether a from-date sync takes the place of the first read of everything, interrupted:
        that must not be forgotten, or what it had not reached would never be read."""
        first = left.window.since is None and self.cursors.get(self.target) is None
        return first and mode is SyncMode.FROM_DATE

    def _finish(self, loader: Loader, progress: Progress, *, lost: bool) -> None:
        """Forget the progress; where values are still lost, leave the full read that is due."""
        if not lost:
            loader.finish()
            return
        due = replace(progress, mode=SyncMode.FULL, window=SyncWindow(), position=None)
        loader.begin(due, resume=False)

    def _continues(self, left: Progress, fresh: Progress) -> bool:
        """Whether to go on from there. An incremental sync goes on with an interrupted full one:
        that reads all that it would read, and must not lose its place to it."""
        asked_for_less = left.mode is SyncMode.FULL and fresh.mode is SyncMode.INCREMENTAL
        if left.position is None or left.shape != fresh.shape:
            return False
        if left.mode is not fresh.mode and not asked_for_less:
            return False
        if fresh.started_at - left.started_at > RESUME_WITHIN:
            return False
        if fresh.mode is SyncMode.FROM_DATE:
            return left.window == fresh.window
        return left.mode is SyncMode.FULL or left.window.since == fresh.window.since

    def _shape(self) -> str:
        names = sorted(each.name for each in self.fields)
        filters, settings = sorted(self.filters.items()), sorted(self.settings.items())
        # The step, because a position counts the steps: of longer ones it would skip some.
        asked = repr((names, filters, settings, self.account, self.obj.step))
        return blake2b(asked.encode(errors="replace"), digest_size=8).hexdigest()

    def _load(self, loader: Loader, record: SyncRecord, progress: Progress, api: VendorApi) -> None:
        limits = self.commit_bytes, self.commit_seconds
        batch = Batch(loader, record, progress, api, self.on_progress, *limits)
        reading = Reading(
            obj=self.obj,
            fields=self.fields,
            filters=self.filters,
            settings=self.settings,
            mode=progress.mode,
            started_at=progress.started_at,
            api=api,
        )
        loading = Loading(
            target=self.target,
            reading=reading,
            batch=batch,
            cursors=self.cursors,
            tell=self._tell,
        )
        with streaming(), batch.closing():
            loading.load()


def refuse_impossible(request: SyncRequest, obj: ConnectorObject, label: str) -> SyncRequest:
    """The request, in a mode that the object can do; raises Refused where there is none.

    An incremental sync of an object without a cursor is a full one; a from-date one is refused.
    """
    if obj.incremental or request.mode in (SyncMode.FULL, SyncMode.COMPUTED):
        return request
    if request.mode is SyncMode.FROM_DATE:
        raise Refused(
            f"{label} {obj.name} can only be synced in full: {label} does not tell when they "
            "change. Ask for a full sync instead."
        )
    return replace(request, mode=SyncMode.FULL)
