"""The connections' secrets: encrypted before they leave this process, opened only here."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from sync_platform.engine.ports import Secret
from sync_platform.errors import ConfigurationError, NeedsReauth, StoreUnavailable
from sync_platform.store.database import Database
from sync_platform.store.keys import load_or_make_keys, lock_for
from sync_platform.store.tables import credentials

__all__ = ["Credentials", "load_or_make_keys"]

ATTEMPTS = 3  # to keep a fresh secret: vendors that rotate have thrown the old one away


class Credentials:
    """The secrets, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database, keys: Sequence[str]) -> None:
        """`keys`: Fernet keys, newest first. Raises ConfigurationError where one is none."""
        self._database = database
        self._lock = lock_for(keys)

    def __repr__(self) -> str:
        return "Credentials(…)"

    def save(self, connection: str, secret: Secret) -> None:
        """Keep a connection's secret, in place of the one before.

        Raises UnknownConnection where there is no such connection.
        """
        offered = insert(credentials).values(
            connection=connection, secret=self._closed(secret), version=1, updated_at=func.now()
        )
        with self._database.transaction() as transaction:
            transaction.execute(
                offered.on_conflict_do_update(
                    index_elements=["connection"],
                    set_={
                        "secret": offered.excluded.secret,
                        "version": credentials.c.version + 1,
                        "updated_at": offered.excluded.updated_at,
                    },
                )
            )

    def read(self, connection: str) -> Secret:
        """The secret, opened. Raises NeedsReauth where there is none, ConfigurationError where no
        key opens it."""
        with self._database.statement() as reading:
            row = reading.execute(_wanted(connection)).first()
        return self._opened(connection, row)

    def rotate(self, connection: str, refresh: Callable[[Secret], Secret]) -> Secret:
        """Replace the secret by what `refresh` makes of it, one process at a time.

        `refresh` is given the secret as it is once the lock is held: another process may have
        renewed it, and then it gives it back as it is. What it raises goes on; nothing is changed.
        """
        fresh: Secret | None = None
        version = 0
        try:
            with self._database.transaction() as transaction:
                row = transaction.execute(_wanted(connection).with_for_update()).first()
                current = self._opened(connection, row)
                version = row.version if row else 0
                renewed = refresh(current)
                if renewed == current:
                    return current
                fresh = renewed
                self._replace(transaction, connection, fresh, version)
        except StoreUnavailable:
            if fresh is None:
                raise
            self._keep(connection, fresh, version)
        return fresh

    def reencrypt(self) -> int:
        """Encrypt all secrets with the newest key; how many there are. Older keys can go then."""
        with self._database.statement() as reading:
            names = reading.scalars(select(credentials.c.connection)).all()
        for name in names:
            with self._database.transaction() as transaction:
                row = transaction.execute(_wanted(name).with_for_update()).first()
                if row is not None:
                    self._replace(transaction, name, self._opened(name, row), row.version)
        return len(names)

    def _keep(self, connection: str, fresh: Secret, version: int) -> None:
        """The store went away after the vendor gave a new secret: try hard not to lose it."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._database.transaction() as transaction:
                    self._replace(transaction, connection, fresh, version)
                return
            except StoreUnavailable:
                if attempt == ATTEMPTS:
                    raise

    def _replace(
        self, transaction: Connection, connection: str, secret: Secret, version: int
    ) -> None:
        transaction.execute(
            update(credentials)
            .where(credentials.c.connection == connection, credentials.c.version == version)
            .values(secret=self._closed(secret), version=version + 1, updated_at=func.now())
        )

    def _closed(self, secret: Secret) -> bytes:
        return self._lock.encrypt(json.dumps(dict(secret)).encode())

    def _opened(self, connection: str, row: Row[Any] | None) -> Secret:
        if row is None:
            raise NeedsReauth(f"{connection} has no sign-in saved. Connect it again.")
        try:
            return Secret(json.loads(self._lock.decrypt(row.secret)))
        except InvalidToken:
            raise ConfigurationError(
                f"None of the keys opens the saved sign-in of {connection}. Add the key it was "
                "saved with to SYNC_PLATFORM_KEYS (without that setting: to the file `keys` in "
                f"SYNC_PLATFORM_HOME), or connect {connection} again."
            ) from None


def _wanted(connection: str) -> Any:
    return select(credentials.c.secret, credentials.c.version).where(
        credentials.c.connection == connection
    )
