"""One sync an object, two a connection, across all processes: session-level advisory locks.

Postgres frees the locks of a process that is gone, so no lease ever outlives its holder. Each hold
has a connection of its own; a pooler that shares sessions between transactions cannot be used here.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import blake2b

import psycopg
from psycopg import sql

from sync_platform.engine.results import Target
from sync_platform.errors import AlreadySyncing
from sync_platform.store.addresses import KEEPALIVES, conninfo
from sync_platform.store.database import in_our_words

SLOTS = 2  # syncs of one connection at a time
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 1.0  # seconds between two tries

# Sync sessions are idle for hours: a server's limit on that must not end them.
SESSION = {"idle_session_timeout": "0"}


class Leases:
    """The leases, in Postgres. Every method raises StoreUnavailable where it cannot be reached."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._conninfo = conninfo(url, SESSION, **KEEPALIVES)

    @contextmanager
    def hold(self, target: Target, *, wait: timedelta) -> Iterator[None]:
        """Hold the lease for the length of the block.

        Raises AlreadySyncing after `wait` without it (0: at once), naming what is busy: the object,
        or the connection with two others.
        """
        session = self._connect()
        try:
            self._take(session, target, wait)
            yield
        finally:
            _release(session)

    def busy(self, target: Target) -> bool:
        """Whether a sync of this object runs somewhere (or waits for its connection) right now.

        It looks without touching: a try of the lock could turn away a sync that begins just now.
        """
        return _object_key(target) in self._held(target)

    def why_not(self, target: Target) -> str | None:
        """Why a sync of this object could not begin right now, in a sentence; None if it could."""
        held = self._held(target)
        object_busy = _object_key(target) in held
        if object_busy or held.issuperset(_slot_keys(target)):
            return str(_busy(target, timedelta(0), object_busy=object_busy))
        return None

    def _held(self, target: Target) -> set[int]:
        """Which of the locks that a sync of the object needs somebody holds, as `busy` looks."""
        session = self._connect()
        try:
            rows = session.execute(
                """
                SELECT classid::bigint << 32 | objid::bigint FROM pg_locks
                WHERE locktype = 'advisory' AND granted AND objsubid = 1
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND (classid::bigint << 32 | objid::bigint) = ANY(%s)
                """,
                ([_object_key(target), *_slot_keys(target)],),
            ).fetchall()
        except psycopg.Error as error:
            raise in_our_words(error, self._url) from error
        finally:
            session.close()
        return {key for (key,) in rows}

    def _connect(self) -> psycopg.Connection:
        try:
            return psycopg.connect(self._conninfo, autocommit=True)
        except psycopg.Error as error:
            raise in_our_words(error, self._url) from error

    def _take(self, session: psycopg.Connection, target: Target, wait: timedelta) -> None:
        """First the object, then a slot; the object is kept while waiting for one, in fairness."""
        until = time.monotonic() + wait.total_seconds()
        pause = FIRST_PAUSE
        keys = [_object_key(target)]
        slots = _slot_keys(target)
        while True:
            try:
                if keys and _try_any(session, keys):
                    keys = []
                if not keys and _try_any(session, slots):
                    return
            except psycopg.Error as error:
                raise in_our_words(error, self._url) from error
            left = until - time.monotonic()
            if left <= 0:
                raise _busy(target, wait, object_busy=bool(keys))
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)


def _try_any(session: psycopg.Connection, keys: list[int]) -> bool:
    """Take the first of these locks that is free."""
    tries = sql.SQL(" ").join([sql.SQL("WHEN pg_try_advisory_lock(%s) THEN true")] * len(keys))
    # CASE stops at the first success; OR does not promise to.
    query = sql.SQL("SELECT CASE {} ELSE false END").format(tries)
    row = session.execute(query, keys).fetchone()
    return row is not None and bool(row[0])


def _release(session: psycopg.Connection) -> None:
    """Free the locks at once: a closed connection's last only until the server notices."""
    try:
        session.execute("SELECT pg_advisory_unlock_all()")
    except psycopg.Error:
        pass  # the session is gone, and its locks with it
    finally:
        session.close()


def _busy(target: Target, wait: timedelta, *, object_busy: bool) -> AlreadySyncing:
    waited = f" (waited {wait.total_seconds():g} s)" if wait else ""
    if object_busy:
        return AlreadySyncing(f"{target} is being synced already{waited}.")
    return AlreadySyncing(
        f"{target.connection} runs {SLOTS} syncs already, as many as a connection may; "
        f"{target.object} has to wait{waited}."
    )


def _object_key(target: Target) -> int:
    return _key("object", target.connection, target.object)


def _slot_keys(target: Target) -> list[int]:
    return [_key(f"slot {number}", target.connection) for number in range(SLOTS)]


def _key(*parts: str) -> int:
    """64 bits, the same in every process."""
    text = "\0".join(("sync_platform", *parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
