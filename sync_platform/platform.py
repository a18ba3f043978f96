"""The waist: store, transport, destination and engine are joined here, once.

`Platform` has the verbs that every face calls. It opens the database when first asked for something
that needs it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from sync_platform.connectors import load_connectors
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.embedded import server_url
from sync_platform.engine import breaker
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import (
    Connection,
    ConnectionStatus,
    checked_name,
    checked_schema,
)
from sync_platform.engine.due import DueConnection, due_fulls, due_syncs, interval_of
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Clock, ObjectChoice, SchemaChange, Secret, Table, VendorApi
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import Sync, SyncRequest, refuse_impossible
from sync_platform.errors import (
    CircuitOpen,
    ConfigurationError,
    ConnectionPaused,
    NeedsPerson,
    NeedsReauth,
    NotPermitted,
    Refused,
    SyncPlatformError,
    TooManyDeletes,
    UnknownConnector,
)
from sync_platform.settings import Settings
from sync_platform.spec import Account, Connector, ConnectorObject, Field
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

if TYPE_CHECKING:
    import pandas

log = logging.getLogger("sync_platform")


@dataclass(frozen=True, kw_only=True)
class ObjectState:
    """One object of a connection, for listings: what it can do and where it stands."""

    obj: ConnectorObject
    choice: ObjectChoice | None
    interval: timedelta
    cursor: datetime | None
    activity: TargetActivity
    paused: bool  # its breaker is open


class Platform:
    """Everything the platform does, as verbs."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()

    @classmethod
    def from_env(cls) -> "Platform":
        """The platform of this installation; raises ConfigurationError."""
        return cls(Settings.from_env())

    def close(self) -> None:
        """Let go of the database."""
        if "database" in self.__dict__:
            self.database.close()

    # -- what it is made of -------------------------------------------------------------------

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

    # -- connectors and connections -----------------------------------------------------------

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

    def connections(self, connector: str | None = None) -> list[Connection]:
        """All connections, or those of one connector."""
        return self.store.list(connector)

    def connection(self, name: str) -> Connection:
        """The connection of that name; raises UnknownConnection."""
        return self.store.get(name)

    def connect(
        self,
        connector: str,
        name: str,
        secret: Secret,
        *,
        base_url: str | None = None,
        settings: Mapping[str, str] | None = None,
        schema: str | None = None,
        objects: Sequence[str] | None = None,
    ) -> Connection:
        """Make a connection, once its credentials are proved: nothing is kept that does not work.

        Objects that the account may not read are left out, unless they were asked for by name.
        """
        it = self.connector(connector)
        for setting in it.settings:
            if setting.required and setting.name not in (settings or {}):
                raise ConfigurationError(f"{it.label} needs the setting {setting.name!r}.")
        connection = Connection(
            name=checked_name(name),
            connector=connector,
            schema=checked_schema(schema or name.replace("-", "_")),
            base_url=base_url,
            settings=dict(settings or {}),
            created_at=self.clock.now(),
        )
        names = [it[each].name for each in objects] if objects else [o.name for o in it.objects]
        api = self.api(connection, lambda: secret)
        try:
            account = it.account(api.send(it.check))
            found: dict[str, Sequence[Field]] = {}
            for each in names:
                try:
                    found[each] = discovered(it[each], api)
                except NotPermitted:
                    if objects:
                        raise
                    log.warning("%s: the account may not read %s; left out", name, each)
        finally:
            api.close()
        connection = replace(
            connection,
            account_id=account.id if account else None,
            objects=[ObjectChoice(object=each) for each in found],
        )
        connection = self.store.register(connection)
        self.credentials.save(name, secret)
        for each, fields in found.items():
            self.catalogs.save(Target(name, each), fields)
        return connection

    def reconnect(self, name: str, secret: Secret, *, base_url: str | None = None) -> Connection:
        """Give a connection new credentials, and an address if asked; tables, cursors and history
        stay. Refused where they belong to another account of the vendor."""
        connection = self.store.get(name)
        tried = replace(connection, base_url=base_url or connection.base_url)
        account = self.check(tried, secret)
        if account and connection.account_id and account.id != connection.account_id:
            raise Refused(
                f"This sign-in belongs to account {account.id}, but {name} holds the data of "
                f"account {connection.account_id}. Sign in as that one, or make a new connection."
            )
        if base_url:
            self.store.set_base_url(name, base_url)
        self.credentials.save(name, secret)
        if connection.status is not ConnectionStatus.PAUSED:
            self.store.resume(name)
        return self.store.get(name)

    def check(self, connection: Connection, secret: Secret | None = None) -> Account | None:
        """Prove the credentials with the connector's cheapest call; whose account it is."""
        connector = self.connector(connection.connector)
        api = self.api(connection, (lambda: secret) if secret is not None else None)
        try:
            return connector.account(api.send(connector.check))
        finally:
            api.close()

    def disconnect(self, name: str) -> None:
        """Forget the connection, its credentials, cursors and history; its tables stay."""
        self.store.get(name)
        self.store.remove(name)

    def choose_objects(self, name: str, objects: Sequence[str]) -> Connection:
        """Sync these objects of the connection and no others; the others' tables stay."""
        connection = self.store.get(name)
        connector = self.connector(connection.connector)
        chosen = []
        for each in objects:
            obj = connector[each]
            chosen.append(connection.choice(obj.name) or ObjectChoice(object=obj.name))
        self.store.choose_objects(name, chosen)
        return self.store.get(name)

    def set_interval(self, name: str, interval: timedelta) -> None:
        """How often the connection syncs; raises Refused outside of its connector's bounds."""
        bounds = self.connector(self.store.get(name).connector).interval
        if not bounds.shortest <= interval <= bounds.longest:
            raise Refused(
                f"The interval must be from {bounds.shortest} to {bounds.longest}, not {interval}."
            )
        self.store.set_interval(name, interval)

    def objects(self, name: str) -> list[ObjectState]:
        """The connection's objects, chosen or not, and where they stand."""
        connection = self.store.get(name)
        connector = self.connector(connection.connector)
        activity = self.past.activity()
        states = []
        for obj in connector.objects:
            target = Target(name, obj.name)
            choice = connection.choice(obj.name)
            known = activity.get(target, TargetActivity())
            states.append(
                ObjectState(
                    obj=obj,
                    choice=choice,
                    interval=interval_of(
                        connector, connection, choice or ObjectChoice(object=obj.name)
                    ),
                    cursor=self.cursors.get(target),
                    activity=known,
                    paused=breaker.is_open(known.recent, known.resumed_at),
                )
            )
        return states

    # -- syncs ----------------------------------------------------------------------------------

    def sync(self, request: SyncRequest) -> Sync:
        """The sync that was asked for, planned: `sync.run(into=platform.destination)` runs it.

        Raises UnknownConnection, UnknownObject, or Refused where the object cannot do it.
        """
        target = request.target
        connection = self.store.get(target.connection)
        connector = self.connector(connection.connector)
        obj = connector[target.object]
        request = refuse_impossible(request, obj, connector.label)
        choice = connection.choice(obj.name) or ObjectChoice(object=obj.name)
        return Sync(
            request=request,
            obj=obj,
            table=self.table(connection, obj),
            settings=connection.settings,
            filters=choice.filters,
            open_api=lambda: self.api(connection),
            find_fields=lambda api: self._fields(target, obj, api, request.mode),
            cursors=self.cursors,
            history=self.past,
            leases=self.leases,
            clock=self.clock,
            delete_share=self.settings.delete_share,
            check=lambda: self._may_run(request),
            on_error=lambda error: self._flag(connection.name, error),
            on_success=lambda: self._unflag(connection.name, request),
        )

    def nothing_to_do(self, request: SyncRequest) -> str | None:
        """Why a run for this request should end quietly, in a sentence; None if it should run."""
        target = request.target
        choice = self.store.get(target.connection).choice(target.object)
        if choice is None:
            return f"{target.object} is not chosen on {target.connection}; nothing to do."
        if not request.automatic:
            return None
        try:
            self._may_run(request)
        except (NeedsPerson, Refused) as reason:
            return str(reason)
        if self.leases.busy(target):
            return f"{target} is being synced already; nothing to do."
        if request.mode is SyncMode.INCREMENTAL and not self._is_due(target):
            return f"{target} was synced a moment ago; nothing to do."
        return None

    def due(self) -> list[DueConnection]:
        """Connections with objects whose interval has passed."""
        return due_syncs(
            self.store.list(), self._connectors, self.past.activity(), self.clock.now()
        )

    def due_fulls(self) -> list[DueConnection]:
        """Connections whose daily full sync is due."""
        return due_fulls(
            self.store.list(),
            self.past.activity(),
            self.clock.now(),
            self.settings.full_sync_hour,
        )

    def mark_stale(self) -> list[SyncResult]:
        """Mark the syncs that have been silent for five minutes; those just marked."""
        return self.past.mark_stale(self.clock.now())

    def history(
        self, name: str | None = None, object: str | None = None, limit: int = 50
    ) -> list[SyncResult]:
        """The latest syncs, newest first."""
        if name is not None:
            self.store.get(name)
        return self.past.recent(name, object, limit)

    def schema_changes(self, name: str) -> list[SchemaChange]:
        """What changed at the vendor since the connection was made."""
        return self.catalogs.changes(self.store.get(name).name)

    def pause(self, name: str, reason: str = "Paused by hand.") -> None:
        """Stop automatic syncs of the connection."""
        self.store.get(name)
        self.store.pause(name, reason)

    def resume(self, name: str, object: str | None = None) -> None:
        """Let automatic syncs run again: of the connection, or of one object."""
        connection = self.store.get(name)
        if object is None:
            self.store.resume(name)
        else:
            self.connector(connection.connector)[object]
            self.store.resume_object(name, object)

    def discover(self, name: str, object: str) -> list[SchemaChange]:
        """Ask the vendor for the object's fields; what changed since the last time."""
        connection = self.store.get(name)
        obj = self.connector(connection.connector)[object]
        api = self.api(connection)
        try:
            return self.catalogs.save(Target(name, object), discovered(obj, api))
        finally:
            api.close()

    # -- data -----------------------------------------------------------------------------------

    def table(self, connection: Connection, obj: ConnectorObject) -> Table:
        """Where the object's rows are."""
        connector = self.connector(connection.connector)
        return Table(
            schema=connection.schema,
            name=obj.name,
            keys=obj.keys,
            connection=connection.name,
            label=f"{connector.label} {obj.label or obj.name}",
        )

    def is_object(self, asset_path: Sequence[str]) -> bool:
        """Whether an asset's key names an object of a connector."""
        connector = self._connectors.get(asset_path[0]) if len(asset_path) == 2 else None
        return connector is not None and any(o.name == asset_path[1] for o in connector.objects)

    def read_frame(
        self, target: Target, *, columns: Sequence[str] | None = None, include_deleted: bool = False
    ) -> "pandas.DataFrame":
        """The object's table as a DataFrame."""
        from sync_platform.destination.frames import read_frame

        connection = self.store.get(target.connection)
        obj = self.connector(connection.connector)[target.object]
        table = self.table(connection, obj)
        return read_frame(self.database_url, table, columns, include_deleted)

    # -- inside -----------------------------------------------------------------------------------

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

    def _fields(
        self, target: Target, obj: ConnectorObject, api: VendorApi, mode: SyncMode
    ) -> Sequence[Field]:
        """From the catalog; discovered first where it is empty, and before every full sync."""
        known = None if mode is SyncMode.FULL else self.catalogs.fields(target)
        if known is not None and callable(obj.fields):
            return known
        fields = discovered(obj, api)
        for change in self.catalogs.save(target, fields):
            log.info("%s: field %s %s", target, change.field, change.kind)
        return fields

    def _may_run(self, request: SyncRequest) -> None:
        """Raises where an automatic sync must not start; what a person asks for always may."""
        if not request.automatic:
            return
        target = request.target
        connection = self.store.get(target.connection)
        if connection.status is ConnectionStatus.PAUSED:
            raise ConnectionPaused(f"{connection.name} is paused: {connection.status_reason}")
        if connection.status is ConnectionStatus.NEEDS_REAUTH:
            raise NeedsReauth(f"{connection.name} needs a new sign-in: {connection.status_reason}")
        recent = self.past.recent(target.connection, target.object, limit=breaker.FAILURES)
        if breaker.is_open(recent, self.store.resumed_at(target)):
            raise CircuitOpen(
                f"Automatic syncs of {target} are paused after repeated failures. "
                f"Last: {recent[0].error} Mend that, then resume."
            )

    def _is_due(self, target: Target) -> bool:
        return any(
            it.connection.name == target.connection and target.object in it.objects
            for it in self.due()
        )

    def _flag(self, name: str, error: SyncPlatformError) -> None:
        """Tell on the connection that someone must act."""
        if isinstance(error, NeedsReauth):
            self.store.flag(name, ConnectionStatus.NEEDS_REAUTH, str(error))
        elif isinstance(error, NeedsPerson | TooManyDeletes):
            self.store.flag(name, ConnectionStatus.NEEDS_ATTENTION, str(error))

    def _unflag(self, name: str, request: SyncRequest) -> None:
        """A sync that a person asked for went well: if nothing else is wrong, all is well again."""
        connection = self.store.get(name)
        troubled = (ConnectionStatus.NEEDS_ATTENTION, ConnectionStatus.NEEDS_REAUTH)
        if request.automatic or connection.status not in troubled:
            return
        if not any(state.paused for state in self.objects(name)):
            self.store.flag(name, ConnectionStatus.ACTIVE, None)


def discovered(obj: ConnectorObject, api: VendorApi) -> Sequence[Field]:
    """The object's fields, asked of the vendor where they are not declared."""
    return list(obj.fields(api)) if callable(obj.fields) else obj.fields
