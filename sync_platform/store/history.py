"""The syncs of every connection: a row each, from its first moment to its end, the last 50 kept."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.breaker import FAILURES, UNCOUNTED
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Clock
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.errors import StoreUnavailable, SyncPlatformError
from sync_platform.store.database import Database
from sync_platform.store.records import (
    COLUMNS,
    OpenRecord,
    failure,
    listed,
    new_id,
    result_of,
    row_of,
    rows_of,
)
from sync_platform.store.tables import connection_objects, connections, sync_targets, syncs

KEPT = 50  # finished syncs of a connection
STALE_AFTER = timedelta(minutes=5)
RUNNING = syncs.c.status == SyncStatus.RUNNING.value
COUNTED = (SyncStatus.SUCCEEDED.value, SyncStatus.FAILED.value, SyncStatus.STALE.value)

# The breaker's evidence stays beyond the 50, or objects that sync often would push out the failures
# of one that syncs daily. Rows that another process prunes at this moment are left to it.
PRUNE = text("""
    WITH finished AS (
        SELECT id,
               row_number() OVER (ORDER BY finished_at DESC, id DESC) AS place,
               row_number() OVER (
                   PARTITION BY object, status = ANY(:counted)
                   ORDER BY started_at DESC, id DESC
               ) AS place_in_object,
               status = ANY(:counted) AS counted
        FROM sync_platform.syncs
        WHERE connection = :connection AND status <> 'running'
    )
    DELETE FROM sync_platform.syncs WHERE id IN (
        SELECT id FROM sync_platform.syncs
        WHERE id IN (
            SELECT id FROM finished
            WHERE place > :kept AND NOT (counted AND place_in_object <= :failures)
        )
        ORDER BY id
        FOR UPDATE SKIP LOCKED
    )
""")


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
    ) -> Iterator[OpenRecord]:
        """A row for a sync that begins; closed as succeeded, or as failed by an exception (which
        goes on), or as canceled by KeyboardInterrupt and other exits.

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
                self._close(record, **failure(error))
            except SyncPlatformError as unwritten:
                error.add_note(f"Its end could not be written to the history: {unwritten}")
            raise
        try:
            self._close(record, status=SyncStatus.SUCCEEDED, evidence=None)
        except StoreUnavailable:  # once more: a restart of the server should not undo a success
            self._close(record, status=SyncStatus.SUCCEEDED, evidence=None)

    def recent(
        self, connection: str | None = None, object: str | None = None, limit: int = 50
    ) -> list[SyncResult]:
        """The latest syncs, newest first."""
        query = listed().order_by(syncs.c.started_at.desc(), syncs.c.id.desc()).limit(limit)
        if connection is not None:
            query = query.where(syncs.c.connection == connection)
        if object is not None:
            query = query.where(syncs.c.object == object)
        with self._database.statement() as reading:
            return rows_of(reading.execute(query))

    def get(self, id: str) -> SyncResult | None:
        """The sync of that id; None where it is not kept (any more)."""
        with self._database.statement() as reading:
            found = rows_of(reading.execute(listed().where(syncs.c.id == id)))
        return found[0] if found else None

    def evidence(self, id: str) -> dict[str, Any]:
        """What was kept for us of the error that ended a sync."""
        with self._database.statement() as reading:
            found = reading.scalar(select(syncs.c.evidence).where(syncs.c.id == id))
        return dict(found or {})

    def latest(self, target: Target) -> SyncResult | None:
        """The newest sync of an object; None before the first."""
        return next(iter(self.recent(target.connection, target.object, limit=1)), None)

    def activity(self, connection: str | None = None) -> dict[Target, TargetActivity]:
        """What is known of every object that has ever synced (of one connection), in two queries.

        `recent` are the newest five that count for the breaker: none running, canceled, refused.
        """
        recent: dict[Target, list[SyncResult]] = {}
        of_one = connection is not None
        named = {"named": connection} if of_one else {}
        with self._database.statement() as reading:
            for row in reading.execute(_recent(of_one), named).mappings():
                result = result_of(row)
                recent.setdefault(result.target, []).append(result)
            found = reading.execute(_known(of_one), named).all()
        targets = {Target(row.connection, row.object): row for row in found}
        return {
            target: TargetActivity(
                last_started_at=row.last_started_at,
                last_full_started_at=row.last_full_started_at,
                last_computed_at=row.last_computed_at,
                running=row.running,
                recent=tuple(recent.get(target, ())),
                resumed_at=row.resumed_at,
            )
            for target, row in targets.items()
        }

    def mark_stale(self, now: datetime) -> list[SyncResult]:
        """Give up on the running syncs not heard of for five minutes; those that were."""
        silent = and_(RUNNING, syncs.c.heartbeat_at < now - STALE_AFTER)
        run = func.coalesce(" (Dagster run " + syncs.c.run_id + ")", "")
        sentence = literal("Not heard of for five minutes; its process").concat(run)
        marked = (
            update(syncs)
            .where(silent)
            .values(
                status=SyncStatus.STALE.value,
                finished_at=syncs.c.heartbeat_at,
                error=sentence.concat(
                    " has probably died. What it had committed stays; the next sync goes on."
                ),
                error_code="stale",
            )
            .returning(*COLUMNS)
        )
        with self._database.transaction() as transaction:
            return rows_of(transaction.execute(marked))

    def _open(self, result: SyncResult) -> None:
        target = result.target
        full = result.started_at if result.mode is SyncMode.FULL else None
        computed = result.started_at if result.mode is SyncMode.COMPUTED else None
        # A refresh of computed fields does not stand for the sync that is due.
        moved = ["last_full_started_at", "last_computed_at"]
        moved += ["last_started_at"] if computed is None else []
        interrupted = (
            update(syncs)
            .where(RUNNING)
            .filter_by(connection=target.connection, object=target.object)
            .values(
                status=SyncStatus.FAILED.value,
                finished_at=syncs.c.heartbeat_at,
                error="Interrupted: its process ended without a word. What it had committed "
                "stays; the next sync goes on from there.",
                error_code="interrupted",
            )
        )
        started = insert(sync_targets).values(
            connection=target.connection,
            object=target.object,
            last_started_at=result.started_at,
            last_full_started_at=full,
            last_computed_at=computed,
        )
        started = started.on_conflict_do_update(
            index_elements=["connection", "object"],
            set_={
                name: func.greatest(sync_targets.c[name], started.excluded[name]) for name in moved
            },
        )
        opening = insert(syncs).values(row_of(result))
        with self._database.statement() as writing:  # all in one: either all of it is, or nothing
            writing.execute(opening.add_cte(interrupted.cte("interrupted"), started.cte("started")))

    def _close(self, record: OpenRecord, *, evidence: dict[str, Any] | None, **end: Any) -> None:
        result = record.finished(**end)
        # A sync that was taken for dead tells its true end; one that was followed up stays closed.
        still = or_(RUNNING, syncs.c.status == SyncStatus.STALE.value)
        with self._database.statement() as writing:
            writing.execute(
                update(syncs)
                .where(syncs.c.id == result.id, still)
                .values(**row_of(result), evidence=evidence or None)
            )
            with suppress(OperationalError):  # its end is written; the next sync prunes
                _prune(writing, result.target.connection)


