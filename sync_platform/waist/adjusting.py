"""What a person changes about a connection, all of it or nothing."""

from collections.abc import Sequence
from datetime import timedelta

from sync_platform.engine.connections import checked_label
from sync_platform.engine.ports import ObjectChoice
from sync_platform.errors import Refused
from sync_platform.waist import gate
from sync_platform.waist.choosing import as_before, checked_choice, checked_interval
from sync_platform.waist.parts import Parts


def adjust(
    parts: Parts,
    name: str,
    *,
    objects: Sequence[ObjectChoice] | None = None,
    interval: timedelta | None = None,
    interval_default: bool = False,
    paused: bool | None = None,
    label: str | None = None,
) -> None:
    """Change the connection; what is None stays. `objects` are all that are synced from now on; one
    that is chosen anew, or whose filters change, is read from the beginning. `interval_default`
    takes the connector's interval instead of one of its own; the label "" takes its label away.

    Raises UnknownObject, Refused for an interval, a filter or a choice that cannot be,
    ConfigurationError for such a label, and ConnectorMissing; then nothing was changed.
    """
    connection = parts.store.get(name)
    wanted_label = None if label is None else checked_label(label)
    if interval is not None:
        checked_interval(parts.declared(connection), interval)
    if objects is not None:
        connector = parts.connector_of(connection)
        named = [each.object for each in objects]
        twice = sorted({each for each in named if named.count(each) > 1})
        if twice:
            raise Refused(f"{twice[0]} is chosen twice; name each object once.")
        chosen = [
            as_before(checked_choice(connector, each), connector[each.object], connection)
            for each in objects
        ]
        parts.store.choose_objects(name, chosen)
        gate.settle(parts, name)
    if interval is not None or interval_default:
        parts.store.set_interval(name, interval)
    if label is not None:
        parts.store.set_label(name, wanted_label)
    if paused is True:
        parts.store.pause(name, "Paused by hand.")
    elif paused is False:
        gate.resume(parts, name)
