"""The statements of the history, and what they are asked with."""

from psycopg.sql import SQL

from sync_platform.engine.breaker import FAILURES, HOPELESS, UNCOUNTED
from sync_platform.engine.results import SyncStatus
from sync_platform.errors import TooManyDeletes
from sync_platform.store.records import COLUMNS
from sync_platform.store.statements import assignments, columns, inserting, written

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

ONE = written("SELECT {} FROM sync_platform.syncs WHERE id = %s", columns(COLUMNS))

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

# An object's latest resuming: its own, that of its connection, or that a person chose it anew. Who
# changes only its filters or interval leaves `chosen_at` as it was.
RESUMED_AT = "greatest(c.resumed_at, o.resumed_at, o.chosen_at) AS resumed_at"

KNOWN = f"""
    SELECT t.connection, t.object,
           t.last_started_at, t.last_full_started_at, t.last_computed_at,
           t.full_well_at, t.full_tries, t.full_error,
           EXISTS (
               SELECT FROM sync_platform.syncs s WHERE s.status = 'running'
               AND s.connection = t.connection AND s.object = t.object
           ) AS running,
           {RESUMED_AT}
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
