"""The syncs that were asked for, the runs that carry them, and how they ended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import BoundedSemaphore
from typing import Any

from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Clock
from sync_platform.engine.requested import AskedStatus, AskedSync, RequestedSyncs, fingerprint
from sync_platform.engine.results import SyncResult
from sync_platform.errors import DagsterUnavailable, StoreUnavailable
from sync_platform.store.database import Database
from sync_platform.store.records import COLUMNS, new_id, rows_of
from sync_platform.store.statements import columns, inserting
from sync_platform.store.storable import storable

KEPT = timedelta(days=30)
TURN_WITHIN = 60.0  # seconds that a request waits for those before it on its connection
LAUNCHING_AT_ONCE = 3  # in a process; each uses two of its connections to the database
LOCK_NOT_AVAILABLE = "55P03"
FOUND = """
    SELECT id, connection, asked, asked_by, status, asked_at, canceled_at, ended_at
    FROM sync_platform.sync_requests
    WHERE connection = %(connection)s
      AND (%(id)s::text IS NULL OR id = %(id)s)
      AND (ended_at IS NULL OR NOT %(open)s)
      AND (%(fingerprint)s::bytea IS NULL OR fingerprint = %(fingerprint)s)
    ORDER BY asked_at DESC, id
"""


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
                limit = f"{self._turn_within * 1000:.0f}ms"
                session.execute("SELECT set_config('lock_timeout', %s, false)", (limit,))
                try:
                    session.execute("SELECT pg_advisory_lock(%s)", (key,))
                    session.execute("RESET lock_timeout")
                    yield
                finally:  # the session goes back to the pool
                    session.execute("RESET lock_timeout")
                    session.execute(
                        """
                        SELECT pg_advisory_unlock(%s) FROM pg_locks
                        WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
                        """,
                        (key,),
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
        kept = {
            "id": request.id,
            "connection": request.connection,
            "asked": Jsonb([_as_json(each) for each in request.asked]),
            "fingerprint": fingerprint(request.asked),
            "asked_by": request.asked_by,
            "status": request.status.value,
            "asked_at": request.asked_at,
        }
        with self._database.transaction() as session:
            session.execute(inserting("sync_requests", kept), kept)
            session.execute(
                "DELETE FROM sync_platform.sync_requests WHERE connection = %s AND asked_at < %s",
                (request.connection, self._clock.now() - KEPT),
            )

    def get(self, connection: str, id: str) -> RequestedSyncs | None:
        """The request of that id; None where the connection has none."""
        found = self._found(connection, id=id)
        return found[0] if found else None

    def under_way(self, connection: str, asked: Sequence[AskedSync]) -> list[RequestedSyncs]:
        """The requests for exactly these syncs that have not been seen to end and that nobody
        stopped, newest first."""
        found = self._found(connection, open=True, asked=asked)
        return [each for each in found if each.canceled_at is None]

    def open(self, connection: str) -> list[RequestedSyncs]:
        """The requests that have not been seen to end, newest first."""
        return self._found(connection, open=True)

    def of_runs(self, connection: str) -> dict[str, str]:
        """Which request a run of the connection carries: ids of requests by ids of runs."""
        found = self._found(connection)
        return {run: each.id for each in found for run in each.run_ids}

    def saw(self, request: RequestedSyncs) -> None:
        """Keep where it stands; one that was seen to end stays as it ended."""
        with self._database.statement() as session:
            session.execute(
                """
                UPDATE sync_platform.sync_requests
                SET status = %(status)s, asked = %(asked)s, ended_at = %(ended_at)s
                WHERE id = %(id)s AND ended_at IS NULL
                """,
                {
                    "id": request.id,
                    "status": request.status.value,
                    "asked": Jsonb([_as_json(each) for each in request.asked]),
                    "ended_at": request.ended_at,
                },
            )

    def canceled(self, id: str) -> None:
        """Somebody asked to stop it, now."""
        with self._database.statement() as session:
            session.execute(
                """
                UPDATE sync_platform.sync_requests SET canceled_at = coalesce(canceled_at, %s)
                WHERE id = %s AND ended_at IS NULL
                """,
                (self._clock.now(), id),
            )

    def history(self, connection: str, run_ids: Sequence[str]) -> list[SyncResult]:
        """The rows of history that these runs wrote, newest first."""
        query = SQL("""
            SELECT {} FROM sync_platform.syncs
            WHERE connection = %s AND run_id = ANY(%s::text[])
            ORDER BY started_at DESC
        """).format(columns(COLUMNS))
        with self._database.statement() as session:
            return rows_of(session.execute(query, (connection, list(run_ids))))

    def _found(
        self,
        connection: str,
        *,
        id: str | None = None,
        open: bool = False,
        asked: Sequence[AskedSync] | None = None,
    ) -> list[RequestedSyncs]:
        given = {
            "connection": connection,
            "id": id,
            "open": open,
            "fingerprint": None if asked is None else fingerprint(asked),
        }
        with self._database.statement() as session:
            return [_request(row) for row in session.execute(FOUND, given)]


def _request(row: dict[str, Any]) -> RequestedSyncs:
    return RequestedSyncs(
        id=row["id"],
        connection=row["connection"],
        asked=tuple(_asked(each) for each in row["asked"]),
        asked_at=row["asked_at"],
        asked_by=row["asked_by"],
        canceled_at=row["canceled_at"],
        ended_at=row["ended_at"],
        status=AskedStatus(row["status"]),
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
