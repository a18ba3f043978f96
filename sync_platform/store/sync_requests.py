"""The syncs that were asked for, the runs that carry them, and how they ended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import BoundedSemaphore
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, text, update

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Clock
from sync_platform.engine.requested import AskedStatus, AskedSync, RequestedSyncs, fingerprint
from sync_platform.engine.results import SyncResult
from sync_platform.errors import DagsterUnavailable, StoreUnavailable
from sync_platform.store.database import Database
from sync_platform.store.records import listed, new_id, rows_of
from sync_platform.store.storable import storable
from sync_platform.store.tables import sync_requests, syncs

KEPT = timedelta(days=30)
TURN_WITHIN = 60.0  # seconds that a request waits for those before it on its connection
LAUNCHING_AT_ONCE = 3  # in a process; each uses two of its connections to the database
LOCK_NOT_AVAILABLE = "55P03"


class SyncRequests:
    """The requests, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(
        self, database: Database, clock: Clock, *, turn_within: float = TURN_WITHIN
    ) -> None:
        """`turn_within`: seconds."""
        self._turn_within = turn_within
        self._database = database
        self._clock = clock
        self._launching = BoundedSemaphore(LAUNCHING_AT_ONCE)

    @contextmanager
    def turn(self, connection: str) -> Iterator[None]:
        """For the length of the block nobody else, in any process, asks for syncs of the
        connection; no transaction is open meanwhile. Raises DagsterUnavailable where
        those before take too long."""
        key = _key(connection)
        late = DagsterUnavailable(
            f"Other syncs of {connection} are still being launched, because Dagster is slow to "
            "answer. Nothing was started; try again in a moment.",
            retry_after=5,
        )
        if not self._launching.acquire(timeout=self._turn_within):
            raise late
        try:
            with self._database.statement() as session:
                limit = {"limit": f"{self._turn_within * 1000:.0f}ms"}
                session.execute(text("SELECT set_config('lock_timeout', :limit, false)"), limit)
                try:
                    session.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
                    session.execute(text("RESET lock_timeout"))
                    yield
                finally:  # the connection goes back to the pool
                    session.execute(text("RESET lock_timeout"))
                    session.execute(
                        text(
                            "SELECT pg_advisory_unlock(:key) FROM pg_locks WHERE locktype = "
                            "'advisory' AND granted AND pid = pg_backend_pid()"
                        ),
                        {"key": key},
                    )
        except StoreUnavailable as error:
            if error.evidence.get("sqlstate") == LOCK_NOT_AVAILABLE:
                raise late from error
            raise
        finally:
            self._launching.release()

    def new_id(self) -> str:
        """A name for a request that is about to be launched."""
        return new_id(self._clock.now())

    def add(self, request: RequestedSyncs) -> None:
        """Keep a request whose runs were launched; forgets the connection's old ones.

        Raises UnknownConnection where the connection was removed meanwhile.
        """
        table = sync_requests.c
        with self._database.transaction() as transaction:
            transaction.execute(
                insert(sync_requests).values(
                    id=request.id,
                    connection=request.connection,
                    asked=[_as_json(each) for each in request.asked],
                    fingerprint=fingerprint(request.asked),
                    asked_by=request.asked_by,
                    status=request.status.value,
                    asked_at=request.asked_at,
                )
            )
            transaction.execute(
                delete(sync_requests).where(
                    table.connection == request.connection,
                    table.asked_at < self._clock.now() - KEPT,
                )
            )

    def get(self, connection: str, id: str) -> RequestedSyncs | None:
        """The request of that id; None where the connection has none."""
        found = self._found(sync_requests.c.connection == connection, sync_requests.c.id == id)
        return found[0] if found else None

    def under_way(self, connection: str, asked: Sequence[AskedSync]) -> list[RequestedSyncs]:
        """The requests for exactly these syncs that have not been seen to end and that nobody
        stopped, newest first."""
        return self._found(
            sync_requests.c.connection == connection,
            sync_requests.c.fingerprint == fingerprint(asked),
            sync_requests.c.ended_at.is_(None),
            sync_requests.c.canceled_at.is_(None),
        )

    def open(self, connection: str) -> list[RequestedSyncs]:
        """The requests that have not been seen to end, newest first."""
        return self._found(
            sync_requests.c.connection == connection, sync_requests.c.ended_at.is_(None)
        )

    def of_runs(self, connection: str) -> dict[str, str]:
        """Which request a run of the connection carries: ids of requests by ids of runs."""
        found = self._found(sync_requests.c.connection == connection)
        return {run: each.id for each in found for run in each.run_ids}

    def saw(self, request: RequestedSyncs) -> None:
        """Keep where it stands; one that was seen to end stays as it ended."""
        asked = [_as_json(each) for each in request.asked]
        status, ended_at = request.status.value, request.ended_at
        self._change(request.id, status=status, asked=asked, ended_at=ended_at)

    def canceled(self, id: str) -> None:
        """Somebody asked to stop it, now."""
        self._change(id, canceled_at=func.coalesce(sync_requests.c.canceled_at, self._clock.now()))

    def history(self, connection: str, run_ids: Sequence[str]) -> list[SyncResult]:
        """The rows of history that these runs wrote, newest first."""
        rows = listed().where(syncs.c.connection == connection, syncs.c.run_id.in_(run_ids))
        with self._database.statement() as reading:
            return rows_of(reading.execute(rows.order_by(syncs.c.started_at.desc())))

    def _found(self, *conditions: ColumnElement[bool]) -> list[RequestedSyncs]:
        table = sync_requests.c
        query = select(sync_requests).where(*conditions).order_by(table.asked_at.desc(), table.id)
        with self._database.statement() as reading:
            return [_request(row) for row in reading.execute(query)]

    def _change(self, id: str, **values: Any) -> None:
        table = sync_requests.c
        with self._database.statement() as writing:
            writing.execute(
                update(sync_requests).where(table.id == id, table.ended_at.is_(None)).values(values)
            )


def _request(row: Row[Any]) -> RequestedSyncs:
    return RequestedSyncs(
        id=row.id,
        connection=row.connection,
        asked=tuple(_asked(each) for each in row.asked),
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        canceled_at=row.canceled_at,
        ended_at=row.ended_at,
        status=AskedStatus(row.status),
    )


def _as_json(asked: AskedSync) -> dict[str, Any]:
    window = asked.window
    return {
        "object": asked.object,
        "mode": asked.mode.value,
        "since": window.since.isoformat() if window.since else None,
        "until": window.until.isoformat() if window.until else None,
        "accept_deletes": asked.accept_deletes,
        "run_id": asked.run_id,
        "ended_as": asked.ended_as.value if asked.ended_as else None,
        "error": storable(asked.error),
    }


def _asked(kept: dict[str, Any]) -> AskedSync:
    since, until = (
        datetime.fromisoformat(kept[each]) if kept[each] else None for each in ("since", "until")
    )
    return AskedSync(
        object=kept["object"],
        mode=SyncMode(kept["mode"]),
        window=SyncWindow(since, until),
        accept_deletes=kept["accept_deletes"],
        run_id=kept["run_id"],
        ended_as=AskedStatus(kept["ended_as"]) if kept["ended_as"] else None,
        error=kept["error"],
    )


def _key(connection: str) -> int:
    """64 bits, the same in every process."""
    told = f"sync_platform\0requests\0{connection}".encode()
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big", signed=True)
