"""The waist: store, transport, destination and engine are joined here, once.

`Platform` has the verbs that every face calls. It opens the database when first asked for something
that needs it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sync_platform import waist
from sync_platform.engine.connections import checked_label, without_connector
from sync_platform.engine.ports import ObjectChoice
from sync_platform.errors import ConnectorFault
from sync_platform.settings import Settings
from sync_platform.waist.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    import pandas

    from sync_platform.destination.described import Described
    from sync_platform.engine.checks import Trouble
    from sync_platform.engine.connections import Connection
    from sync_platform.engine.destination import Table
    from sync_platform.engine.due import DueConnection
    from sync_platform.engine.overview import Overview
    from sync_platform.engine.ports import OAuthClient, Secret
    from sync_platform.engine.requested import Asked, RequestedSyncs
    from sync_platform.engine.results import SchemaChange, SyncResult, Target
    from sync_platform.engine.sync import Sync, SyncRequest
    from sync_platform.spec import Connector, ConnectorObject
    from sync_platform.store.lock import Renewed
    from sync_platform.waist.access import Access
    from sync_platform.waist.choosing import ObjectState
    from sync_platform.waist.connecting import Connecting


class Platform(Parts):
    """Everything the platform does, as verbs."""

    @classmethod
    def from_env(cls) -> Platform:
        """The platform of this installation; raises ConfigurationError."""
        return cls(Settings.from_env())

    @cached_property
    def connecting(self) -> Connecting:
        """The way through connecting accounts, and signing in anew."""
        # Here, because it imports authlib: only who connects pays for that.
        from sync_platform.waist.connecting import Connecting

        return Connecting(self)

    @cached_property
    def access(self) -> Access:
        """Who may use the platform: people and API keys."""
        # Here, because it imports Argon2: only the web face and its commands pay for that.
        from sync_platform.waist.access import Access

        return Access(self.database, self.settings, self.clock)

    # -- connectors and connections -----------------------------------------------------------

    def connections(self, connector: str | None = None) -> list[Connection]:
        """All connections, or those of one connector; what their connector's absence means is
        said on them."""
        return self._shown(self.store.list(connector))

    def connection(self, name: str) -> Connection:
        """The connection of that name; raises UnknownConnection."""
        return self._shown([self.store.get(name)])[0]

    def _shown(self, found: list[Connection]) -> list[Connection]:
        known = self._connectors
        try:
            return [it if it.connector in known else without_connector(it) for it in found]
        except ConnectorFault:  # told where a connector is needed
            return found

    def overviews(self, name: str | None = None) -> list[Overview]:
        """How all connections are, or this one, by name; quick for hundreds."""
        from sync_platform.engine.overview import overviews

        chosen = self.connections() if name is None else [self.connection(name)]
        return overviews(chosen, self._connectors, self.glances.all(name), self.clock.now())

    def rename(self, name: str, label: str) -> None:
        """What people call the connection from now on; "" for its name. The name itself is part
        of partitions and keys, and stays. Raises ConfigurationError."""
        self.store.set_label(name, checked_label(label))

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
        confirmed: bool = False,
    ) -> Connection:
        """Make a connection by a key, once it is proved: nothing is kept that does not work.

        Objects that the account may not read are left out, unless they were asked for by name.
        Raises OtherAccount where a connection that was removed left another account's data in its
        schema, unless that is confirmed.
        """
        self.refuse_impossible(connector, name, schema=schema, objects=objects)
        choices = [ObjectChoice(object=each) for each in objects or ()]
        return self.connecting.by_secret(
            connector,
            secret,
            connection=name,
            settings=settings,
            base_url=base_url,
            schema=schema,
            objects=choices or None,
            confirmed=confirmed,
        )

    def refuse_impossible(
        self,
        connector: str,
        name: str,
        *,
        schema: str | None = None,
        objects: Sequence[str] | None = None,
    ) -> None:
        """Raise what can be told of a new connection before anybody signs in."""
        waist.starting.refuse_impossible(
            self, connector, connection=name, schema=schema, objects=objects
        )

    def reconnect(
        self, name: str, secret: Secret, *, base_url: str | None = None, confirmed: bool = False
    ) -> Connection:
        """Give a connection a new key, and an address if asked; tables, cursors and history stay.
        Raises OtherAccount where the key belongs to another account, unless that is confirmed."""
        return self.connecting.by_secret(
            self.store.get(name).connector,
            secret,
            connection=name,
            base_url=base_url,
            again=True,
            confirmed=confirmed,
        )

    def disconnect(self, name: str) -> bool:
        """Forget the connection, its credentials, cursors and history; its tables stay, and from
        now on anybody may change them. The vendor is told, where it wants to be. False where it was
        forgotten before, and only its tables were still locked."""
        return waist.disconnecting.disconnect(self, name)

    def choose_objects(self, name: str, objects: Sequence[str]) -> Connection:
        """Sync these objects of the connection and no others; the others' tables stay."""
        return waist.choosing.choose_objects(self, name, objects)

    def set_filters(self, name: str, object: str, filters: Mapping[str, str]) -> Connection:
        """Sync only records of the object that these filters keep; {} for all of them.

        The next sync reads all that they keep, from the beginning, and marks the rows that they no
        longer keep as deleted. Raises Refused for a filter or value that there is not.
        """
        return waist.choosing.set_filters(self, name, object, filters)

    def set_interval(self, name: str, interval: timedelta) -> None:
        """How often the connection syncs; raises Refused outside of its connector's bounds."""
        connector = self.declared(self.store.get(name))
        self.store.set_interval(name, waist.choosing.checked_interval(connector, interval))

    def adjust(
        self,
        name: str,
        *,
        objects: Sequence[ObjectChoice] | None = None,
        interval: timedelta | None = None,
        interval_default: bool = False,
        paused: bool | None = None,
        label: str | None = None,
    ) -> Connection:
        """Change what is not None, all of it or, with UnknownObject, Refused or
        ConfigurationError, nothing. `label` is as for `rename`."""
        waist.adjusting.adjust(
            self,
            name,
            objects=objects,
            interval=interval,
            interval_default=interval_default,
            paused=paused,
            label=label,
        )
        return self.connection(name)

    def objects(self, name: str) -> list[ObjectState]:
        """The connection's objects, chosen or not, and where they stand."""
        return waist.choosing.objects_of(self, name)

    def oauth_client_list(self) -> list[tuple[str, OAuthClient, str]]:
        """Connector, client and where it is set ("settings", "store"), of all there are."""
        return waist.clients.listed(self)

    def set_oauth_client(self, connector: str, client: OAuthClient) -> None:
        """Keep our app at the vendor, encrypted; raises Refused, ConfigurationError."""
        waist.clients.keep(self, connector, client)

    def remove_oauth_client(self, connector: str) -> None:
        """Forget it: connections that it signed in cannot be renewed then."""
        waist.clients.forget(self, connector)

    def sweep_sign_ins(self) -> int:
        """Forget the sign-ins that were not completed within their hour; how many there were."""
        return self.sign_ins.sweep(self.clock.now())

    def rotate_keys(self) -> Mapping[str, Renewed]:
        """Encrypt every secret with the newest key, by table; older keys can go then, unless
        something is `lost`: then the key that opens it must be found, or it be given anew."""
        return {each.what: each.renew() for each in self.locked}

    # -- syncs ----------------------------------------------------------------------------------

    def sync(self, request: SyncRequest) -> Sync:
        """The sync that was asked for, planned: `sync.run(into=platform.destination)` runs it.

        Raises UnknownConnection, UnknownObject (ObjectGone where it is chosen, but not there any
        more), or Refused where the object cannot do it.
        """
        return waist.planning.plan(self, request)

    def request_syncs(self, connection: str, asked: Asked, *, by: str) -> RequestedSyncs:
        """Launch Dagster runs that do what is asked; answers at once, with their ids. While the
        same waits or runs already, that request is given again. An object that is chosen and gone
        does not stop the others. Raises UnknownConnection, UnknownObject, Refused,
        DagsterUnavailable; then nothing was started."""
        return waist.requesting.request_syncs(self, connection, asked, by=by)

    def sync_request(self, connection: str, id: str) -> RequestedSyncs:
        """How far it is; `id` is a request's, or a sync's of the history. Raises UnknownSync."""
        return waist.requesting.sync_request(self, connection, id)

    def requests_under_way(self, connection: str) -> list[RequestedSyncs]:
        """What was asked for and has not ended, newest first. Raises DagsterUnavailable."""
        return waist.requesting.under_way(self, connection)

    def cancel_syncs(self, connection: str, id: str) -> RequestedSyncs:
        """Stop what was asked for; what was committed stays. Raises UnknownSync."""
        return waist.requesting.cancel_syncs(self, connection, id)

    def nothing_to_do(self, request: SyncRequest) -> str | None:
        """Why a run for this request should end quietly, in a sentence; None if it should run."""
        return waist.gate.nothing_to_do(self, request)

    def due(self) -> list[DueConnection]:
        """Connections with objects whose interval has passed."""
        return waist.watching.due(self)

    def due_computed(self) -> list[DueConnection]:
        """Connections with objects whose computed fields are to be read again."""
        return waist.watching.computed_due(self)

    def due_fulls(self) -> list[DueConnection]:
        """Connections whose daily full sync is due."""
        return waist.watching.fulls_due(self)

    def troubles(self, connector: str) -> list[Trouble]:
        """What a person who builds on the connector's tables should be warned of: syncs that are
        overdue or stopped, records that do not fit. Reads no table of rows."""
        return waist.watching.troubles(self, connector)

    def refresh_idle(self) -> list[str]:
        """Renew the sign-ins that would die of not being used, of paused connections too; the
        connections that were renewed. One that cannot be is flagged."""
        return waist.idle_sign_ins.refresh_idle(self)

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

    def deletes_waiting(self, name: str) -> list[SyncResult]:
        """The full syncs of chosen objects whose deletes wait for a person, newest first."""
        return waist.gate.deletes_waiting(self, self.connection(name))

    def schema_changes(self, name: str, object: str | None = None) -> Sequence[SchemaChange]:
        """What changed in the vendor's fields since the connection was made, and what became of
        its tables, newest first."""
        connection = self.store.get(name)
        if object is not None:
            self.connector_of(connection)[object]  # raises where there is none
        return self.catalogs.changes(name, object)

    def pause(self, name: str, reason: str = "Paused by hand.") -> None:
        """Stop automatic syncs of the connection."""
        self.store.get(name)
        self.store.pause(name, reason)

    def resume(self, name: str, object: str | None = None) -> None:
        """Let automatic syncs run again: of the connection, or of one object. What waits for a
        person all the same is told on the connection."""
        connection = self.store.get(name)
        if object is None:
            waist.gate.resume(self, name)
        else:
            self.connector_of(connection)[object]
            self.store.resume_object(name, object)
            waist.gate.settle(self, name)

    def discover(
        self,
        name: str,
        objects: Sequence[str] | None = None,
        *,
        told: Callable[[SchemaChange], None] = lambda change: None,
    ) -> list[SchemaChange]:
        """Ask the vendor for the fields of these objects, or for those of all that are chosen and
        for the objects that only this connection has; what changed since the last time, also
        `told` as it is found. The next sync of each makes its table follow. Objects that cannot be
        asked for keep no others from it; they are in the error that is raised at the end."""
        return waist.discovering.discover(self, name, objects, told)

    def list_objects(self) -> list[tuple[str, SchemaChange]]:
        """Ask every vendor for the objects that only one connection has; what changed where."""
        return waist.discovering.list_everywhere(self)

    # -- data -----------------------------------------------------------------------------------

    def table(self, connection: Connection, obj: ConnectorObject) -> Table:
        """Where the object's rows are."""
        return waist.planning.table_of(self, connection, obj)

    def whole_connectors(self) -> list[Connector]:
        """Every connector, with all the objects that any connection has: what Dagster's assets are
        made of. Opens the database only where a connector has such objects."""
        return waist.discovering.whole_connectors(self)

    def tables(self, name: str) -> Mapping[str, Described]:
        """What the connection's tables look like, by object; an object without one has not been
        synced yet."""
        from sync_platform.destination.described import described

        return described(self.database_url, self.store.get(name).schema)

    def is_object(self, asset_path: Sequence[str]) -> bool:
        """Whether an asset's key names an object of a connector."""
        return waist.discovering.is_object(self, asset_path)

    def read_frame(
        self, target: Target, *, columns: Sequence[str] | None = None, include_deleted: bool = False
    ) -> pandas.DataFrame:
        """The object's table as a DataFrame."""
        connection = self.store.get(target.connection)
        table = self.table(connection, self.connector_of(connection)[target.object])
        return waist.frames.read(self, table, columns, include_deleted=include_deleted)

    def read_stored(
        self, schema: str, table: str, *, columns: Sequence[str] | None = None
    ) -> pandas.DataFrame:
        """A table that `store_frame` made, as a DataFrame."""
        return waist.frames.read(self, f"{schema}.{table}", columns)

    def store_frame(
        self, schema: str, table: str, frame: pandas.DataFrame, *, partition: str | None = None
    ) -> None:
        """Put a DataFrame into a table of its own, in place of what is there (of its partition).

        Raises ConfigurationError where the schema is the platform's or a connection's.
        """
        waist.frames.store(self, schema, table, frame, partition)
