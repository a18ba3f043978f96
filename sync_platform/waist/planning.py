"""A sync that was asked for, made ready to run."""

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from sync_platform.engine import ways
from sync_platform.engine.connections import Connection, object_of
from sync_platform.engine.destination import Table
from sync_platform.engine.fields import Found
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import ObjectChoice, Terms, VendorApi
from sync_platform.engine.results import Target
from sync_platform.engine.sync import Sync, SyncRequest
from sync_platform.errors import Refused, SyncPlatformError, UnknownConnection
from sync_platform.spec import Connector, ConnectorObject
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
    asked = AsAsked(parts, request, connection)
    terms = asked.terms
    return Sync(
        request=request,
        obj=obj,
        table=table_of(parts, connection, obj),
        settings=terms.settings,
        filters=terms.filters,
        account=terms.account,
        open_api=lambda: parts.api(asked.connection),
        find_fields=lambda api, anew: _fields(parts, target, connector, obj, api, anew=anew),
        cursors=OwnCursors(parts, asked),
        history=parts.past,
        leases=parts.leases,
        clock=parts.clock,
        delete_share=parts.settings.delete_share,
        check=asked.again,
        keep=lambda changes: parts.catalogs.keep(target, changes),
        on_error=lambda error: _failed(parts, asked, error),
        on_success=lambda: _went_well(parts, request, connection),
    )


def refuse_impossible(request: SyncRequest, obj: ConnectorObject, label: str) -> SyncRequest:
    """The request, in a mode that the object can do; raises Refused where there is none.

    An incremental sync of an object without a cursor is a full one; a from-date one is refused.
    """
    if obj.incremental or request.mode in (SyncMode.FULL, SyncMode.COMPUTED):
        return request
    if request.mode is SyncMode.FROM_DATE:
        raise Refused(
            f"{label} {obj.name} can only be synced in full: {label} does not tell when they "
            "change. Ask for a full sync instead."
        )
    return replace(request, mode=SyncMode.FULL)


class AsAsked:
    """What one sync goes by: as it is asked for when the sync is planned and, from `again` on, when
    it has its lease. It may have waited minutes for that."""

    def __init__(self, parts: Parts, request: SyncRequest, connection: Connection) -> None:
        self._parts, self._request, self.connection = parts, request, connection

    @property
    def _choice(self) -> ObjectChoice | None:
        return self.connection.choice(self._request.target.object)

    @property
    def terms(self) -> Terms:
        """What it goes by. An object that is not chosen has no filters."""
        it = self.connection
        return Terms(
            account=f"{it.connector} {it.account_id}" if it.account_id else it.connector,
            settings=self.connection.settings,
            filters=self._choice.filters if self._choice else {},
        )

    def again(self) -> Terms:
        """What it goes by now. Raises what `gate.check` does, UnknownConnection, and Refused where
        the object was unticked meanwhile, or was the account's own and that is another one now."""
        target, was_chosen = self._request.target, self._choice is not None
        account = self.connection.account_id
        self.connection = self._parts.store.again(self.connection, target.object)
        gate.check(self._parts, self._request, self.connection)
        if was_chosen and self._choice is None:
            raise Refused(
                f"{target.object} was taken out of what {target.connection} syncs while its sync "
                "waited, so nothing was read."
            )
        if account not in (None, self.connection.account_id) and self._is_accounts_own():
            raise Refused(
                f"{target.connection} was signed in as another account while the sync of "
                f"{target.object} waited. That account's own {target.object} is another one, so "
                "nothing was read; the next sync reads it."
            )
        return self.terms

    def _is_accounts_own(self) -> bool:
        """Whether the object is one that discovery found: what is asked for is one account's."""
        declared = self._parts.declared(self.connection).objects
        return all(it.name != self._request.target.object for it in declared)


class OwnCursors:
    """The cursors as one sync may move them: no further once its object is filtered otherwise, or
    its connection is another account's. What was read says nothing of what is asked for then, and
    whoever changed that has forgotten the cursor so that everything is read."""

    def __init__(self, parts: Parts, asked: AsAsked) -> None:
        self._parts, self._asked = parts, asked

    def get(self, target: Target) -> datetime | None:
        """How far it has been read."""
        return self._parts.cursors.get(target)

    def save(self, target: Target, cursor: datetime) -> None:
        """Keep the greater of this and what is kept, if the sync still reads what is asked for."""
        account, filters = self._asked.connection.account_id, self._asked.terms.filters
        if not self._parts.cursors.save_if_asked(target, cursor, account=account, filters=filters):
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


def _went_well(parts: Parts, request: SyncRequest, connection: Connection) -> None:
    if not _removed(parts, connection):
        gate.unflag(parts, request, connection)


def _failed(parts: Parts, asked: AsAsked, error: SyncPlatformError) -> None:
    connection = asked.connection
    if _removed(parts, connection):
        raise UnknownConnection(f"{connection.name} has been removed meanwhile.") from error
    gate.flag(parts, connection.name, error, since=connection.allowed_since)


def _removed(parts: Parts, connection: Connection) -> bool:
    """Whether a sync's connection was removed before the sync ended. What it has locked since is
    unlocked again then: nobody else would do it."""
    gone = False
    with suppress(SyncPlatformError):  # how the sync went matters more
        gone = parts.store.owner(connection.schema) is None
        if gone:
            parts.destination.unlock(connection.schema)
    return gone


def _fields(
    parts: Parts,
    target: Target,
    connector: Connector,
    obj: ConnectorObject,
    api: VendorApi,
    *,
    anew: bool,
) -> Found:
    """From the catalog; discovered where it has none, and where they are asked for `anew`. Declared
    ones are kept there where they are other ones than before."""
    known = None if anew else parts.catalogs.fields(target)
    if known and callable(obj.fields):
        return Found(known, anew=False)
    fields, declared = discovered(connector, obj, api), not callable(obj.fields)
    if known is not None and list(fields) == known:
        return Found(known, declared=declared)
    for change in parts.catalogs.save(target, fields):
        log.info("%s: %s", target, change)
    return Found(fields, declared=declared)
