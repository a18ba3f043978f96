"""Our apps at the vendors, where they are not in the settings."""

from collections.abc import Sequence

from sync_platform.engine.ports import OAuthClient, Secret
from sync_platform.store.database import Database
from sync_platform.store.lock import Lock, Locked


class OAuthClients:
    """The OAuth clients, in the store. Every method raises StoreUnavailable where it is out of
    reach."""

    def __init__(self, database: Database, keys: Sequence[str]) -> None:
        """`keys`: Fernet keys, newest first. Raises ConfigurationError where one is none."""
        self._database = database
        self._lock = Lock(keys)
        self.locked = Locked(database, self._lock, "oauth_clients", "connector")

    def __repr__(self) -> str:
        return "OAuthClients(…)"

    def set(self, connector: str, client: OAuthClient) -> None:
        """Keep the client, in place of the one before."""
        secret = Secret({"client_id": client.client_id, "client_secret": client.client_secret})
        with self._database.statement() as session:
            session.execute(
                """
                INSERT INTO sync_platform.oauth_clients (connector, secret, updated_at)
                VALUES (%s, %s, now())
                ON CONFLICT (connector) DO UPDATE SET
                    secret = excluded.secret,
                    updated_at = excluded.updated_at
                """,
                (connector, self._lock.close(secret)),
            )

    def get(self, connector: str) -> OAuthClient | None:
        """The connector's client; None where there is none. Raises ConfigurationError where no key
        opens it."""
        with self._database.statement() as session:
            row = session.execute(
                "SELECT secret FROM sync_platform.oauth_clients WHERE connector = %s", (connector,)
            ).fetchone()
        if row is None:
            return None
        return OAuthClient(
            **self._lock.open(row["secret"], f"the OAuth client of {connector}", "set it again")
        )

    def connectors(self) -> list[str]:
        """The connectors that have one here."""
        with self._database.statement() as session:
            rows = session.execute(
                "SELECT connector FROM sync_platform.oauth_clients ORDER BY connector"
            )
            return [row["connector"] for row in rows]

    def remove(self, connector: str) -> bool:
        """Forget it; whether there was one."""
        with self._database.statement() as session:
            gone = session.execute(
                "DELETE FROM sync_platform.oauth_clients WHERE connector = %s", (connector,)
            )
            return gone.rowcount == 1
