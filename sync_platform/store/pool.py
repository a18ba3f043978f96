"""Sessions with Postgres that are kept open between uses.

A pool of our own, of the few lines that it takes: psycopg's connects behind one's back, so that a
server that is not there is told of after a wait and without its reason; and a command that is over
in half a second should not load SQLAlchemy for its pool.
"""

import select
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore
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
    """Nobody gave a session back for 30 seconds."""


@dataclass
class _Kept:
    session: Session
    opened_at: float = field(default_factory=monotonic)
    idle_since: float = 0.0


class Pool:
    """Opens none before it must; the one that was used last is used next."""

    def __init__(self, conninfo: str) -> None:
        """`conninfo`: for libpq."""
        self.cursor_factory: type[psycopg.Cursor[dict[str, Any]]] = psycopg.Cursor
        self._conninfo = conninfo
        self._places = BoundedSemaphore(AT_ONCE)
        self._idle: deque[_Kept] = deque()
        self._closings = 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session in autocommit, for the length of the block. One whose transaction is still open
        afterwards is closed, which rolls it back.

        Raises AllInUse, or psycopg.Error where the server cannot be reached.
        """
        if not self._places.acquire(timeout=PATIENCE):
            raise AllInUse
        try:
            closings = self._closings
            kept = self._living() or _Kept(opened(self._conninfo, self.cursor_factory))
            try:
                yield kept.session
            finally:
                self._give_back(kept, fresh=closings == self._closings)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close them all; those in use when they are given back. It can be used again."""
        self._closings += 1
        while (kept := self._taken()) is not None:
            kept.session.close()

    def _living(self) -> _Kept | None:
        while (kept := self._taken()) is not None:
            young = monotonic() - kept.opened_at < LONGEST
            if young and _lives(kept.session, asked=monotonic() - kept.idle_since > ASKED_AFTER):
                return kept
            kept.session.close()
        return None

    def _taken(self) -> _Kept | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _give_back(self, kept: _Kept, *, fresh: bool) -> None:
        usable = kept.session.info.transaction_status is TransactionStatus.IDLE
        if not (usable and fresh and len(self._idle) < KEPT):
            kept.session.close()
            return
        kept.idle_since = monotonic()
        self._idle.append(kept)


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
