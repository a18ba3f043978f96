"""What is due, and what is wrong, over all connections: for what runs by itself."""

from collections.abc import Mapping
from dataclasses import replace

from sync_platform.destination.rejects import count_rejected
from sync_platform.engine import checks
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import Connection
from sync_platform.engine.destination import Table
from sync_platform.engine.due import DueConnection, due_computed, due_fulls, due_syncs
from sync_platform.engine.results import Target
from sync_platform.waist.parts import Parts
from sync_platform.waist.planning import table_of


def due(parts: Parts) -> list[DueConnection]:
    """Connections with objects whose interval has passed."""
    return due_syncs(
        parts.store.list(), parts.connectors(), parts.past.activity(), parts.clock.now()
    )


def computed_due(parts: Parts) -> list[DueConnection]:
    """Connections with objects whose computed fields are to be read again."""
    there = [it for it in parts.store.list() if it.connector in parts.connectors()]
    found = [(it, parts.connector_of(it)) for it in there]
    due = due_computed(found, parts.past.activity(), parts.clock.now())
    return [having for each in due if (having := _computing(parts, each)).objects]


def _computing(parts: Parts, due: DueConnection) -> DueConnection:
    """Without the objects that discovery found no computed field of."""
    targets = [Target(due.connection.name, each) for each in due.objects]
    known = [(it.object, parts.catalogs.fields(it) or ()) for it in targets]
    return replace(
        due, objects=tuple(name for name, fields in known if any(it.computed for it in fields))
    )


def fulls_due(parts: Parts) -> list[DueConnection]:
    """Connections whose daily full sync is due."""
    hour = parts.settings.full_sync_hour
    return due_fulls(parts.store.list(), parts.past.activity(), parts.clock.now(), hour)


def troubles(parts: Parts, connector: str) -> list[checks.Trouble]:
    """What a person who builds on the connector's tables should be warned of."""
    connections, activity = parts.store.list(connector), parts.past.activity()
    tables = {
        (it.schema, name): (it, table, known)
        for it in connections
        for name, table, known in _synced(parts, it, activity)
    }
    counts = count_rejected(
        parts.database_url,
        [(table, checks.rejected_since(known)) for _, table, known in tables.values()],
    )
    return [
        *(
            checks.still_rejected(tables[it][0], it[1], count)
            for it, count in sorted(counts.items())
        ),
        *checks.not_fresh(connections, parts.connectors(), activity, parts.clock.now()),
        *checks.fulls_failing(connections, activity, parts.clock.now()),
        *checks.breakers_open(connections, activity),
    ]


def _synced(
    parts: Parts, connection: Connection, activity: Mapping[Target, TargetActivity]
) -> list[tuple[str, Table, TargetActivity]]:
    """The chosen objects that have been synced, each with its table; without those that the
    connector has no more."""
    found = []
    for obj in parts.connector_of(connection).objects:
        known = activity.get(Target(connection.name, obj.name))
        if known is not None and connection.choice(obj.name) is not None:
            found.append((obj.name, table_of(parts, connection, obj), known))
    return found
