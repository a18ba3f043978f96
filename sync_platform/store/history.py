"""The syncs of every connection: a row each, from its first moment to its end.

The last 50 are kept. Beyond them stay, of each object, the newest five that count for the breaker
and the refusal of a full sync whose deletes wait for a person.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from psycopg import OperationalError
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.breaker import FAILURES, HOPELESS, UNCOUNTED
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Clock, by_ctrl_c
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.errors import StoreUnavailable, SyncPlatformError, TooManyDeletes
from sync_platform.store.database import Database
from sync_platform.store.pool import Session
from sync_platform.store.records import (
    COLUMNS,
    OpenRecord,
    failure,
    fulls_of,
    new_id,
    result_of,
    row_of,
    rows_of,
)
from sync_platform.store.statements import assignments, columns, inserting, written

KEPT = 50  # finished syncs of a connection
TRIES = 3  # to write how one ended
STALE_AFTER = timedelta(minutes=5)
BREAKER = {  # what counts for it
    "counted": [SyncStatus.SUCCEEDED.value, SyncStatus.FAILED.value, SyncStatus.STALE.value],
    "uncounted": list(UNCOUNTED),
    "hopeless": list(HOPELESS),
    "failures": FAILURES,
}
COUNTS = SQL("""(
    status = ANY(%(counted)s) AND coalesce(error_code, '') <> ALL(%(uncounted)s)
    AND (mode <> 'computed' OR coalesce(error_code, '') = ANY(%(hopeless)s))
)""")
REFUSED = {"refused": TooManyDeletes().code}
# What tells whether deletes wait: a full sync that was refused, or went well.
DECIDES = SQL("(error_code = %(refused)s OR mode = 'full' AND status = 'succeeded') IS TRUE")

# All in one: either all of it is, or nothing. A refresh of computed fields does not stand for the
# sync that is due.
OPEN = written(
    """
    WITH interrupted AS (
        UPDATE sync_platform.syncs
        SET status = 'failed',
            finished_at = heartbeat_at,
            error = 'Interrupted: its process ended without a word. What it had committed stays; '
                'the next sync goes on from there.',
            error_code = 'interrupted'
        WHERE status = 'running' AND connection = %(connection)s AND object = %(object)s
    ), started AS (
        INSERT INTO sync_platform.sync_targets AS known
            (connection, object, last_started_at, last_full_started_at, last_computed_at,
             full_tries)
        VALUES (%(connection)s, %(object)s, %(started_at)s, %(full)s, %(computed)s, %(tries)s)
        ON CONFLICT (connection, object) DO UPDATE SET
            last_started_at = CASE WHEN excluded.last_computed_at IS NULL
                THEN greatest(known.last_started_at, excluded.last_started_at)
                ELSE known.last_started_at END,
            last_full_started_at =
                greatest(known.last_full_started_at, excluded.last_full_started_at),
            last_computed_at = greatest(known.last_computed_at, excluded.last_computed_at),
            full_tries = known.full_tries + excluded.full_tries
    )
    {}
""",
    inserting("syncs", COLUMNS),
)

# A sync that was taken for dead tells its true end; one that was followed up stays closed. The end
# of a full one is told of its object, too: history forgets it, and the next day's goes by it.
CLOSE = written(
    """
    WITH ended AS (
        UPDATE sync_platform.syncs SET {}
        WHERE id = %(id)s AND status IN ('running', 'stale')
        RETURNING connection, object, mode, started_at, error, {} AS well
    )
    UPDATE sync_platform.sync_targets AS known SET
        full_well_at = CASE WHEN well THEN started_at ELSE full_well_at END,
        full_tries = CASE WHEN well THEN 0 ELSE full_tries END,
        full_error = CASE WHEN well THEN NULL ELSE ended.error END
    FROM ended
    WHERE ended.mode = 'full'
      AND known.connection = ended.connection AND known.object = ended.object
