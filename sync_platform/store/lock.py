"""Secrets are encrypted here before they leave this process, and opened nowhere else."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg.sql import SQL, Composed, Identifier

from sync_platform.engine.ports import Secret
from sync_platform.errors import ConfigurationError
from sync_platform.store.database import Database
from sync_platform.store.keys import lock_for


class Lock:
    """Closes with the newest key, opens with any. Prints as `Lock(…)`."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: Fernet keys, newest first. Raises ConfigurationError where one is none."""
        self._any: MultiFernet = lock_for(keys)
        self._newest = Fernet(keys[0])

    def __repr__(self) -> str:
        return "Lock(…)"

    def close(self, secret: Secret) -> bytes:
        """The secret, encrypted."""
        return self._any.encrypt(json.dumps(dict(secret)).encode())

    def open(self, closed: bytes, what: str, mend: str) -> Secret:
        """The secret. Raises ConfigurationError where no key opens it: `what` it is ("the saved
        sign-in of acme"), and what else than finding the key would `mend` that."""
        try:
            return Secret(json.loads(self._any.decrypt(closed)))
        except InvalidToken:
            raise ConfigurationError(
                f"None of the keys opens {what}. Add the key it was saved with to "
                "SYNC_PLATFORM_KEYS (without that setting: to the file `keys` in "
                f"SYNC_PLATFORM_HOME), or {mend}."
            ) from None

    def newest_opens(self, closed: bytes) -> bool:
        """Whether it needs no older key."""
        return _opens(self._newest, closed)

    def opens(self, closed: bytes) -> bool:
        """Whether any key opens it."""
        return _opens(self._any, closed)

    def renewed(self, closed: bytes) -> bytes:
        """The same, closed with the newest key."""
        return self._any.rotate(closed)


def _opens(key: Fernet | MultiFernet, closed: bytes) -> bool:
    try:
        key.decrypt(closed)
    except InvalidToken:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """How many secrets were closed with the newest key, and whose no key opens."""

    count: int
    lost: tuple[str, ...] = ()


class Locked:
    """All secrets of one table, to encrypt them anew: `name` tells its rows apart."""

    def __init__(self, database: Database, lock: Lock, table: str, name: str) -> None:
        self._database, self._lock, self._name, self.what = database, lock, name, table

    def old(self) -> list[str]:
        """The rows that the newest key does not open."""
        kept = self._about("SELECT {name} AS name, secret FROM {table} WHERE secret IS NOT NULL")
        with self._database.statement() as session:
            rows = session.execute(kept).fetchall()
        return [row["name"] for row in rows if not self._lock.newest_opens(row["secret"])]

    def renew(self) -> Renewed:
        """Close with the newest key what an older one opens. What no key opens stays as it is. A
        row that is being renewed elsewhere is waited for."""
        wanted = self._about("SELECT secret FROM {table} WHERE {name} = %s FOR UPDATE")
        renewed = self._about("UPDATE {table} SET secret = %s WHERE {name} = %s")
        done, lost = 0, []
        for name in self.old():
            with self._database.transaction() as session:
                row = session.execute(wanted, (name,)).fetchone()
                closed = row["secret"] if row else None
                if closed is not None and not self._lock.opens(closed):
                    lost.append(name)
                elif closed is not None:
                    session.execute(renewed, (self._lock.renewed(closed), name))
                    done += 1
        return Renewed(count=done, lost=tuple(lost))

    def _about(self, statement: LiteralString) -> Composed:
        """The statement, of this table."""
        return SQL(statement).format(
            table=Identifier("sync_platform", self.what), name=Identifier(self._name)
        )
