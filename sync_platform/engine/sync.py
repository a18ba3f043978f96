"""One sync: planned by the platform, run once. `Sync.run` is the heart of the house."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sync_platform.engine import filters, naming, ways
from sync_platform.engine.attempt import Attempt
from sync_platform.engine.destination import Destination, Progress, Table
from sync_platform.engine.fields import FieldsMoved, Found
from sync_platform.engine.heartbeat import beating
from sync_platform.engine.modes import SyncMode, SyncWindow, window_for
from sync_platform.engine.ports import (
    Clock,
    Cursors,
    History,
    Leases,
    SyncRecord,
    Terms,
    VendorApi,
    by_ctrl_c,
)
from sync_platform.engine.recording import Continued, unexpected
from sync_platform.engine.results import Counts, SchemaChange, SyncResult, Target
from sync_platform.errors import SyncPlatformError, UnexpectedResponse, VendorUnavailable
from sync_platform.spec import ConnectorObject, Field

COMMIT_BYTES = 4_000_000  # a batch of rows as COPY text; another fills while it is committed
COMMIT_SECONDS = 2.0  # a slow vendor's rows are seen, and kept, after so long
CHANGING = (
    "The vendor's fields of {} keep changing while they are read. They are read again later; the "
    "columns of fields that went keep their values."
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
    find_fields: Callable[[VendorApi, bool], Found]  # from the catalog, or (if True) asked anew
    cursors: Cursors
    history: History
    leases: Leases
    clock: Clock
    account: str | None = None  # whose data it is
    delete_share: float = 0.5
    # Under the lease: raises where the sync must not start; what it goes by, if not as planned.
    check: Callable[[], Terms | None] = lambda: None
    keep: Callable[[Sequence[SchemaChange]], Sequence[SchemaChange]] = lambda it: it  # gives news
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

    def tell(self, sentence: str) -> None:
        """Tell whoever watches."""
        self.on_progress(sentence, Counts())

    def run(self, into: Destination) -> SyncResult:
        """Read every page and load it. History gets its row whatever happens; the cursor follows
        the rows. Raises what stopped it, after history has it."""
        with self.leases.hold(self.target, wait=self.request.wait):
            terms = self.check()
            if terms is not None:  # people may have changed their minds while it waited
                self.account, self.settings = terms.account, terms.settings
                self.filters = terms.filters
            started_at = self.clock.now()
            cursor = self.cursors.get(self.target)
            mode, why = ways.mode_for(self.obj, self.request.mode, cursor, started_at)
            if why:
                self.tell(why)
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
                blaming = filters.blaming(self.obj, self.filters)
                with recording as record, unexpected(self.table.label), blaming:
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
        """Read with the fields that are known, and once more where the vendor has others by now:
        it says so by refusing what is asked, or by records that lack some."""
        fresh = Progress(sync=record.id, mode=mode, window=window, started_at=started_at, shape="")
        api = self.open_api()
        try:
            found = self.find(api, record, anew=mode is SyncMode.FULL)
            try:
                Attempt(self, record, fresh, found, api).run(into)
                return
            except FieldsMoved as moved:
                now = moved.found
            except UnexpectedResponse:
                others = None if found.anew else self._others(found, record)
                if others is None:
                    raise
                now = others
        finally:
            api.close()
        self.tell(f"The vendor has other fields of {self.obj.name} by now: reading with those.")
        record, api = Continued(record, api.usage), self.open_api()
        try:
            Attempt(self, record, fresh, now, api).run(into)
        except FieldsMoved:
            raise VendorUnavailable(CHANGING.format(self.obj.name)) from None
        finally:
            api.close()

    def find(self, api: VendorApi, record: SyncRecord, *, anew: bool) -> Found:
        """The fields, the key's at least; `anew` from the vendor."""
        with beating(lambda: record.beat(api.usage)):
            found = self.find_fields(api, anew)
        return replace(found, fields=naming.with_key(self.obj, found.fields))

    def _others(self, known: Found, record: SyncRecord) -> Found | None:
        """The fields that the vendor has by now, if they are others than those that are known."""
        api = self.open_api()
        try:
            found = self.find(api, record, anew=True)
        except SyncPlatformError:  # what stopped the sync says more
            return None
        finally:
            api.close()
        return found if found.names != known.names else None
