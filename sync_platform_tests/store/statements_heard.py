"""What a store is asked, for tests that count it."""

from typing import Any, Self

import psycopg

from sync_platform.store.database import Database

ALIVE = "SELECT 1"  # by which the pool sees whether a session that idled still lives


def heard(database: Database) -> list[str]:
    """The statements that it sends from now on, growing. Its transactions' BEGIN and COMMIT are
    not among them, nor what goes over sessions that are in use right now."""
    sent: list[str] = []

    class Heard(psycopg.Cursor[dict[str, Any]]):
        def execute(self, query: Any, *values: Any, **how: Any) -> Self:
            self._note(query)
            return super().execute(query, *values, **how)

        def executemany(self, query: Any, *values: Any, **how: Any) -> None:
            self._note(query)
            super().executemany(query, *values, **how)

        def _note(self, query: Any) -> None:
            if isinstance(query, bytes):
                query = query.decode()
            statement = query if isinstance(query, str) else query.as_string(self)
            if statement != ALIVE:
                sent.append(statement)

    database._pool.cursor_factory = Heard
    database.close()  # the sessions that idle have cursors of the other kind
    return sent