def _prune(writing: Connection, connection: str) -> None:
    """Forget all but the last finished syncs of a connection, and its breakers' evidence."""
    limits = {"kept": KEPT, "failures": FAILURES, "counted": list(COUNTED)}
    writing.execute(PRUNE, {"connection": connection, **limits})


@cache
def _recent(of_one: bool) -> Select[Any]:
    """The newest syncs of each object that count for the breaker (of the connection `named`)."""
    newest = func.row_number().over(
        partition_by=(syncs.c.connection, syncs.c.object),
        order_by=(syncs.c.started_at.desc(), syncs.c.id.desc()),
    )
    ranked = select(*COLUMNS, newest.label("place")).where(
        syncs.c.status.in_(COUNTED),
        func.coalesce(syncs.c.error_code, "").not_in(UNCOUNTED),
    )
    if of_one:
        ranked = ranked.where(syncs.c.connection == bindparam("named"))
    within = ranked.subquery()
    return select(within).where(within.c.place <= FAILURES).order_by(within.c.place)


@cache
def _known(of_one: bool) -> Select[Any]:
    """What is known of each object that ever synced (of the connection `named`)."""
    running = select(literal(1)).where(
        RUNNING,
        syncs.c.connection == sync_targets.c.connection,
        syncs.c.object == sync_targets.c.object,
    )
    resumed_at = func.greatest(connections.c.resumed_at, connection_objects.c.resumed_at)
    known = (
        select(sync_targets, running.exists().label("running"), resumed_at.label("resumed_at"))
        .join(connections, connections.c.name == sync_targets.c.connection)
        .outerjoin(
            connection_objects,
            and_(
                connection_objects.c.connection == sync_targets.c.connection,
                connection_objects.c.object == sync_targets.c.object,
            ),
        )
    )
    return known.where(sync_targets.c.connection == bindparam("named")) if of_one else known
