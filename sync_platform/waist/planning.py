"""A sync that was asked for, made ready to run."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from sync_platform.engine import ways
from sync_platform.engine.connections import Connection, object_of
from sync_platform.engine.destination import Table
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import ObjectChoice, VendorApi
from sync_platform.engine.results import Target
from sync_platform.engine.sync import Sync, SyncRequest, refuse_impossible
from sync_platform.errors import Refused
from sync_platform.spec import ConnectorObject, Field
from sync_platform.waist import gate
from sync_platform.waist.choosing import discovered
from sync_platform.waist.parts import Parts

log = logging.getLogger("sync_platform")


def plan(parts: Parts, request: SyncRequest) -> Sync:
    """The sync; raises UnknownConnection, UnknownObject (ObjectGone where it is chosen), or Refused
    where the object cannot do what is asked."""
    target = request.target
    connection = parts.store.get(target.connection)
    connector = parts.connector_of(connection)
    obj = object_of(connection, connector, target.object)
    request = refuse_impossible(request, obj, connector.label)
    if request.mode is SyncMode.COMPUTED:
        if parts.destination.table_name(table_of(parts, connection, obj)) is None:
            raise Refused(
                f"{target} has not been synced yet, so it has no computed fields to read again. "
                "Sync it first."
            )
        obj = ways.as_computed(obj)
    choice = connection.choice(obj.name) or ObjectChoice(object=obj.name)
    return Sync(
        request=request,
        obj=obj,
        table=table_of(parts, connection, obj),
        settings=connection.settings,
        filters=choice.filters,
        account=connection.account_id,
        open_api=lambda: parts.api(connection),
        find_fields=lambda api: _fields(parts, target, obj, api, request.mode),
        cursors=OwnCursors(parts, connection, choice.filters),
        history=parts.past,
        leases=parts.leases,
        clock=parts.clock,
        delete_share=parts.settings.delete_share,
        check=lambda: gate.check(parts, request),
        on_error=lambda error: gate.flag(parts, connection.name, error),
        on_success=lambda: gate.unflag(parts, request),
    )


class OwnCursors:
    """The cursors as one sync may move them: no further once its object is filtered otherwise, or
    its connection is another account's. What was read says nothing of what is asked for then, and
    whoever changed that has forgotten the cursor so that everything is read."""

    def __init__(self, parts: Parts, connection: Connection, filters: Mapping[str, str]) -> None:
        self._parts, self._connection, self._filters = parts, connection, filters

    def get(self, target: Target) -> datetime | None:
        """How far it has been read."""
        return self._parts.cursors.get(target)

    def save(self, target: Target, cursor: datetime) -> None:
        """Keep the greater of this and what is kept, if the sync still reads what is asked for."""
        account = self._connection.account_id
        if not self._parts.cursors.save_if_asked(
            target, cursor, account=account, filters=self._filters
        ):
            log.info("%s: what is asked for has changed; the next sync reads everything.", target)


def table_of(parts: Parts, connection: Connection, obj: ConnectorObject) -> Table:
    """Where the object's rows are."""
    connector = parts.declared(connection)
    return Table(
        schema=connection.schema,
        name=obj.name,
        keys=obj.keys,
        connection=connection.name,
        label=f"{connector.label} {obj.label or obj.name}",
    )


def _fields(
    parts: Parts, target: Target, obj: ConnectorObject, api: VendorApi, mode: SyncMode
) -> Sequence[Field]:
    """From the catalog; discovered first where it has none, and before every full sync. Declared
    ones are kept there where they are other ones than before."""
    known = None if mode is SyncMode.FULL else parts.catalogs.fields(target)
    if known and callable(obj.fields):
        return known
    fields = discovered(obj, api)
    if known is not None and list(fields) == known:
        return known
    for change in parts.catalogs.save(target, fields):
        log.info("%s: %s", target, change)
    return fields
