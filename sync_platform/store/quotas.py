"""The connections' rate-limit buckets, shared by all processes: a row each, the server's clock."""

from collections.abc import Sequence

from sync_platform.engine.ports import Budget
from sync_platform.store.database import Database

# One statement for all buckets, which commits itself without waiting for the disk: what a crash of
# the server forgets is a fraction of a second of calls. Rows are locked in the order of their
# names, so that no two callers wait for each other. Tokens may go below zero: they are then
# reservations, and whoever made one waits until it is covered.
TAKE = """
    INSERT INTO sync_platform.quotas AS kept
           (connection, name, calls, seconds, tokens, filled_at)
    SELECT %(connection)s, asked.name, coalesce(heard.calls, asked.calls),
           coalesce(heard.seconds, asked.seconds), asked.calls - 1, clock_timestamp()
    FROM unnest(%(names)s::text[], %(calls)s::float8[], %(seconds)s::float8[],
                %(declared)s::bool[]) AS asked (name, calls, seconds, declared)
         LEFT JOIN (SELECT * FROM sync_platform.quotas WHERE connection = %(connection)s) AS heard
         ON heard.name = asked.name AND asked.declared,
         set_config('synchronous_commit', 'off', true)
    ORDER BY asked.name
    ON CONFLICT (connection, name) DO UPDATE SET
        calls = excluded.calls,
        seconds = excluded.seconds,
        tokens = least(
            excluded.calls,
            kept.tokens + excluded.calls / excluded.seconds * greatest(
                0, extract(epoch FROM excluded.filled_at - kept.filled_at)::float8
            )
        ) - 1,
        filled_at = greatest(kept.filled_at, excluded.filled_at)
    RETURNING greatest(
        0,
        (%(reserve)s * calls - tokens) * seconds / calls,
        extract(epoch FROM blocked_until - clock_timestamp())::float8
    ) AS wait
"""

LOWER = """
    INSERT INTO sync_platform.quotas AS kept
           (connection, name, calls, seconds, tokens, filled_at)
    SELECT %(connection)s, %(name)s, %(calls)s, %(seconds)s, least(%(left)s, %(calls)s),
           clock_timestamp()
    FROM set_config('synchronous_commit', 'off', true)
    ON CONFLICT (connection, name) DO UPDATE SET
        calls = excluded.calls,
        seconds = excluded.seconds,
        tokens = least(
            excluded.tokens,
            kept.tokens + excluded.calls / excluded.seconds * greatest(
                0, extract(epoch FROM excluded.filled_at - kept.filled_at)::float8
            )
        ),
        filled_at = greatest(kept.filled_at, excluded.filled_at)
"""

BLOCK = """
    INSERT INTO sync_platform.quotas AS kept
           (connection, name, calls, seconds, tokens, filled_at, blocked_until)
    SELECT %(connection)s, name, calls, seconds, calls, clock_timestamp(),
           clock_timestamp() + make_interval(secs => %(wait)s)
    FROM unnest(%(names)s::text[], %(calls)s::float8[], %(seconds)s::float8[])
         AS asked (name, calls, seconds),
         set_config('synchronous_commit', 'off', true)
    ORDER BY name
    ON CONFLICT (connection, name) DO UPDATE SET
        blocked_until = greatest(kept.blocked_until, excluded.blocked_until)
"""


class Quotas:
    """The buckets, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, connection: str, budgets: Sequence[Budget], *, reserve: float = 0.0) -> float:
        """Take a call out of each bucket at once; the seconds to wait before making it.

        A bucket holds `calls` and fills up at `calls` in `seconds`. `reserve` (0 to 1) is the share
        of a bucket that must stay for more urgent callers. The call is taken even if it must wait.
        """
        if not budgets:
            return 0.0
        asked = {"reserve": float(reserve), **_asked(connection, budgets)}
        with self._database.statement() as session:
            waits = [row["wait"] for row in session.execute(TAKE, asked)]
        return float(max(waits, default=0.0))

    def lower(self, connection: str, budget: Budget, left: float) -> None:
        """The vendor said how many calls are left: the bucket holds no more than these."""
        with self._database.statement() as session:
            session.execute(
                LOWER,
                {
                    "connection": connection,
                    "name": budget.name,
                    "calls": float(budget.calls),
                    "seconds": float(budget.seconds),
                    "left": float(left),
                },
            )

    def block(self, connection: str, budgets: Sequence[Budget], seconds: float) -> None:
        """The vendor said to wait: nobody calls on these buckets for so long."""
        if not budgets:
            return
        with self._database.statement() as session:
            session.execute(BLOCK, {"wait": float(seconds), **_asked(connection, budgets)})


def _asked(connection: str, budgets: Sequence[Budget]) -> dict[str, object]:
    by_name = {budget.name: budget for budget in budgets}  # one row may be touched only once
    return {
        "connection": connection,
        "names": list(by_name),
        "calls": [float(budget.calls) for budget in by_name.values()],
        "seconds": [float(budget.seconds) for budget in by_name.values()],
        "declared": [budget.declared for budget in by_name.values()],
    }
