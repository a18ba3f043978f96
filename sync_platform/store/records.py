"""One row of history: how it is read, and how a running sync keeps it."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from sync_platform.engine.activity import FullSyncs
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Clock, by_ctrl_c
from sync_platform.engine.results import Counts, SyncResult, SyncStatus, Target, Usage
from sync_platform.errors import StoreUnavailable, SyncPlatformError
from sync_platform.store.database import Database
from sync_platform.store.statements import assignments, written
from sync_platform.store.storable import storable, text

BEAT_EVERY = timedelta(seconds=5)
WRITE_EVERY = timedelta(seconds=1)
COUNTS = tuple(Counts.__dataclass_fields__)
USAGE = tuple(Usage.__dataclass_fields__)
ENDS = ("status", "heartbeat_at", "finished_at", "error", "error_code")
COLUMNS = ("id", "connection", "object", "mode", "since", "until", "started_at", *ENDS,
           *COUNTS, *USAGE, "run_id", "resumed", "automatic")  # fmt: skip
ERROR_LENGTH = 2000  # of a sentence for people; what is longer is in the evidence
EXITS = {
    SyncStatus.CANCELED: "Canceled while it ran. What it had committed stays; the next sync goes "
    "on from there.",
    SyncStatus.STOPPED: "Stopped while it ran, because the platform or its machine was stopped; "
    "nobody canceled it. What it had committed stays; the next sync goes on from there.",
}

# One that was taken for dead, and beats, runs; one that was closed for good stays so.
WRITE = written(
    """
    UPDATE sync_platform.syncs SET {}
    WHERE id = %(id)s AND status IN ('running', 'stale')
""",
    assignments((*ENDS, *COUNTS, *USAGE)),
)

# What a sync reads that goes on with another one, or owes more than was asked for.
READS = """
    UPDATE sync_platform.syncs
    SET resumed = %(resumed)s, mode = %(mode)s, since = %(since)s, until = %(until)s
    WHERE id = %(id)s
"""
READS_ALL = """
    UPDATE sync_platform.sync_targets
    SET last_full_started_at = greatest(last_full_started_at, %(started_at)s),
        full_tries = full_tries + %(tries)s
    WHERE connection = %(connection)s AND object = %(object)s
"""


def new_id(now: datetime) -> str:
    """A name for a sync: 32 hex digits that sort by the millisecond (as UUID version 7 does)."""
    milliseconds = int(now.astimezone(UTC).timestamp() * 1000)
    return f"{milliseconds & (1 << 48) - 1:012x}7{secrets.token_hex(10)[1:]}"


def result_of(row: dict[str, Any]) -> SyncResult:
    """The row as a value."""
    return SyncResult(
        id=row["id"],
        target=Target(row["connection"], row["object"]),
        mode=SyncMode(row["mode"]),
        window=SyncWindow(row["since"], row["until"]),
        status=SyncStatus(row["status"]),
        started_at=row["started_at"],
        heartbeat_at=row["heartbeat_at"],
        finished_at=row["finished_at"],
        counts=Counts(**{name: row[name] for name in COUNTS}),
        usage=Usage(**{name: row[name] for name in USAGE}),
        error=row["error"],
        error_code=row["error_code"],
        run_id=row["run_id"],
        resumed=row["resumed"],
        automatic=row["automatic"],
    )


def row_of(result: SyncResult) -> dict[str, Any]:
    """The value as a row, without evidence."""
    return {
        "id": result.id,
        "connection": result.target.connection,
        "object": result.target.object,
        "mode": result.mode.value,
        "since": result.window.since,
        "until": result.window.until,
        "status": result.status.value,
        "started_at": result.started_at,
        "heartbeat_at": result.heartbeat_at,
        "finished_at": result.finished_at,
        **asdict(result.counts),
        **asdict(result.usage),
        "error": result.error,
        "error_code": result.error_code,
        "run_id": result.run_id,
        "resumed": result.resumed,
        "automatic": result.automatic,
    }


def fulls_of(row: dict[str, Any]) -> FullSyncs:
    """How an object's full syncs went. One that runs has not failed yet."""
    runs = row["running"] and row["last_started_at"] == row["last_full_started_at"]
    return FullSyncs(
        well_at=row["full_well_at"],
        failed=max(row["full_tries"] - (1 if runs else 0), 0),
        error=row["full_error"],
        running=runs,
    )


