"""The waist: store, transport, destination and engine are joined here, once.

`Platform` has the verbs that every face calls. It opens the database when first asked for something
that needs it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sync_platform import gate
from sync_platform.engine import breaker
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import (
    Connection,
    ConnectionStatus,
    checked_name,
    checked_schema,
)
from sync_platform.engine.due import DueConnection, due_fulls, due_syncs, interval_of
from sync_platform.engine.filters import checked
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import ObjectChoice, SchemaChange, Secret, Table, VendorApi
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import Sync, SyncRequest, refuse_impossible
from sync_platform.errors import (
    ConfigurationError,
    NotPermitted,
    Refused,
)
from sync_platform.parts import Parts
from sync_platform.settings import Settings
from sync_platform.spec import Account, ConnectorObject, Field

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


class Platform(Parts):
    """Everything the platform does, as verbs."""

    @classmethod
    def from_env(cls) -> "Platform":
        """The platform of this installation; raises ConfigurationError."""
        return cls(Settings.from_env())

    # -- connectors and connections -----------------------------------------------------------

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
        """Forget the connection, its credentials, cursors and history; its tables stay, and from
        now on anybody may change them."""
        self.destination.unlock(self.store.get(name).schema)
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

    def set_filters(self, name: str, object: str, filters: Mapping[str, str]) -> Connection:
        """Sync only records of the object that these filters keep; {} for all of them.

        The next sync reads all that they keep, from the beginning. Rows that they no longer keep
        stay until a full sync marks them. Raises Refused for a filter or value that there is not.
        """
        connection = self.store.get(name)
        obj = self.connector(connection.connector)[object]
        if connection.choice(object) is None:
            raise Refused(f"{object} is not chosen on {name}; choose it first.")
        wanted = checked(obj, filters)
        self.store.choose_objects(
            name,
            [
                replace(each, filters=wanted) if each.object == object else each
                for each in connection.objects
            ],
        )
        self.cursors.forget(Target(name, object))
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
            check=lambda: gate.check(self, request),
            on_error=lambda error: gate.flag(self, connection.name, error),
            on_success=lambda: gate.unflag(self, request),
        )

    def nothing_to_do(self, request: SyncRequest) -> str | None:
        """Why a run for this request should end quietly, in a sentence; None if it should run."""
        return gate.nothing_to_do(self, request)

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

    def schema_changes(self, name: str) -> Sequence[SchemaChange]:
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
        return read_frame(self.database_url, table, columns, include_deleted=include_deleted)

    def read_stored(
        self, schema: str, table: str, *, columns: Sequence[str] | None = None
    ) -> "pandas.DataFrame":
        """A table that `store_frame` made, as a DataFrame."""
        from sync_platform.destination.frames import read_frame

        return read_frame(self.database_url, f"{schema}.{table}", columns)

    def store_frame(
        self, schema: str, table: str, frame: "pandas.DataFrame", *, partition: str | None = None
    ) -> None:
        """Put a DataFrame into a table of its own, in place of what is there (of its partition).

        Raises ConfigurationError where the schema is the platform's or a connection's.
        """
        from sync_platform.destination.frames import write_frame

        if checked_schema(schema) in {each.schema for each in self.connections()}:
            raise ConfigurationError(
                f"The schema {schema!r} holds a connection's tables. Give the asset the metadata "
                "'schema' with another name."
            )
        write_frame(self.database_url, schema, table, frame, partition)

    # -- inside -----------------------------------------------------------------------------------

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


def discovered(obj: ConnectorObject, api: VendorApi) -> Sequence[Field]:
    """The object's fields, asked of the vendor where they are not declared."""
    return list(obj.fields(api)) if callable(obj.fields) else obj.fields
