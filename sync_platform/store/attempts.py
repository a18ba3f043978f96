"""Failed sign-ins, counted, so that nobody can try passwords quickly, whichever process answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sync_platform.engine.access import block_after
from sync_platform.store.database import Database

FORGOTTEN = timedelta(days=1)  # failures in a row are so far apart at most


class Attempts:
    """The counts, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, free: Mapping[str, int], now: datetime) -> float:
        """Count an attempt as failed before it is made; the seconds to wait where it may not be.

        `free`: by key, how many failures in a row are free. Counting first means that a thousand
        attempts at once are a thousand, not one.
        """
        with self._database.transaction() as transaction:
            transaction.execute(
                "DELETE FROM sync_platform.attempts WHERE last_at < %s", (now - FORGOTTEN,)
            )
            for key in sorted(free):  # in one order, so that no two callers wait for each other
                transaction.execute(
                    """
                    INSERT INTO sync_platform.attempts (key, failures, last_at) VALUES (%s, 0, %s)
                    ON CONFLICT DO NOTHING
                    """,
                    (key, now),
                )
            rows = transaction.execute(
                """
                SELECT key, failures, blocked_until FROM sync_platform.attempts
                WHERE key = ANY(%s::text[])
                ORDER BY key
                FOR UPDATE
                """,
                (list(free),),
            ).fetchall()
            waits = [row["blocked_until"] - now for row in rows if row["blocked_until"]]
            longest = max(waits, default=timedelta(0))
            if longest > timedelta(0):
                return longest.total_seconds()
            for row in rows:
                block = block_after(row["failures"] + 1, free[row["key"]])
                transaction.execute(
                    """
                    UPDATE sync_platform.attempts
                    SET failures = failures + 1, last_at = %(now)s, blocked_until = %(until)s
                    WHERE key = %(key)s
                    """,
                    {"now": now, "until": now + block if block else None, "key": row["key"]},
                )
        return 0.0

    def succeeded(self, forget: str, free: Mapping[str, int]) -> None:
        """The attempt that `begin` counted went well: `forget` starts anew, the others lose it.

        So who knows one password cannot try others' for ever.
        """
        others = [key for key in free if key != forget]
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM sync_platform.attempts WHERE key = %s", (forget,))
            transaction.execute(
                """
                UPDATE sync_platform.attempts
                SET failures = greatest(failures - 1, 0), blocked_until = NULL
                WHERE key = ANY(%s::text[])
                """,
                (others,),
            )
