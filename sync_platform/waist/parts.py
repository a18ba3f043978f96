"""What the platform is made of: store, transport, destination, each opened when first needed.

Imported at the top is what every sync needs; the rest, by who asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from sync_platform.connectors import Connectors
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.embedded import server_url
from sync_platform.engine.connections import Connection, why_missing
from sync_platform.engine.ports import Clock, OAuthClient, Secret, VendorApi
from sync_platform.errors import ConnectorMissing, UnknownConnector
from sync_platform.settings import Settings
from sync_platform.spec import Connector
from sync_platform.store.catalogs import Catalogs
from sync_platform.store.connections import Connections
from sync_platform.store.credentials import Credentials, load_or_make_keys
from sync_platform.store.cursors import Cursors
from sync_platform.store.database import Database
from sync_platform.store.discovered import DiscoveredObjects
from sync_platform.store.history import History
from sync_platform.store.leases import Leases
from sync_platform.store.lock import Locked
from sync_platform.store.oauth_clients import OAuthClients
from sync_platform.store.quotas import Quotas
from sync_platform.transport.api import HttpApi
from sync_platform.transport.clock import SystemClock
from sync_platform.transport.endpoints import Endpoints
from sync_platform.transport.throttle import RateLimiter
from sync_platform.waist.renewing import Renewal

if TYPE_CHECKING:
    from sync_platform.store.glances import Glances
    from sync_platform.store.idempotency import Idempotency
    from sync_platform.store.left_schemas import LeftSchemas
    from sync_platform.store.sign_ins import SignIns
    from sync_platform.store.sync_requests import SyncRequests
    from sync_platform.transport.dagster import DagsterRuns


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

    @property
    def _keys(self) -> tuple[str, ...]:
        return load_or_make_keys(self.settings)  # not kept: what holds them hides them

    @cached_property
    def credentials(self) -> Credentials:
        """The connections' secrets."""
        return Credentials(self.database, self._keys)

    @cached_property
    def oauth_clients(self) -> OAuthClients:
        """Our apps at the vendors, as far as they are not in the settings."""
        return OAuthClients(self.database, self._keys)

    @cached_property
    def sign_ins(self) -> SignIns:
        """People on their way through connecting an account."""
        from sync_platform.store.sign_ins import SignIns

        return SignIns(self.database, self._keys)

    @property
    def locked(self) -> list[Locked]:
        """Every table with secrets."""
        return [self.credentials.locked, self.oauth_clients.locked, self.sign_ins.locked]

    def oauth_client(self, connector: str) -> OAuthClient | None:
        """Our app at the vendor: from the settings, else from the store; None without one."""
        known = self.settings.oauth_clients.get(connector)
        return OAuthClient(*known) if known else self.oauth_clients.get(connector)

    @cached_property
    def cursors(self) -> Cursors:
        """How far each object has been read."""
        return Cursors(self.database)

    @cached_property
    def past(self) -> History:
        """The syncs of every connection."""
        return History(self.database, self.clock)

    @cached_property
    def glances(self) -> Glances:
        """The latest of the syncs, for lists."""
        from sync_platform.store.glances import Glances

        return Glances(self.database)

    @cached_property
    def catalogs(self) -> Catalogs:
        """What discovery found."""
        return Catalogs(self.database)

    @cached_property
    def discovered_objects(self) -> DiscoveredObjects:
        """The objects that single connections have."""
        return DiscoveredObjects(self.database)

    @cached_property
    def left_schemas(self) -> LeftSchemas:
        """Whose data the connections left that were removed."""
        from sync_platform.store.left_schemas import LeftSchemas

        return LeftSchemas(self.database)

    @cached_property
    def leases(self) -> Leases:
        """Who may sync now."""
        return Leases(self.database_url)

    @cached_property
    def quotas(self) -> Quotas:
        """The vendors' rate limits."""
        return Quotas(self.database)

    @cached_property
    def runs(self) -> DagsterRuns:
        """Dagster, where what people ask for is run."""
        from sync_platform.transport.dagster import DagsterRuns

        url = self.settings.dagster_url
        return DagsterRuns(self.settings.dagster_internal_url or url, shown_at=url)

    @cached_property
    def sync_requests(self) -> SyncRequests:
        """The syncs that people asked for."""
        from sync_platform.store.sync_requests import SyncRequests

        return SyncRequests(self.database, self.clock)

    @cached_property
    def idempotency(self) -> Idempotency:
        """Answers to calls that may be sent twice."""
        from sync_platform.store.idempotency import Idempotency

        return Idempotency(self.database, self.clock)

    @cached_property
    def destination(self) -> PostgresDestination:
        """Where rows go."""
        return PostgresDestination(self.database_url)

    @cached_property
    def _connectors(self) -> Mapping[str, Connector]:
        return Connectors(self.settings.connector_folders)

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

    def declared(self, connection: Connection) -> Connector:
        """The connection's connector as its file declares it; raises ConnectorMissing."""
        connector = self._connectors.get(connection.connector)
        if connector is None:
            raise ConnectorMissing(why_missing(connection))
        return connector

    def connector_of(self, connection: Connection) -> Connector:
        """The connection's connector, with the objects that only this connection has; raises
        ConnectorMissing."""
        connector = self.declared(connection)
        if connector.discovered is None:
            return connector
        return connector.having(self.discovered_objects.of(connection.name))

    def api(self, connection: Connection, secret: Callable[[], Secret] | None = None) -> VendorApi:
        """An open line to the vendor for one sync; close it. It keeps the connection signed in,
        unless a `secret` is given, which is used as it is. Raises ConnectorMissing."""
        connector = self.declared(connection)
        base_url = connection.base_url
        if base_url is None:
            given = connector.base_url
            base_url = given(connection.settings) if callable(given) else given
        renewal = Renewal(self, connection)
        return HttpApi(
            connector,
            connection=connection.name,
            base_url=base_url,
            secret=secret or renewal.read,
            refresh=None if secret else renewal.refresh,
            due=None if secret else renewal.due,
            settings=connection.settings,
            limiter=RateLimiter(
                connection.name, connector.limits, self.quotas, self.clock, connection.settings
            ),
            clock=self.clock,
            allow_http=self.settings.allow_http,
        )

    def endpoints(
        self,
        connector: Connector,
        *,
        connection: str | None,
        settings: Mapping[str, str],
        base_url: str | None,
    ) -> Endpoints:
        """Where signing in goes for an account, and what messages call it."""
        return Endpoints(
            label=connector.label,
            connector=connector.name,
            connection=connection,
            settings=settings,
            base_url=base_url,
            allow_http=self.settings.allow_http,
        )
