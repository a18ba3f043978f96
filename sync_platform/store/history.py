"""The syncs of every connection: a row each, from its first moment to its end.

The last 50 are kept. Beyond them stay, of each object, the newest five that count for the breaker
and the refusal of a full sync whose deletes wait for a person.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from psycopg import OperationalError
from psycopg.types.json import Jsonb

from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Clock, by_ctrl_c
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.errors import SyncPlatformError
from sync_platform.store.database import Database
from sync_platform.store.history_sql import (
    BREAKER,
    CLOSE,
    COUNTED,
    KNOWN,
    MARK_STALE,
    ONE,
    OPEN,
    PRUNE,
    RECENT,
    REFUSED,
    WAITING,
)
from sync_platform.store.outlasting import PAUSES, outlasting
from sync_platform.store.pool import Session
from sync_platform.store.records import (
    OpenRecord,
    failure,
    fulls_of,
    new_id,
    result_of,
    row_of,
    rows_of,
)

KEPT = 50  # finished syncs of a connection
AWAITED = (SyncStatus.CANCELED, SyncStatus.STOPPED)  # somebody waits for its process to end
BRIEFLY = (0.1, 0.4)  # seconds, between tries to write such an end
STALE_AFTER = timedelta(minutes=5)


class History:
    """The history, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def record(
        self,
        target: Target,
        *,
        mode: SyncMode,
        window: SyncWindow,
        started_at: datetime,
        run_id: str | None = None,
        automatic: bool = False,
        canceled: Callable[[BaseException], bool] = by_ctrl_c,
    ) -> Iterator[OpenRecord]:
        """A row for a sync that begins; closed as succeeded, or as failed by an exception (which
        goes on); by KeyboardInterrupt and other exits as canceled, if `canceled` says that a person
        did it, else as stopped.

        The caller holds the target's lease: another row of it that still says "running" belongs to
        a process that is gone, and is closed as failed. Raises UnknownConnection where the
        connection is not there.
        """
        record = OpenRecord(
            self._database,
            self._clock,
            SyncResult(
                id=new_id(started_at),
                target=target,
                mode=mode,
                window=window,
                status=SyncStatus.RUNNING,
                started_at=started_at,
                heartbeat_at=started_at,
                run_id=run_id,
                automatic=automatic,
            ),
        )
        self._open(record.result)
        try:
            yield record
        except BaseException as error:
            try:
                self._close(record, **failure(error, canceled=canceled))
            except SyncPlatformError as unwritten:
                error.add_note(f"Its end could not be written to the history: {unwritten}")
            raise
        self._close(record, status=SyncStatus.SUCCEEDED, evidence=None)

    def recent(
        self, connection: str | None = None, object: str | None = None, limit: int = 50
    ) -> list[SyncResult]:
        """The latest syncs, newest first."""
        asked = {"connection": connection, "object": object, "limit": limit}
        with self._database.statement() as session:
            return rows_of(session.execute(RECENT, asked, prepare=False))

    def get(self, id: str) -> SyncResult | None:
        """The sync of that id; None where it is not kept (any more)."""
        with self._database.statement() as session:
            found = session.execute(ONE, (id,)).fetchone()
        return result_of(found) if found else None

    def evidence(self, id: str) -> dict[str, Any]:
        """What was kept for us of the error that ended a sync."""
        with self._database.statement() as session:
            found = session.execute(
                "SELECT evidence FROM sync_platform.syncs WHERE id = %s", (id,)
            ).fetchone()
        return dict(found["evidence"] or {}) if found else {}

    def latest(self, target: Target) -> SyncResult | None:
        """The newest sync of an object; None before the first."""
        return next(iter(self.recent(target.connection, target.object, limit=1)), None)

    def waiting(self, connection: str) -> list[SyncResult]:
        """The syncs whose deletes wait for a person, newest first: of each object the latest that
        was refused, unless a full sync went well since. They are kept as long as they wait."""
        with self._database.statement() as session:
            return rows_of(session.execute(WAITING, REFUSED | {"connection": connection}))

    def activity(self, connection: str | None = None) -> dict[Target, TargetActivity]:
        """What is known of every object that has ever synced (of one connection), in two queries.

        `recent` are the newest five that count for the breaker: none running, canceled,
        stopped, refused.
        """
        recent: dict[Target, list[SyncResult]] = {}
        asked = BREAKER | {"connection": connection}
        with self._database.statement() as session:
            for result in rows_of(session.execute(COUNTED, asked, prepare=False)):
                recent.setdefault(result.target, []).append(result)
            found = session.execute(KNOWN, asked, prepare=False).fetchall()
        return {
            target: TargetActivity(
                last_started_at=row["last_started_at"],
                last_full_started_at=row["last_full_started_at"],
                fulls=fulls_of(row),
                last_computed_at=row["last_computed_at"],
                running=row["running"],
                recent=tuple(recent.get(target, ())),
                resumed_at=row["resumed_at"],
            )
            for row in found
            if (target := Target(row["connection"], row["object"]))
        }

    def mark_stale(self, now: datetime) -> list[SyncResult]:
        """Give up on the running syncs not heard of for five minutes; those that were."""
        with self._database.transaction() as session:
            return rows_of(session.execute(MARK_STALE, (now - STALE_AFTER,)))

    def _open(self, result: SyncResult) -> None:
        at, mode = result.started_at, result.mode
        full, computed = (at if mode is it else None for it in (SyncMode.FULL, SyncMode.COMPUTED))
        began = {"full": full, "computed": computed, "tries": int(mode is SyncMode.FULL)}
        with self._database.statement() as session:
            session.execute(OPEN, row_of(result) | began)

    def _close(self, record: OpenRecord, *, evidence: dict[str, Any] | None, **end: Any) -> None:
        """Write how it ended, again where that is cut off: a restart of the server should neither
        undo a success nor hide what stopped a sync."""
        result = record.finished(**end)
        outlasting(
            lambda: self._write_end(result, evidence),
            pauses=BRIEFLY if result.status in AWAITED else PAUSES,
            sleep=self._clock.sleep,
        )

    def _write_end(self, result: SyncResult, evidence: dict[str, Any] | None) -> None:
        kept = {"evidence": Jsonb(evidence) if evidence else None}
        with self._database.statement() as session:
            session.execute(CLOSE, row_of(result) | kept | REFUSED)
            with suppress(OperationalError):  # its end is written; the next sync prunes
                _prune(session, result.target.connection)


def _prune(session: Session, connection: str) -> None:
    """Forget all but the last finished syncs of a connection, its breakers' evidence, and what
    waits for a person."""
    session.execute(PRUNE, BREAKER | REFUSED | {"connection": connection, "kept": KEPT})
