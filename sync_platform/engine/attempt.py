"""One attempt of a sync: all that it reads, with the fields that are known. There is a second one
where the vendor has other fields by now."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from sync_platform.engine import filters, ways
from sync_platform.engine.batch import Batch
from sync_platform.engine.destination import Destination, Loader, Progress
from sync_platform.engine.fields import Doubt, Found
from sync_platform.engine.heartbeat import beating
from sync_platform.engine.interpreter import streaming
from sync_platform.engine.loading import Loading
from sync_platform.engine.modes import SyncMode, SyncWindow, window_for
from sync_platform.engine.ports import SyncRecord, VendorApi
from sync_platform.engine.position import Position, lost
from sync_platform.engine.reading import Reading
from sync_platform.engine.results import SyncStatus
from sync_platform.engine.turn import give_back, take_over
from sync_platform.errors import TooManyDeletes, Unexpected

if TYPE_CHECKING:
    from sync_platform.engine.sync import Sync

UNKNOWN = (
    "Not reconciled: a record came that cannot be read and shows no key, or whose key does not "
    "fit, so it may be any that was not seen. Nothing was marked as deleted; the record is in "
    "_rejected, with the reason."
)


class Attempt:
    """Reads what `fresh` says, or what an interrupted sync left of it, into the sync's table."""

    def __init__(
        self, sync: "Sync", record: SyncRecord, fresh: Progress, found: Found, api: VendorApi
    ) -> None:
        self._sync, self._record, self._api = sync, record, api
        self._fields = found.fields
        self._computed = fresh.mode is SyncMode.COMPUTED
        if self._computed:
            self._fields = ways.computed(sync.obj, found.fields)
        sync.fields = self._fields
        asked = replace(found, fields=self._fields)
        self._doubt = Doubt(asked, lambda: sync.find(api, record, anew=True))
        self._fresh = replace(fresh, shape=self._shape())

    def run(self, into: Destination) -> None:
        """Raises FieldsMoved where the vendor has other fields by now, and what stops the sync."""
        sync = self._sync
        with ExitStack() as stack:
            with beating(self._beat):
                opened = into.open(
                    sync.table,
                    self._fields,
                    sync=self._record.id,
                    account=sync.account,
                    known_only=self._computed,
                )
                loader = stack.enter_context(opened)
            for change in sync.keep(loader.told):
                sync.tell(str(change))
            if self._computed:
                self._refresh(loader)
            else:
                self._read(loader)
            if sync.count_rows:
                with beating(self._beat):
                    sync.rows_now = loader.rows()

    def _beat(self) -> None:
        self._record.beat(self._api.usage)

    def _shape(self) -> str:
        sync = self._sync
        names = sorted((each.name, each.id or "") for each in self._fields)
        chosen, settings = sorted(sync.filters.items()), sorted(sync.settings.items())
        # The step, because a position counts the steps: of longer ones it would skip some.
        asked = repr((names, chosen, settings, sync.account, sync.obj.step))
        return blake2b(asked.encode(errors="replace"), digest_size=8).hexdigest()

    def _refresh(self, loader: Loader) -> None:
        """Read the computed fields of all records into the rows that are there. What an interrupted
        sync left stays for the next one; this one starts over when it is killed."""
        self._sync.tell(f"Reading {len(self._fields)} fields of {self._sync.obj.name} again.")
        self._load(loader, replace(self._fresh, position=Position().as_json()))

    def _read(self, loader: Loader) -> None:
        sync = self._sync
        cursor = sync.cursors.get(sync.target)
        turn = take_over(
            loader,
            self._record,
            self._fresh,
            sync.obj.name,
            cursor,
            sync.tell,
            accepted=sync.request.accept_deletes,
            canceled=self._canceled,
        )
        progress = turn.progress
        if progress.mode is SyncMode.FULL and not turn.went_on:
            self._doubt.resolve()
        progress = self._read_all(loader, progress)
        if turn.went_on and (rest := self._rest(progress)) is not None:
            loader.begin(rest, resume=False)
            if rest.mode is SyncMode.FULL:
                self._record.reads(rest.mode, rest.window, resumed=True)
            elif progress.mode is SyncMode.INCREMENTAL:
                whole = SyncWindow(progress.window.since, rest.window.until)
                self._record.reads(progress.mode, whole, resumed=True)
            progress = self._read_all(loader, rest)
        give_back(loader, progress, lost=lost(progress) and progress.mode is not SyncMode.FULL)

    def _canceled(self, id: str) -> bool:
        """Whether a person canceled the sync of that id, or history does not tell any more."""
        known = self._sync.history.recent(self._sync.target.connection, self._sync.target.object)
        return not any(it.id == id and it.status is not SyncStatus.CANCELED for it in known)

    def _read_all(self, loader: Loader, progress: Progress) -> Progress:
        """Read what the progress says, to its end, and how it stands then; a full read is
        reconciled."""
        try:
            loading = self._load(loader, progress)
        except Unexpected:  # going on from there would likely end there again
            give_back(loader, progress, lost=lost(progress))
            raise
        progress = loading.batch.progress
        if progress.mode is SyncMode.FULL:
            cursor = self._sync.cursors.get(self._sync.target)
            try:
                reconciled = self._reconcile(loader, progress, cursor)
            except TooManyDeletes as error:
                self._save_full(loading, cursor, reconciled=False)
                loader.finish()  # the next one must read anew, not go on to this same end
                raise filters.reminded(error, self._sync.filters) from None
            self._save_full(loading, cursor, reconciled=reconciled)
        return progress

    def _reconcile(self, loader: Loader, progress: Progress, cursor: datetime | None) -> bool:
        """Mark what the full read did not see; whether that could be told. Raises TooManyDeletes
        where a person must allow it."""
        sync = self._sync
        accepted = Position.from_json(progress.position).accepted
        with beating(self._beat):
            # What was written within the lookback may be missing from the vendor's index. Not what
            # was written for another account or by other filters, nor what a person takes for gone:
            # the next sync goes back by as much, and finds what was there.
            others = loader.has_others
            all_of_it = others or accepted or cursor is None
            counts = loader.reconcile(
                lookback=timedelta(0) if all_of_it else sync.obj.lookback,
                most=None if accepted else sync.delete_share,
            )
            if counts is not None and others:
                counts += loader.clear_others()
        if counts is None:
            sync.tell(UNKNOWN)
            return False
        self._record.add(counts, self._api.usage)
        sync.tell(f"Reconciled: {counts.deleted:,} no longer there.")
        return True

    def _save_full(self, loading: Loading, cursor: datetime | None, *, reconciled: bool) -> None:
        """Save the cursor of a full read once what has gone is marked. Where it is not, the vendor
        may tell it to a sync that asks from where the cursor stands, as long as it remembers: the
        read was not owed because it does not, nor would the next be."""
        owed = lost(loading.batch.progress)
        if reconciled or owed or self._next_mode(cursor) is SyncMode.FULL:
            loading.save_cursor()

    def _next_mode(self, cursor: datetime | None) -> SyncMode:
        """The mode that reads all that changed since the cursor."""
        if cursor is None or not self._sync.obj.incremental:
            return SyncMode.FULL
        began = self._fresh.started_at
        return ways.mode_for(self._sync.obj, SyncMode.INCREMENTAL, cursor, began)[0]

    def _rest(self, done: Progress) -> Progress | None:
        """What is left once an interrupted sync was gone on with: what changed since that began, so
        that the table is as the vendor is now; all, where no cursor tells it apart. None where
        nobody asked for that."""
        sync, fresh = self._sync, self._fresh
        cursor = sync.cursors.get(sync.target)
        if done.mode is SyncMode.FROM_DATE or fresh.started_at <= done.started_at:
            return None
        mode = self._next_mode(cursor)
        window = window_for(
            mode,
            cursor=cursor,
            lookback=sync.obj.lookback,
            asked=SyncWindow(),
            started_at=fresh.started_at,
        )
        position = Position(
            lost=lost(done) and done.mode is not SyncMode.FULL,
            accepted=done.position is not None and Position.from_json(done.position).accepted,
        )
        return replace(fresh, mode=mode, window=window, position=position.as_json())

    def _load(self, loader: Loader, progress: Progress) -> Loading:
        """Load what the progress says; how it stands then is the batch's."""
        sync, api = self._sync, self._api
        limits = sync.commit_bytes, sync.commit_seconds, sync.clock.now
        batch = Batch(
            loader, self._record, progress, api, sync.on_progress, *limits, doubt=self._doubt
        )
        reading = Reading(
            obj=sync.obj,
            fields=self._fields,
            filters=sync.filters,
            settings=sync.settings,
            mode=progress.mode,
            started_at=progress.started_at,
            api=api,
        )
        loading = Loading(
            target=sync.target,
            reading=reading,
            batch=batch,
            cursors=sync.cursors,
            tell=sync.tell,
        )
        with streaming(), batch.closing():
            loading.load()
        return loading
