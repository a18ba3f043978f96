"""What the platform is made of: store, transport, destination, each opened when first needed."""

from collections.abc import Callable, Mapping
from functools import cached_property

from sync_platform.connectors import load_connectors
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.embedded import server_url
from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Clock, Secret, VendorApi
from sync_platform.errors import UnknownConnector
from sync_platform.settings import Settings
from sync_platform.spec import Connector
from sync_platform.store.catalogs import Catalogs
from sync_platform.store.connections import Connections
from sync_platform.store.credentials import Credentials, load_or_make_keys
from sync_platform.store.cursors import Cursors
from sync_platform.store.database import Database
from sync_platform.store.history import History
from sync_platform.store.leases import Leases
from sync_platform.store.quotas import Quotas
from sync_platform.transport.api import HttpApi
from sync_platform.transport.clock import SystemClock
from sync_platform.transport.throttle import RateLimiter


class Parts:
    """One installation's parts."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()

    def close(self) -> None:
        """Let go of the database."""
        if "database" in self.__dict__:
            self.database.close()

    @cached_property
    def database_url(self) -> str:
        """Where everything is kept: the given server, or the embedded one, now running."""
        return server_url(self.settings.database_url, self.settings.home)

    @cached_property
    def database(self) -> Database:
        """The store's database, migrated."""
        database = Database(self.database_url)
        database.apply_migrations()
        return database

    @cached_property
    def store(self) -> Connections:
        """The connections."""
        return Connections(self.database)

    @cached_property
    def credentials(self) -> Credentials:
        """The connections' secrets."""
        return Credentials(self.database, load_or_make_keys(self.settings))

    @cached_property
    def cursors(self) -> Cursors:
        """How far each object has been read."""
        return Cursors(self.database)

    @cached_property
    def past(self) -> History:
        """The syncs of every connection."""
        return History(self.database, self.clock)

    @cached_property
    def catalogs(self) -> Catalogs:
        """What discovery found."""
        return Catalogs(self.database)

    @cached_property
    def leases(self) -> Leases:
        """Who may sync now."""
        return Leases(self.database_url)

    @cached_property
    def quotas(self) -> Quotas:
        """The vendors' rate limits."""
        return Quotas(self.database)

    @cached_property
    def destination(self) -> PostgresDestination:
        """Where rows go."""
        return PostgresDestination(self.database_url)

    @cached_property
    def _connectors(self) -> dict[str, Connector]:
        return load_connectors(self.settings.connector_folders)

    def connectors(self) -> Mapping[str, Connector]:
        """All connectors by name; raises ConnectorFault."""
        return self._connectors

    def connector(self, name: str) -> Connector:
        """The connector of that name; raises UnknownConnector."""
        try:
            return self._connectors[name]
        except KeyError:
            known = ", ".join(sorted(self._connectors))
            raise UnknownConnector(f"There is no connector {name!r}. There are: {known}.") from None

    def api(self, connection: Connection, secret: Callable[[], Secret] | None = None) -> VendorApi:
        """An open line to the vendor for one sync; close it."""
        connector = self.connector(connection.connector)
        base_url = connection.base_url
        if base_url is None:
            given = connector.base_url
            base_url = given(connection.settings) if callable(given) else given
        return HttpApi(
            connector,
            connection=connection.name,
            base_url=base_url,
            secret=secret or (lambda: self.credentials.read(connection.name)),
            settings=connection.settings,
            limiter=RateLimiter(
                connection.name, connector.limits, self.quotas, self.clock, connection.settings
            ),
            clock=self.clock,
        )
