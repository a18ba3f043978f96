"""The latest of every object's syncs: as little as tells how hundreds of connections are."""

from typing import Any

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.overview import Glance
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.store.database import Database
from sync_platform.store.history_sql import BREAKER, COUNTS, RESUMED_AT
from sync_platform.store.pool import Session
from sync_platform.store.records import COLUMNS, fulls_of, rows_of
from sync_platform.store.statements import columns, written

# One step into an index for each object, whatever the length of its history.
LATEST = f"""
    SELECT t.connection, t.object, t.last_started_at, t.last_full_started_at,
           t.full_well_at, t.full_tries, t.full_error,
           latest.status, latest.mode, latest.finished_at,
           EXISTS (
               SELECT FROM sync_platform.syncs s WHERE s.status = 'running'
               AND s.connection = t.connection AND s.object = t.object
           ) AS running,
           {RESUMED_AT}
    FROM sync_platform.sync_targets t
    JOIN sync_platform.connections c ON c.name = t.connection
    JOIN sync_platform.connection_objects o
        ON o.connection = t.connection AND o.object = t.object
    LEFT JOIN LATERAL (
        SELECT s.status, s.mode, s.finished_at
        FROM sync_platform.syncs s
        WHERE s.connection = t.connection AND s.object = t.object AND s.status = ANY(%(counted)s)
        ORDER BY s.started_at DESC, s.id DESC LIMIT 1
    ) latest ON true
    WHERE %(connection)s::text IS NULL OR t.connection = %(connection)s
"""

# The newest five that count for the breaker, of these objects.
NEWEST = written(
    """
    SELECT * FROM (
        SELECT {}, row_number() OVER (
            PARTITION BY s.connection, s.object ORDER BY s.started_at DESC, s.id DESC
        ) AS place
        FROM sync_platform.syncs s
        JOIN unnest(%(connections)s::text[], %(objects)s::text[]) AS wanted (connection, object)
            ON wanted.connection = s.connection AND wanted.object = s.object
        WHERE {}
    ) ranked
    WHERE place <= %(failures)s
    ORDER BY place
""",
    columns(COLUMNS, "s"),
    COUNTS,
)


class Glances:
    """Glances at the history. Raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, connection: str | None = None) -> dict[Target, Glance]:
        """Of every chosen object that has ever synced (of one connection), in two queries."""
        with self._database.transaction() as session:
            asked = BREAKER | {"connection": connection}
            rows = session.execute(LATEST, asked, prepare=False).fetchall()
            unsure = [_target(row) for row in rows if not _well(row)]
            failures = _failures(session, unsure) if unsure else {}
        return {
            target: Glance(
                last_started_at=row["last_started_at"],
                last_finished_at=row["finished_at"],
                last_status=SyncStatus(row["status"]) if row["status"] else None,
                running=row["running"],
                failures=failures.get(target, ()),
                resumed_at=row["resumed_at"],
                fulls=fulls_of(row),
            )
            for row in rows
            if (target := _target(row))
        }


def _well(row: dict[str, Any]) -> bool:
    """Whether the latest sync tells that no failure counts for the breaker. A refusal and a refresh
    of computed fields do not count for it, and hide what does."""
    if row["status"] is None:
        return True
    computed = row["mode"] == SyncMode.COMPUTED.value
    return row["status"] == SyncStatus.SUCCEEDED.value and not computed


def _target(row: dict[str, Any]) -> Target:
    return Target(row["connection"], row["object"])


def _failures(session: Session, targets: list[Target]) -> dict[Target, list[SyncResult]]:
    wanted = {
        "connections": [each.connection for each in targets],
        "objects": [each.object for each in targets],
    }
    found: dict[Target, list[SyncResult]] = {}
    for result in rows_of(session.execute(NEWEST, BREAKER | wanted)):
        found.setdefault(result.target, []).append(result)
    return found
