"""A connection is removed with all that the store has of it, whatever else is asked of it."""

from collections.abc import Callable

from sync_platform.errors import StoreUnavailable
from sync_platform.store.database import Database
from sync_platform.store.left_schemas import remember

HELD = "SELECT FROM sync_platform.connections WHERE name = %s FOR UPDATE"
SECRET_HELD = "SELECT FROM sync_platform.credentials WHERE connection = %s FOR UPDATE"
REMOVE = "DELETE FROM sync_platform.connections WHERE name = %s"
BUDGETS = "DELETE FROM sync_platform.quotas WHERE connection = %s"
DEADLOCK = "40P01"
TRIES = 5


def removed(database: Database, name: str, last: Callable[[], object]) -> bool:
    """Whether there was a connection of that name; it is gone now. `last` is called in the same
    transaction, once nobody renews its secret any more.

    A sync that begins has the row of its object and wants the connection's, the other way round
    than here. Where Postgres gives this one up for it, it is done again, `last` too. Raises
    StoreUnavailable, also where it was given up so often.
    """
    for _ in range(TRIES - 1):
        try:
            return _removed(database, name, last)
        except StoreUnavailable as error:
            if error.evidence.get("sqlstate") != DEADLOCK:
                raise
    return _removed(database, name, last)


def _removed(database: Database, name: str, last: Callable[[], object]) -> bool:
    with database.together(), database.transaction() as session:
        if not session.execute(HELD, (name,)).rowcount:
            return False
        session.execute(SECRET_HELD, (name,))
        last()
        remember(session, name)
        session.execute(REMOVE, (name,))
        session.execute(BUDGETS, (name,))
    return True