def failure(
    error: BaseException, *, canceled: Callable[[BaseException], bool] = by_ctrl_c
) -> dict[str, Any]:
    """What a row says of the exception that ended its sync: status, error, error_code, evidence.
    `canceled` tells of an exit whether a person made it."""
    if isinstance(error, SyncPlatformError):
        status, sentence, code = SyncStatus.FAILED, str(error), error.code
        evidence: dict[str, Any] = storable(error.evidence)
    elif isinstance(error, Exception):
        shortened = " ".join(str(error).split())[:300]
        status, code = SyncStatus.FAILED, "unexpected"
        sentence = f"Unexpected: {type(error).__name__}: {shortened}".rstrip(": ")
        evidence = {}
    else:
        status = SyncStatus.CANCELED if canceled(error) else SyncStatus.STOPPED
        code, sentence = status.value, EXITS[status]
        evidence = {"exit": type(error).__name__}
    return {
        "status": status,
        "error": text(sentence)[:ERROR_LENGTH],
        "error_code": code,
        "evidence": evidence,
    }


class OpenRecord:
    """The row of a sync that runs (a SyncRecord). Several threads may beat it."""

    def __init__(self, database: Database, clock: Clock, result: SyncResult) -> None:
        self._database = database
        self._clock = clock
        self._result = result
        self._written_at, self._written = result.started_at, result.usage
        self._guard = Lock()

    @property
    def id(self) -> str:
        return self._result.id

    @property
    def result(self) -> SyncResult:
        """As it stands; final once the record is closed."""
        return self._result

    def add(self, counts: Counts, usage: Usage) -> None:
        """Add counts; `usage` is the total so far. Written every second at most."""
        with self._guard:
            self._result = replace(self._result, counts=self._result.counts + counts, usage=usage)
            self._write_if(WRITE_EVERY)

    def beat(self, usage: Usage | None = None) -> None:
        """The sync is alive. Written every five seconds at most; every second where it has called
        the vendor meanwhile, for those who watch."""
        with self._guard:
            called = usage is not None and usage != self._written
            if usage is not None:
                self._result = replace(self._result, usage=usage)
            self._write_if(WRITE_EVERY if called else BEAT_EVERY)

    def reads(self, mode: SyncMode, window: SyncWindow, *, resumed: bool) -> None:
        """It reads something else than its row says. One that reads everything from the beginning
        counts as a full sync that began, also where it was asked for less."""
        with self._guard:
            was_full = self._result.mode is SyncMode.FULL
            now = replace(self._result, mode=mode, window=window, resumed=resumed)
            self._result = now
            with self._database.transaction() as session:
                session.execute(READS, row_of(now))
                if mode is SyncMode.FULL:
                    tries = int(not was_full and not resumed)
                    session.execute(READS_ALL, row_of(now) | {"tries": tries})

    def finished(self, **changes: Any) -> SyncResult:
        """The result as it is to be closed."""
        with self._guard:
            now = self._clock.now()
            self._result = replace(self._result, heartbeat_at=now, finished_at=now, **changes)
            return self._result

    def _write_if(self, apart: timedelta) -> None:
        now = self._clock.now()
        if now - self._written_at < apart:
            return
        self._written_at, self._written = now, self._result.usage
        self._result = replace(self._result, heartbeat_at=now)
        try:
            with self._database.statement() as session:
                session.execute(WRITE, row_of(self._result))
        except StoreUnavailable:
            pass  # no reason to stop a sync: the next beat, or the end, writes it all


def rows_of(rows: Iterable[dict[str, Any]]) -> list[SyncResult]:
    """A query's rows as values."""
    return [result_of(row) for row in rows]
