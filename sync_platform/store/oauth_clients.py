"""Our apps at the vendors, where they are not in the settings."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from sync_platform.engine.ports import Secret
from sync_platform.engine.signing_in import OAuthClient
from sync_platform.store.database import Database
from sync_platform.store.lock import Lock, Locked
from sync_platform.store.tables import oauth_clients


class OAuthClients:
    """The OAuth clients, in the store. Every method raises StoreUnavailable where it is out of
    reach."""

    def __init__(self, database: Database, keys: Sequence[str]) -> None:
        """`keys`: Fernet keys, newest first. Raises ConfigurationError where one is none."""
        self._database = database
        self._lock = Lock(keys)
        self.locked = Locked(database, self._lock, oauth_clients, "connector")

    def __repr__(self) -> str:
        return "OAuthClients(…)"

    def set(self, connector: str, client: OAuthClient) -> None:
        """Keep the client, in place of the one before."""
        secret = Secret({"client_id": client.client_id, "client_secret": client.client_secret})
        values: dict[str, Any] = {"secret": self._lock.close(secret), "updated_at": func.now()}
        offered = insert(oauth_clients).values(connector=connector, **values)
        with self._database.statement() as statement:
            statement.execute(
                offered.on_conflict_do_update(index_elements=["connector"], set_=values)
            )

    def get(self, connector: str) -> OAuthClient | None:
        """The connector's client; None where there is none. Raises ConfigurationError where no key
        opens it."""
        wanted = select(oauth_clients.c.secret).where(oauth_clients.c.connector == connector)
        with self._database.statement() as reading:
            closed = reading.scalar(wanted)
        if closed is None:
            return None
        return OAuthClient(
            **self._lock.open(closed, f"the OAuth client of {connector}", "set it again")
        )

    def connectors(self) -> list[str]:
        """The connectors that have one here."""
        with self._database.statement() as reading:
            wanted = select(oauth_clients.c.connector).order_by(oauth_clients.c.connector)
            return list(reading.scalars(wanted))

    def remove(self, connector: str) -> bool:
        """Forget it; whether there was one."""
        gone = delete(oauth_clients).where(oauth_clients.c.connector == connector)
        with self._database.statement() as statement:
            return statement.execute(gone.returning(oauth_clients.c.connector)).first() is not None
