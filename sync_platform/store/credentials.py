"""The connections' secrets, which are encrypted before they leave this process."""

from collections.abc import Callable, Sequence
from typing import Any

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Secret
from sync_platform.errors import (
    NeedsReauth,
    SignedInAnew,
    StoreUnavailable,
    VendorUnavailable,
)
from sync_platform.store.database import Database
from sync_platform.store.keys import load_or_make_keys
from sync_platform.store.lock import Lock, Locked
from sync_platform.store.outlasting import outlasting
from sync_platform.store.pool import Session

__all__ = ["Credentials", "load_or_make_keys"]

WAITED = 150  # seconds for another process's renewal: more than one takes
HELD = 180  # seconds for the vendor's answer; then the server ends our transaction
LOCK_TIMEOUT = "55P03"

# Whatever the server's own limits are; those that it does not know are left out.
PATIENTLY = f"""
    SELECT set_config(name, value, true)
    FROM (VALUES
        ('lock_timeout', '{WAITED}s'),
        ('idle_in_transaction_session_timeout', '{HELD}s'),
        ('statement_timeout', '0'),
        ('transaction_timeout', '0')
    ) AS wanted (name, value)
    JOIN pg_settings USING (name)
"""
HELD_ALONE = "SELECT FROM sync_platform.credentials WHERE connection = %s FOR UPDATE"
WANTED = """
    SELECT secret, version, whole.connector, whole.created_at, whole.account_id, whole.base_url,
           whole.settings
    FROM sync_platform.credentials
    JOIN sync_platform.connections AS whole ON whole.name = connection
    WHERE connection = %s
"""


class Credentials:
    """The secrets, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database, keys: Sequence[str]) -> None:
        """`keys`: Fernet keys, newest first. Raises ConfigurationError where one is none."""
        self._database = database
        self._lock = Lock(keys)
        self.locked = Locked(database, self._lock, "credentials", "connection")

    def __repr__(self) -> str:
        return "Credentials(…)"

    def save(self, connection: str, secret: Secret) -> None:
        """Keep a connection's secret, in place of the one before.

        Raises UnknownConnection where there is no such connection.
        """
        with self._database.transaction() as session:
            session.execute(
                """
                INSERT INTO sync_platform.credentials AS kept
                    (connection, secret, version, updated_at)
                VALUES (%s, %s, 1, now())
                ON CONFLICT (connection) DO UPDATE SET
                    secret = excluded.secret,
                    version = kept.version + 1,
                    updated_at = excluded.updated_at
                """,
                (connection, self._lock.close(secret)),
            )

    def read(self, connection: str | Connection) -> Secret:
        """The secret, opened: of the connection of that name, or of this very one. Raises
        NeedsReauth where there is none, ConfigurationError where no key opens it, SignedInAnew
        where this one is for another account, another address or other settings by now: its secret
        is for these alone."""
        with self._database.statement() as session:
            row = session.execute(WANTED, (_name(connection),)).fetchone()
        return self._opened(connection, row)

    def rotate(self, connection: str | Connection, refresh: Callable[[Secret], Secret]) -> Secret:
        """Replace the secret by what `refresh` makes of it, one process at a time; gives what is
        kept then, once it is committed.

        `refresh` is given the secret as it is once the lock is held: another process may have
        renewed it, and then it gives it back as it is. What it raises goes on, and nothing is
        changed; but after a NeedsReauth the secret is read again, and another one that stands there
        by now is given. `refresh` must take less than HELD. Raises VendorUnavailable where others
        hold the lock for longer than WAITED, and what `read` does.
        """
        name = _name(connection)
        given: Secret | None = None
        fresh: Secret | None = None
        version = 0
        try:
            with self._database.apart() as session:  # it waits for a vendor: not in the pool
                session.execute(PATIENTLY)
                session.execute(HELD_ALONE, (name,))
                row = session.execute(WANTED, (name,)).fetchone()
                given = self._opened(connection, row)
                version = row["version"] if row else 0
                renewed = refresh(given)
                if renewed == given:
                    return given
                fresh = renewed
                if self._replace(session, connection, fresh, version):
                    return fresh
        except (StoreUnavailable, NeedsReauth) as error:
            if fresh is None:
                return self._another(connection, given, error)
        return self._keep(connection, fresh, version)

    def _another(
        self, connection: str | Connection, given: Secret | None, error: Exception
    ) -> Secret:
        """The secret that someone else put there meanwhile; raises the error where nobody did."""
        if isinstance(error, StoreUnavailable) and error.evidence.get("sqlstate") == LOCK_TIMEOUT:
            raise VendorUnavailable(
                f"The sign-in of {_name(connection)} has been waiting to be renewed for long: "
                "another process is at it, and the vendor does not answer. It will be tried again "
                "later."
            ) from error
        if given is not None and (now := self.read(connection)) != given:
            return now
        raise error

    def _keep(self, connection: str | Connection, fresh: Secret, version: int) -> Secret:
        """The store went away after the vendor gave a new secret: try hard not to lose it, since
        vendors that rotate have thrown the old one away.

        Gives what is kept: another's secret, where someone has replaced the old one meanwhile.
        """

        def keep() -> Secret:
            with self._database.apart() as session:
                session.execute(PATIENTLY)
                replaced = self._replace(session, connection, fresh, version)
            return fresh if replaced else self.read(connection)

        try:
            return outlasting(keep)
        except StoreUnavailable as error:
            raise StoreUnavailable(
                f"The platform's own database went away while the renewed sign-in of "
                f"{_name(connection)} was being saved. If the vendor has ended the old one by "
                f"now, {_name(connection)} must be connected again.",
                evidence=error.evidence,
            ) from error

    def _replace(
        self, session: Session, connection: str | Connection, secret: Secret, version: int
    ) -> bool:
        """Whether the secret of that version was still there to be replaced, and not another
        connection's that has the name by now."""
        replaced = session.execute(
            """
            UPDATE sync_platform.credentials
            SET secret = %(secret)s, version = version + 1, updated_at = now()
            WHERE connection = %(connection)s AND version = %(version)s AND EXISTS (
                SELECT FROM sync_platform.connections WHERE name = %(connection)s
                AND created_at = coalesce(%(created_at)s, created_at))
            """,
            {
                "secret": self._lock.close(secret),
                "connection": _name(connection),
                "version": version,
                "created_at": connection.created_at if isinstance(connection, Connection) else None,
            },
        )
        return replaced.rowcount == 1

    def _opened(self, connection: str | Connection, row: dict[str, Any] | None) -> Secret:
        name = _name(connection)
        if row is None:
            raise NeedsReauth(f"{name} has no sign-in saved. Connect it again.")
        if isinstance(connection, Connection) and _is_another(connection, row):
            raise SignedInAnew(
                f"{name} was signed in anew while it was read: it is for another account or "
                "another address by now, or has other settings. What was read so far is kept, and "
                "the next sync goes by the new sign-in."
            )
        return self._lock.open(
            row["secret"], f"the saved sign-in of {name}", f"connect {name} again"
        )


def _name(connection: str | Connection) -> str:
    return connection if isinstance(connection, str) else connection.name


def _is_another(known: Connection, row: dict[str, Any]) -> bool:
    """Whether the connection as it is kept is not the one that is known any more: a secret goes
    only where it was given for."""
    accounts = known.account_id, row["account_id"]
    return (
        (known.connector, known.created_at) != (row["connector"], row["created_at"])
        or (known.base_url, dict(known.settings)) != (row["base_url"], row["settings"])
        or (None not in accounts and accounts[0] != accounts[1])
    )
