"""What tests do with a pool's sessions, and a way to the server that loses them."""

import socket
import threading
from contextlib import ExitStack, suppress
from time import monotonic

import psycopg
from psycopg.conninfo import make_conninfo

from sync_platform.store.addresses import conninfo, parameters
from sync_platform.store.database import Database
from sync_platform.store.pool import Pool, Session


def used(pool: Pool) -> Session:
    """The session that it gives, which has been asked something."""
    with pool.session() as session:
        session.execute("SELECT 1")
    return session


def at_once(pool: Pool, count: int) -> list[Session]:
    """So many sessions that were all in use, and then given back."""
    with ExitStack() as in_use:
        return [in_use.enter_context(pool.session()) for _ in range(count)]


def end(other: psycopg.Connection, session: Session) -> None:
    """The server ends the session; returns when that is done."""
    gone = other.execute("SELECT pg_terminate_backend(%s, 5000)", (session.info.backend_pid,))
    assert gone.fetchone() == (True,)


def wait_for_a_locked_session(store: Database, count: int = 1) -> None:
    """Until so many sessions wait for a lock."""
    waiting = """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    until = monotonic() + 20
    with store.statement() as session:
        while session.execute(waiting).rowcount < count:
            assert monotonic() < until, "nobody waits for the lock"


def end_other_sessions(database: str) -> None:
    """The server ends all sessions but the one that tells it to."""
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


class Forgetful:
    """A way to the server on which there is something that tires of idle sessions: it forgets them,
    tells nobody, and hangs up on whoever uses one that it has forgotten."""

    def __init__(self, database: str) -> None:
        self._server = parameters(database)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ways: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.conninfo = make_conninfo(
            conninfo(database), host="127.0.0.1", port=self._listener.getsockname()[1]
        )

    def forget(self) -> None:
        for _, there in self._ways:
            with suppress(OSError):
                there.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in (it for way in self._ways for it in way):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (it for way in self._ways for it in way):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                here, _ = self._listener.accept()
                there = self._connect()
                self._ways.append((here, there))
                for pump in (self._ask, self._answer):
                    thread = threading.Thread(target=pump, args=(here, there))
                    self._threads.append(thread)
                    thread.start()

    def _connect(self) -> socket.socket:
        host, port = str(self._server.get("host", "127.0.0.1")), self._server.get("port", 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        there = socket.socket(socket.AF_UNIX)
        there.connect(f"{host}/.s.PGSQL.{port}")
        return there

    def _ask(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while asked := here.recv(65536):
                there.sendall(asked)
        for each in (here, there):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _answer(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while told := there.recv(65536):
                here.sendall(told)
