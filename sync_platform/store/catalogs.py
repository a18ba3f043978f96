"""What discovery found on each connection, and how it changed since."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sync_platform.engine.ports import SchemaChange
from sync_platform.engine.results import Target
from sync_platform.spec import Field
from sync_platform.store.database import Database
from sync_platform.store.storable import storable
from sync_platform.store.tables import catalogs, schema_changes


class Catalogs:
    """The catalogs, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fields(self, target: Target) -> list[Field] | None:
        """The fields last found, in the vendor's order; None before the first discovery."""
        with self._database.statement() as connection:
            found = connection.scalar(
                select(catalogs.c.fields).where(
                    catalogs.c.connection == target.connection,
                    catalogs.c.object == target.object,
                )
            )
        return None if found is None else [Field(**each) for each in found]

    def save(self, target: Target, fields: Sequence[Field]) -> list[SchemaChange]:
        """Keep what was found; tells and keeps what changed since the last time.

        The first discovery changes nothing. Raises UnknownConnection if the connection is gone.
        """
        kept = [storable(_as_json(each)) for each in fields]
        where = {"connection": target.connection, "object": target.object}
        with self._database.transaction() as connection:
            first = connection.execute(
                upsert(catalogs)
                .values(fields=kept, found_at=func.now(), **where)
                .on_conflict_do_nothing()
                .returning(catalogs.c.object)
            ).first()
            if first is not None:
                return []
            before = connection.execute(
                select(catalogs.c.fields, catalogs.c.vanished).filter_by(**where).with_for_update()
            ).one()
            had, vanished = _listed(before.fields), _vanished(before.vanished)
            kept = [storable(_as_json(it)) for it in _typed_as_before(fields, [*vanished, *had])]
            changes, gone = compare(target.object, had, _listed(kept), vanished)
            found_at = connection.execute(
                update(catalogs)
                .filter_by(**where)
                .values(fields=kept, vanished=_as_vanished(gone), found_at=func.now())
                .returning(catalogs.c.found_at)
            ).scalar_one()
            changes = [replace(each, found_at=found_at) for each in changes]
            if changes:
                connection.execute(
                    insert(schema_changes).values(connection=target.connection),
                    [asdict(each) for each in changes],
                )
        return changes

    def changes(self, connection: str, object: str | None = None) -> list[SchemaChange]:
        """What changed on a connection (or one of its objects), newest first."""
        table = schema_changes.c
        query = select(schema_changes).where(table.connection == connection)
        if object is not None:
            query = query.where(table.object == object)
        with self._database.statement() as reading:
            rows = reading.execute(query.order_by(table.id.desc())).all()
        return [
            SchemaChange(
                object=row.object,
                field=row.field,
                kind=row.kind,
                before=row.before,
                after=row.after,
                found_at=row.found_at,
            )
            for row in rows
        ]


def compare(
    object: str, had: Sequence[Field], has: Sequence[Field], vanished: Sequence[Field]
) -> tuple[list[SchemaChange], list[Field]]:
    """The differences between two discoveries, and all fields that are gone now.

    A field is the one before that has its id; where none has, the one that has its name.
    """
    ids = {it.id for it in has if it.id}
    known, was_gone = [*vanished, *had], set(vanished)
    by_id = {it.id: it for it in known if it.id}
    by_name = {it.name: it for it in known if it.id not in ids}
    found: set[Field] = set()
    changes: list[SchemaChange] = []

    def told(it: Field, kind: str, before: str | None = None, after: str | None = None) -> None:
        changes.append(
            SchemaChange(object=object, field=it.name, kind=kind, before=before, after=after)
        )

    for it in has:
        earlier = (by_id.get(it.id) if it.id else None) or by_name.get(it.name)
        if earlier is None:
            told(it, "added", after=it.type)
            continue
        found.add(earlier)
        if earlier in was_gone:
            told(it, "returned", after=it.type)
        if earlier.name != it.name:
            told(it, "renamed", earlier.name, it.name)
        if earlier.type != it.type and not earlier.empty:
            told(it, "retyped", earlier.type, it.type)
    for it in had:
        if it not in found:
            told(it, "vanished", before=it.type)
    return changes, [it for it in known if it not in found]


def _typed_as_before(fields: Sequence[Field], known: Sequence[Field]) -> list[Field]:
    """The fields; those without any value to tell their types from as they were."""
    types = {it.name: it.type for it in known}
    return [replace(it, type=types.get(it.name, it.type)) if it.empty else it for it in fields]


def _listed(fields: Sequence[Mapping[str, Any]]) -> list[Field]:
    """As kept, each name once, and only what tells fields apart."""
    return list({each["name"]: _plain(Field(**each)) for each in fields}.values())


def _plain(field: Field) -> Field:
    return Field(field.name, field.type, id=field.id, empty=field.empty)


def _as_vanished(fields: Sequence[Field]) -> dict[str, Any]:
    return {it.id or it.name: _as_json(_plain(it)) for it in fields}


def _vanished(kept: Mapping[str, Any]) -> list[Field]:
    """Earlier versions kept a name with its type."""
    written = [
        {"name": name, "type": it} if isinstance(it, str) else it for name, it in kept.items()
    ]
    return [Field(**it) for it in written]


def _as_json(field: Field) -> dict[str, Any]:
    """The field's slots that are not at their defaults; hundreds of fields are common."""
    plain = Field(field.name)
    slots = {name: getattr(field, name) for name in Field.__dataclass_fields__}
    return {
        name: value
        for name, value in slots.items()
        if name == "name" or value != getattr(plain, name)
    }
