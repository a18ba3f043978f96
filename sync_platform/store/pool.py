"""Sessions with Postgres that are kept open between uses.

A pool of our own, of the few lines that it takes: psycopg's connects behind one's back, so that a
server that is not there is told of after a wait and without its reason; and a command that is over
in half a second should not load SQLAlchemy for its pool.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

Session = psycopg.Connection[dict[str, Any]]

AT_ONCE = 12  # sessions in use
KEPT = 4  # sessions that nobody uses
PATIENCE = 30.0  # seconds that a caller waits for one
LONGEST = 1800.0  # seconds; what is between us and the server may tire of older ones
ASKED_AFTER = 5.0  # seconds of idling; then the server is asked before the session is used


class AllInUse(Exception):
    """Nobody gave a session back in time."""


@dataclass
class _Kept:
    session: Session
    opened_at: float = field(default_factory=monotonic)
    idle_since: float = 0.0


class Pool:
    """Opens none before it must; the one that was used last is used next. For many threads."""

    def __init__(
        self,
        conninfo: str,
        *,
        patience: float = PATIENCE,
        longest: float = LONGEST,
        asked_after: float = ASKED_AFTER,
    ) -> None:
        """`conninfo`: for libpq; the others in seconds."""
        self.cursor_factory: type[psycopg.Cursor[dict[str, Any]]] = psycopg.Cursor
        self._conninfo = conninfo
        self._patience, self._longest, self._asked_after = patience, longest, asked_after
        self._places = BoundedSemaphore(AT_ONCE)
        self._guard = Lock()  # of what follows
        self._idle: list[_Kept] = []
        self._closings = 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session in autocommit, for the length of the block.

        One whose transaction is still open afterwards is closed, which rolls it back. So is one
        that the block left with an error of Postgres, in whatever words, or was interrupted in: it
        may be the session's own, such as a statement prepared before a migration, a server that
        only reads since it was replaced, or a lock that was about to be freed.

        Raises AllInUse, or psycopg.Error where the server cannot be reached.
        """
        if not self._places.acquire(timeout=self._patience):
            raise AllInUse
        try:
            closings = self._closings
            kept = self._living() or _Kept(opened(self._conninfo, self.cursor_factory))
            try:
                yield kept.session
            except BaseException as error:
                of_postgres = any(isinstance(it, psycopg.Error) for it in (error, error.__cause__))
                if of_postgres or not isinstance(error, Exception):
                    kept.session.close()
                raise
            finally:
                self._give_back(kept, closings)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close them all; those in use when they are given back. It can be used again."""
        with self._guard:
            self._closings += 1
            idle, self._idle = self._idle, []
        for kept in idle:
            kept.session.close()

    def _living(self) -> _Kept | None:
        while (kept := self._taken()) is not None:
            now = monotonic()
            asked = now - kept.idle_since > self._asked_after
            if now - kept.opened_at < self._longest and _lives(kept.session, asked=asked):
                return kept
            kept.session.close()
        return None

    def _taken(self) -> _Kept | None:
        with self._guard:
            return self._idle.pop() if self._idle else None

    def _give_back(self, kept: _Kept, closings: int) -> None:
        usable = kept.session.info.transaction_status is TransactionStatus.IDLE
        kept.idle_since = monotonic()
        with self._guard:
            if usable and closings == self._closings and len(self._idle) < KEPT:
                self._idle.append(kept)
                return
        kept.session.close()


def opened(
    conninfo: str, cursor_factory: type[psycopg.Cursor[dict[str, Any]]] = psycopg.Cursor
) -> Session:
    """A new session in autocommit, whose rows are dicts, and whose transactions see what others
    have committed meanwhile, whatever the server's default is. Raises psycopg.Error."""
    session = psycopg.connect(
        conninfo, autocommit=True, row_factory=dict_row, cursor_factory=cursor_factory
    )
    session.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    return session


def _lives(session: Session, *, asked: bool) -> bool:
    """Whether the server still listens. From a session that idles nothing comes but its end."""
    try:
        waiting = select.poll()
        waiting.register(session.fileno(), select.POLLIN)
        if waiting.poll(0):
            return False
        if asked:
            session.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
