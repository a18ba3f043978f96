"""The objects that discovery found on each connection, where accounts have objects of their own."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from sync_platform.engine.ports import SchemaChange
from sync_platform.spec import Discovered
from sync_platform.store.database import Database
from sync_platform.store.storable import storable, text
from sync_platform.store.tables import connections, discovered_objects, schema_changes


class DiscoveredObjects:
    """What was found, in the store. Raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, connection: str, found: Sequence[Discovered]) -> list[SchemaChange]:
        """Keep what was found, in its order; tells and keeps what changed since the last time.

        An object keeps the name that it was first found under, while the vendor knows it by the
        same id: its table and its asset go on under it; only its label follows. What was not found
        any more stays, marked as vanished. Raises UnknownConnection if the connection is gone.
        """
        table = discovered_objects
        with self._database.transaction() as transaction:
            # One at a time: two that discover at once would both add the same objects.
            owner = select(connections.c.name).where(connections.c.name == connection)
            transaction.execute(owner.with_for_update())
            query = select(table).where(table.c.connection == connection)
            known = {row.object: row for row in transaction.execute(query)}
            by_id = {row.id: row.object for row in known.values() if row.id}
            changes: list[SchemaChange] = []
            kept: set[str] = set()
            for position, each in enumerate(found):
                name = by_id.get(each.id) if each.id else None
                if name is None:
                    name = _free(each, kept | {it for it, row in known.items() if row.id})
                kept.add(name)
                values = {
                    "position": position,
                    "id": each.id,
                    "label": text(each.label),
                    "about": storable(dict(each.about)),
                    "chosen": each.chosen,
                    "vanished_at": None,
                }
                where = {"connection": connection, "object": name}
                before = known.get(name)
                if before is None:
                    made = insert(table).values(**where, **values, found_at=func.now())
                    transaction.execute(made)
                    if known:
                        changes.append(_change(name, "added", after=each.label))
                    continue
                transaction.execute(update(table).filter_by(**where).values(**values))
                if before.vanished_at is not None:
                    changes.append(_change(name, "returned", after=each.label))
                if before.label != text(each.label):
                    changes.append(_change(name, "renamed", before.label, each.label))
            for name, row in known.items():
                if name not in kept and row.vanished_at is None:
                    where = {"connection": connection, "object": name}
                    gone = update(table).filter_by(**where).values(vanished_at=func.now())
                    transaction.execute(gone)
                    changes.append(_change(name, "vanished", before=row.label))
            return _remember(transaction, connection, changes)

    def of(self, connection: str) -> list[Discovered]:
        """What a connection has, in the vendor's order; what vanished last."""
        table = discovered_objects.c
        query = select(discovered_objects).where(table.connection == connection)
        order = (table.vanished_at.is_not(None), table.position)
        with self._database.statement() as reading:
            rows = reading.execute(query.order_by(*order)).all()
        return [_discovered(row) for row in rows]

    def all(self) -> dict[str, list[Discovered]]:
        """What each connector's connections have: of a name that several have, one of them."""
        query = (
            select(connections.c.connector, discovered_objects)
            .join(connections, connections.c.name == discovered_objects.c.connection)
            .order_by(discovered_objects.c.object, discovered_objects.c.connection)
        )
        with self._database.statement() as reading:
            rows = reading.execute(query).all()
        found: dict[str, dict[str, Discovered]] = {}
        for row in rows:
            found.setdefault(row.connector, {}).setdefault(row.object, _discovered(row))
        return {connector: list(each.values()) for connector, each in found.items()}


def named(found: Sequence[Discovered]) -> list[Discovered]:
    """As they will be called on a new connection: each name once."""
    taken: set[str] = set()
    kept = []
    for each in found:
        name = _free(each, taken)
        taken.add(name)
        kept.append(replace(each, name=name))
    return kept


def _discovered(row: Row[Any]) -> Discovered:
    return Discovered(
        name=row.object, label=row.label, id=row.id, about=row.about, chosen=row.chosen
    )


def _free(it: Discovered, taken: set[str]) -> str:
    """Its name, or one with a number where another object has that."""
    low = {name.lower() for name in taken}
    if it.name.lower() not in low:
        return it.name
    numbered = (f"{it.name[:59]}_{number}" for number in count(2))
    return next(name for name in numbered if name.lower() not in low)


def _change(
    name: str, kind: str, before: str | None = None, after: str | None = None
) -> SchemaChange:
    """A change of an object as a whole: it names no field."""
    return SchemaChange(object=name, field="", kind=kind, before=before, after=after)


def _remember(
    transaction: Connection, connection: str, changes: Sequence[SchemaChange]
) -> list[SchemaChange]:
    kept = []
    for each in changes:
        found_at = transaction.execute(
            insert(schema_changes)
            .values(
                connection=connection,
                object=each.object,
                field=each.field,
                kind=each.kind,
                before=None if each.before is None else text(each.before),
                after=None if each.after is None else text(each.after),
                found_at=func.now(),
            )
            .returning(schema_changes.c.found_at)
        ).scalar_one()
        kept.append(replace(each, found_at=found_at))
    return kept
