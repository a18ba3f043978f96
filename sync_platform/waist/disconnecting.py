"""Disconnecting: a connection is forgotten, and its tables are people's own from then on."""

from sync_platform.errors import UnknownConnection
from sync_platform.waist import tokens
from sync_platform.waist.parts import Parts


def disconnect(parts: Parts, name: str) -> bool:
    """Forget the connection. Whoever is killed at it asks again, and what is left is done; False
    where that was only to unlock its tables. Raises UnknownConnection where nothing is left.

    A sync may lock them until the connection is gone, so they are unlocked after that, too; one
    that does it still later unlocks them when it ends (`planning`).
    """
    try:
        connection = parts.store.get(name)
    except UnknownConnection:
        if parts.destination.unlock_left(name):
            return False
        raise
    parts.destination.unlock(connection.schema)
    tokens.revoke(parts, connection)
    parts.store.remove(name)
    parts.destination.unlock(connection.schema)
    return True
