"""The latest of every object's syncs: as little as tells how hundreds of connections are."""

from typing import Any

from sqlalchemy import Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from sync_platform.engine.breaker import FAILURES, UNCOUNTED
from sync_platform.engine.overview import Glance
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.store.database import Database
from sync_platform.store.history import COUNTED
from sync_platform.store.records import COLUMNS, result_of
from sync_platform.store.tables import syncs

# One step into an index for each object, whatever the length of its history.
LATEST = text("""
    SELECT t.connection, t.object, t.last_started_at, latest.status, latest.finished_at,
           EXISTS (
               SELECT FROM sync_platform.syncs s WHERE s.status = 'running'
               AND s.connection = t.connection AND s.object = t.object
           ) AS running,
           greatest(c.resumed_at, o.resumed_at) AS resumed_at
    FROM sync_platform.sync_targets t
    JOIN sync_platform.connections c ON c.name = t.connection
    JOIN sync_platform.connection_objects o
        ON o.connection = t.connection AND o.object = t.object
    LEFT JOIN LATERAL (
        SELECT s.status, s.finished_at
        FROM sync_platform.syncs s
        WHERE s.connection = t.connection AND s.object = t.object AND s.status = ANY (:counted)
        ORDER BY s.started_at DESC, s.id DESC LIMIT 1
    ) latest ON true
    WHERE CAST(:connection AS text) IS NULL OR t.connection = :connection
""")
TARGET = ("connection", "object")


class Glances:
    """Glances at the history. Raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, connection: str | None = None) -> dict[Target, Glance]:
        """Of every chosen object that has ever synced (of one connection), in two queries."""
        with self._database.transaction() as reading:
            rows = reading.execute(
                LATEST, {"connection": connection, "counted": list(COUNTED)}
            ).all()
            # A refusal does not count for the breaker, and hides what does.
            unsure = [row for row in rows if row.status not in (None, SyncStatus.SUCCEEDED.value)]
            failures = _failures(reading, unsure) if unsure else {}
        return {
            target: Glance(
                last_started_at=row.last_started_at,
                last_finished_at=row.finished_at,
                last_status=SyncStatus(row.status) if row.status else None,
                running=row.running,
                failures=failures.get(target, ()),
                resumed_at=row.resumed_at,
            )
            for row in rows
            if (target := Target(row.connection, row.object))
        }


def _failures(reading: Any, rows: Any) -> dict[Target, list[SyncResult]]:
    """The newest five that count for the breaker, of these objects."""
    newest = func.row_number().over(
        partition_by=(syncs.c.connection, syncs.c.object),
        order_by=(syncs.c.started_at.desc(), syncs.c.id.desc()),
    )
    names = [cast([getattr(row, each) for row in rows], ARRAY(Text)) for each in TARGET]
    wanted = func.unnest(*names).table_valued(*TARGET).render_derived(name="wanted")
    ranked = (
        select(*COLUMNS, newest.label("place"))
        .join(
            wanted,
            (wanted.c.connection == syncs.c.connection) & (wanted.c.object == syncs.c.object),
        )
        .where(
            syncs.c.status.in_(COUNTED),
            func.coalesce(syncs.c.error_code, "").not_in(UNCOUNTED),
        )
        .subquery()
    )
    query = select(ranked).where(ranked.c.place <= FAILURES).order_by(ranked.c.place)
    found: dict[Target, list[SyncResult]] = {}
    for row in reading.execute(query).mappings():
        result = result_of(row)
        found.setdefault(result.target, []).append(result)
    return found
