"""What a vendor has on a connection: its fields, and the objects that only this connection has."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.results import SchemaChange, Target
from sync_platform.errors import NeedsReauth, RetryLater, SyncPlatformError
from sync_platform.spec import Connector
from sync_platform.waist import gate, proving
from sync_platform.waist.choosing import discovered
from sync_platform.waist.parts import Parts

log = logging.getLogger("sync_platform")


def discover(
    parts: Parts,
    name: str,
    objects: Sequence[str] | None,
    told: Callable[[SchemaChange], None] = lambda change: None,
) -> list[SchemaChange]:
    """Ask for the fields of these objects; without them for all that are chosen, and before that
    for the objects that only this connection has. What changed since the last time, each `told` as
    soon as it is found and kept.

    An object that cannot be asked for keeps no other from it: that is raised at the end, all in the
    first one's error. Raises ConfigurationError where settings are about objects that it has not.
    """
    connection = parts.store.get(name)
    changes: list[SchemaChange] = []

    def found(some: Sequence[SchemaChange]) -> None:
        changes.extend(some)
        for each in some:
            told(each)

    if not objects:
        found(list_objects(parts, name))
    connector = parts.connector_of(connection)
    proving.refuse_misfits(connector, connection.settings)
    unread: dict[str, SyncPlatformError] = {}
    left = list(objects or [it.object for it in connection.objects])
    api = parts.api(connection)
    try:
        while left:
            each = left.pop(0)
            try:
                fields = discovered(connector, connector[each], api)
            except SyncPlatformError as error:
                unread[each] = error
                if isinstance(error, NeedsReauth | RetryLater):  # so it would be with the others
                    break
                continue
            found(parts.catalogs.save(Target(name, each), fields))
    finally:
        api.close()
    if unread:
        raise _together(unread, left)
    return changes


def _together(unread: Mapping[str, SyncPlatformError], left: Sequence[str]) -> SyncPlatformError:
    """The first error, which tells of all; `left` are the objects that were not asked for."""
    said = [f"The fields of {each} could not be asked for: {it}" for each, it in unread.items()]
    if left:
        said.append(f"Not asked for: {', '.join(left)}.")
    error = next(iter(unread.values()))
    error.args = (" ".join(said),)
    return error


def list_objects(parts: Parts, name: str) -> list[SchemaChange]:
    """Ask which objects only this connection has; what changed since the last time."""
    connection = parts.store.get(name)
    lister = parts.declared(connection).discover
    if lister is None:
        return []
    api = parts.api(connection)
    try:
        return parts.discovered_objects.save(name, list(lister(api)))
    finally:
        api.close()


def list_everywhere(parts: Parts) -> list[tuple[str, SchemaChange]]:
    """The same of every connection that may sync by itself; what changed where. One that cannot be
    asked is flagged as its syncs would be, or asked again the next time."""
    found = []
    for connection in parts.store.list():
        able = (ConnectionStatus.ACTIVE, ConnectionStatus.NEEDS_ATTENTION)
        with suppress(SyncPlatformError):
            if connection.status not in able or parts.declared(connection).discover is None:
                continue
            try:
                found += [(connection.name, it) for it in list_objects(parts, connection.name)]
            except SyncPlatformError as error:
                log.warning("%s: its objects could not be listed: %s", connection.name, error)
                since = connection.allowed_since
                gate.flag(parts, connection.name, error, what=gate.UNLISTED, since=since)
                continue
            if gate.is_unlisted(connection):
                gate.settle(parts, connection.name)
    return found


def whole_connectors(parts: Parts) -> list[Connector]:
    """Every connector, with all the objects that any connection has. Opens the database only where
    a connector has such objects."""
    found = list(parts.connectors().values())
    if not any(each.discovered for each in found):
        return found
    own = parts.discovered_objects.all()
    return [each.having(own.get(each.name, ())) for each in found]


def is_object(parts: Parts, asset_path: Sequence[str]) -> bool:
    """Whether an asset's key names an object of a connector."""
    if len(asset_path) != 2 or asset_path[0] not in parts.connectors():
        return False
    connector, name = parts.connectors()[asset_path[0]], asset_path[1]
    if any(obj.name == name for obj in connector.objects):
        return True
    own = parts.discovered_objects.all() if connector.discovered else {}
    return any(each.name == name for each in own.get(connector.name, ()))
