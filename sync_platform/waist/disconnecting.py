"""Disconnecting: a connection is forgotten, and its tables are people's own from then on."""

from sync_platform.engine.ports import Secret
from sync_platform.errors import UnknownConnection
from sync_platform.waist import tokens
from sync_platform.waist.parts import Parts


def disconnect(parts: Parts, name: str) -> bool:
    """Forget the connection. Whoever is killed at it asks again, and what is left is done; False
    where that was only to unlock its tables. Raises UnknownConnection where nothing is left.

    A sync may lock them until the connection is gone, so they are unlocked after that, too; one
    that does it still later unlocks them when it ends (`planning`). The vendor is told that the
    tokens are over only once the connection is gone: one that stays, because it could not be
    removed, still works. Whoever is killed in between leaves them to end at the vendor by
    themselves.
    """
    try:
        connection = parts.store.get(name)
    except UnknownConnection:
        if parts.destination.unlock_left(name):
            return False
        raise
    secrets: list[Secret] = []
    parts.destination.unlock(connection.schema)
    parts.store.remove(name, lambda: secrets.append(tokens.kept(parts, connection)))
    tokens.revoke(parts, connection, secrets[-1])
    parts.destination.unlock(connection.schema)
    return True
