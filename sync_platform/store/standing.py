"""Locks that a process holds for as long as it lives, so that all others can see that it does.

They are session-level advisory locks, like the leases: Postgres frees them when the holder is gone.
"""

from collections.abc import Collection
from contextlib import suppress

import psycopg

from sync_platform.store.addresses import KEEPALIVES, conninfo
from sync_platform.store.database import in_our_words
from sync_platform.store.leases import SESSION

# The holder learns within 15 seconds that the network to the server is gone; the server frees the
# lock of a machine that is gone after a minute. So the holder knows first.
NOTICES = KEEPALIVES | {
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "tcp_user_timeout": "15000",
}
HELD = """
    SELECT name FROM unnest(%s::text[]) AS name
    WHERE EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (classid::bigint << 32 | objid::bigint) = hashtextextended(name, 0)
    )
"""


class Standing:
    """One such lock. Every method raises StoreUnavailable where the database cannot be reached."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._conninfo = conninfo(url, SESSION, **NOTICES)
        self._name = _full(name)
        self._session: psycopg.Connection | None = None

    def take(self) -> bool:
        """Hold it from now on; False where somebody else does."""
        try:
            if self._session is None or self._session.closed:
                self._session = psycopg.connect(self._conninfo, autocommit=True)
            row = self._session.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (self._name,)
            ).fetchone()
        except psycopg.Error as error:
            self.close()
            raise in_our_words(error, self._url) from error
        return row is not None and bool(row[0])

    def check(self) -> None:
        """Returns if it is still held: the session that took it lives."""
        try:
            if self._session is None:
                raise psycopg.OperationalError("the session has ended")
            self._session.execute("SELECT 1")
        except psycopg.Error as error:
            self.close()
            raise in_our_words(error, self._url) from error

    def close(self) -> None:
        """Let go of it at once: a closed session's locks last until the server notices."""
        if self._session is not None:
            with suppress(psycopg.Error):
                self._session.execute("SELECT pg_advisory_unlock_all()")
            self._session.close()
            self._session = None


def held(url: str, names: Collection[str]) -> set[str]:
    """Those of these locks that some process holds. Raises StoreUnavailable."""
    full = {_full(name): name for name in names}
    try:
        with psycopg.connect(conninfo(url, SESSION, **NOTICES), autocommit=True) as session:
            return {full[row[0]] for row in session.execute(HELD, (list(full),))}
    except psycopg.Error as error:
        raise in_our_words(error, url) from error


def lock_of(up: str) -> str:
    """The lock that a `sync-platform up` holds, by the id of its start."""
    return f"up {up}"


def _full(name: str) -> str:
    return f"sync_platform {name}"