""",
    assignments((*COLUMNS, "evidence")),
    DECIDES,
)

# What is asked of one connection or of all is never prepared (`prepare=False`), here and in
# `glances`: a plan that is to serve both reads the history of all connections for the one.
RECENT = written(
    """
    SELECT {} FROM sync_platform.syncs
    WHERE (%(connection)s::text IS NULL OR connection = %(connection)s)
      AND (%(object)s::text IS NULL OR object = %(object)s)
    ORDER BY started_at DESC, id DESC
    LIMIT %(limit)s
""",
    columns(COLUMNS),
)

# The newest syncs of each object that count for the breaker.
COUNTED = written(
    """
    SELECT * FROM (
        SELECT {}, row_number() OVER (
            PARTITION BY connection, object ORDER BY started_at DESC, id DESC
        ) AS place
        FROM sync_platform.syncs
        WHERE {}
          AND (%(connection)s::text IS NULL OR connection = %(connection)s)
    ) ranked
    WHERE place <= %(failures)s
    ORDER BY place
""",
    columns(COLUMNS),
    COUNTS,
)

# The objects' refusals that no full sync has followed that went well.
WAITING = written(
    """
    SELECT * FROM (
        SELECT DISTINCT ON (object) {} FROM sync_platform.syncs
        WHERE connection = %(connection)s AND {}
        ORDER BY object, started_at DESC, id DESC
    ) latest
    WHERE error_code = %(refused)s
    ORDER BY started_at DESC, id DESC
""",
    columns(COLUMNS),
    DECIDES,
)

KNOWN = """
    SELECT t.connection, t.object,
           t.last_started_at, t.last_full_started_at, t.last_computed_at,
           t.full_well_at, t.full_tries, t.full_error,
           EXISTS (
               SELECT FROM sync_platform.syncs s WHERE s.status = 'running'
               AND s.connection = t.connection AND s.object = t.object
           ) AS running,
           greatest(c.resumed_at, o.resumed_at) AS resumed_at
    FROM sync_platform.sync_targets t
    JOIN sync_platform.connections c ON c.name = t.connection
    LEFT JOIN sync_platform.connection_objects o
        ON o.connection = t.connection AND o.object = t.object
    WHERE %(connection)s::text IS NULL OR t.connection = %(connection)s
"""

MARK_STALE = written(
    """
    UPDATE sync_platform.syncs
    SET status = 'stale',
        finished_at = heartbeat_at,
        error = 'Not heard of for five minutes; its process'
            || coalesce(' (Dagster run ' || run_id || ')', '')
            || ' has probably died. What it had committed stays; the next sync goes on.',
        error_code = 'stale'
    WHERE status = 'running' AND heartbeat_at < %s
    RETURNING {}
""",
    columns(COLUMNS),
)

# The breaker's evidence stays beyond the 50, or objects that sync often would push out the failures
# of one that syncs daily; and so do the refusals that wait for a person. Rows that another process
# prunes at this moment are left to it.
PRUNE = written(
    """
    WITH finished AS (
        SELECT id,
               row_number() OVER (ORDER BY finished_at DESC, id DESC) AS place,
               {counts} AND row_number() OVER (
                   PARTITION BY object, {counts} ORDER BY started_at DESC, id DESC
               ) <= %(failures)s AS evidence,
               coalesce(error_code, '') = %(refused)s AND row_number() OVER (
                   PARTITION BY object, {decides} ORDER BY started_at DESC, id DESC
               ) = 1 AS waits
        FROM sync_platform.syncs
        WHERE connection = %(connection)s AND status <> 'running'
    )
    DELETE FROM sync_platform.syncs WHERE id IN (
        SELECT id FROM sync_platform.syncs
        WHERE id IN (
            SELECT id FROM finished
            WHERE place > %(kept)s AND NOT evidence AND NOT waits
        )
        ORDER BY id
        FOR UPDATE SKIP LOCKED
    )
""",
    counts=COUNTS,
    decides=DECIDES,
)


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
        query = SQL("SELECT {} FROM sync_platform.syncs WHERE id = %s").format(columns(COLUMNS))
        with self._database.statement() as session:
            found = session.execute(query, (id,)).fetchone()
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
        for left in reversed(range(TRIES)):
            try:
                self._write_end(result, evidence)
                break
            except StoreUnavailable:
                if not left:
                    raise

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
