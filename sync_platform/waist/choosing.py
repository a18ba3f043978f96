"""What of a connection is synced: which objects and fields, with which filters, how often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync_platform.engine import breaker
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import Connection
from sync_platform.engine.due import full_failing, interval_of
from sync_platform.engine.filters import ask_the_same, checked
from sync_platform.engine.naming import refuse_unfit
from sync_platform.engine.ports import ObjectChoice, VendorApi
from sync_platform.engine.results import Target
from sync_platform.errors import Refused
from sync_platform.spec import Connector, ConnectorObject, Field
from sync_platform.waist import gate
from sync_platform.waist.parts import Parts

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class ObjectState:
    """One object of a connection, for listings: what it can do and where it stands."""

    obj: ConnectorObject
    choice: ObjectChoice | None
    interval: timedelta
    cursor: datetime | None
    activity: TargetActivity
    paused: bool  # its breaker is open
    full_failing: str | None = None  # a sentence, where no full sync has gone well for too long


def choose_objects(parts: Parts, name: str, objects: Sequence[str]) -> Connection:
    """Sync these objects of the connection and no others; those chosen before stay as they are,
    those chosen anew are read from the beginning, without filters, and resumed: what stopped them
    before does so no more."""
    connector = parts.connector_of(parts.store.get(name))
    wanted = [connector[each].name for each in objects]

    def choose(connection: Connection) -> list[ObjectChoice]:
        return [connection.choice(each) or ObjectChoice(object=each) for each in wanted]

    parts.store.choose_anew(name, choose)
    gate.settle(parts, name)
    return parts.store.get(name)


def set_filters(parts: Parts, name: str, object: str, filters: Mapping[str, str]) -> Connection:
    """Sync only records of the object that these filters keep; {} for all of them. Others than
    before have it read from the beginning."""
    obj = parts.connector_of(parts.store.get(name))[object]
    wanted = checked(obj, filters)

    def choose(connection: Connection) -> list[ObjectChoice]:
        chosen = connection.choice(object)
        if chosen is None:
            raise Refused(f"{object} is not chosen on {name}; choose it first.")
        changed = as_before(replace(chosen, filters=wanted), obj, connection)
        return [changed if each.object == object else each for each in connection.objects]

    parts.store.choose_anew(name, choose)
    return parts.store.get(name)


def as_before(choice: ObjectChoice, obj: ConnectorObject, connection: Connection) -> ObjectChoice:
    """The choice, with filters as they are kept where those ask for the same: written otherwise,
    they would look like others."""
    before = connection.choice(choice.object)
    if before is None or not ask_the_same(obj, choice.filters, before.filters):
        return choice
    return replace(choice, filters=before.filters)


def checked_interval(
    connector: Connector, interval: timedelta, obj: ConnectorObject | None = None
) -> timedelta:
    """The interval, if it is within the connector's bounds; raises Refused. Of the object, if one
    is given, else of the connection."""
    bounds = connector.interval
    if not bounds.shortest <= interval <= bounds.longest:
        whose = f" of {obj.label or obj.name}" if obj else ""
        least, most, given = (it / MINUTE for it in (bounds.shortest, bounds.longest, interval))
        raise Refused(
            f"The interval{whose} must be from {least:g} to {most:g} minutes, not {given:g}."
        )
    return interval


def checked_choice(connector: Connector, choice: ObjectChoice) -> ObjectChoice:
    """The choice, if the connector has such an object, filters and interval; raises UnknownObject
    or Refused."""
    obj = connector[choice.object]
    if choice.interval is not None:
        checked_interval(connector, choice.interval, obj)
    return replace(choice, filters=checked(obj, choice.filters))


def objects_of(parts: Parts, name: str) -> list[ObjectState]:
    """The connection's objects, chosen or not, and where they stand."""
    connection = parts.store.get(name)
    connector = parts.connector_of(connection)
    activity = parts.past.activity(name)
    cursors, now = parts.cursors.of(name), parts.clock.now()
    states = []
    for obj in connector.objects:
        target = Target(name, obj.name)
        choice = connection.choice(obj.name)
        known = activity.get(target, TargetActivity())
        asked = choice or ObjectChoice(object=obj.name)
        states.append(
            ObjectState(
                obj=obj,
                choice=choice,
                interval=interval_of(connector, connection, asked),
                cursor=cursors.get(obj.name),
                activity=known,
                paused=breaker.is_open(known.recent, known.resumed_at),
                full_failing=full_failing(connection, choice, known, now) if choice else None,
            )
        )
    return states


def discovered(connector: Connector, obj: ConnectorObject, api: VendorApi) -> Sequence[Field]:
    """The object's fields, asked of the vendor where they are not declared; raises ConnectorFault
    where one of them is none."""
    fields = list(obj.fields(api)) if callable(obj.fields) else obj.fields
    refuse_unfit(connector.name, obj, fields)
    return fields
