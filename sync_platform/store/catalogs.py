"""What discovery found on each connection, and how it changed since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sync_platform.engine.ports import SchemaChange
from sync_platform.engine.results import Target
from sync_platform.spec import Field
from sync_platform.store.database import Database
from sync_platform.store.storable import storable
from sync_platform.store.tables import catalogs, schema_changes


@dataclass(frozen=True, kw_only=True)
class FoundChange(SchemaChange):
    """A schema change, and when it was found."""

    found_at: datetime


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
            had = {each["name"]: each.get("type", "text") for each in before.fields}
            has = {each["name"]: each.get("type", "text") for each in kept}
            changes = list(compare(target.object, had, has, before.vanished))
            gone = {**before.vanished, **had}
            connection.execute(
                update(catalogs)
                .filter_by(**where)
                .values(
                    fields=kept,
                    vanished={name: type for name, type in gone.items() if name not in has},
                    found_at=func.now(),
                )
            )
            if changes:
                connection.execute(
                    insert(schema_changes).values(
                        connection=target.connection, found_at=func.now()
                    ),
                    [asdict(each) for each in changes],
                )
        return changes

    def changes(self, connection: str, object: str | None = None) -> list[FoundChange]:
        """What changed on a connection (or one of its objects), newest first."""
        table = schema_changes.c
        query = select(schema_changes).where(table.connection == connection)
        if object is not None:
            query = query.where(table.object == object)
        with self._database.statement() as reading:
            rows = reading.execute(query.order_by(table.id.desc())).all()
        return [
            FoundChange(
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
    object: str, had: Mapping[str, str], has: Mapping[str, str], vanished: Mapping[str, str]
) -> Iterator[SchemaChange]:
    """The differences between two discoveries; all arguments map a field's name to its type."""
    for name, now in has.items():
        if name in had:
            before = had[name]
        elif name in vanished:
            before = vanished[name]
            yield SchemaChange(object=object, field=name, kind="returned", after=now)
        else:
            yield SchemaChange(object=object, field=name, kind="added", after=now)
            continue
        if before != now:
            yield SchemaChange(object=object, field=name, kind="retyped", before=before, after=now)
    for name, before in had.items():
        if name not in has:
            yield SchemaChange(object=object, field=name, kind="vanished", before=before)


def _as_json(field: Field) -> dict[str, Any]:
    """The field's slots that are not at their defaults; hundreds of fields are common."""
    plain = Field(field.name)
    slots = {name: getattr(field, name) for name in Field.__dataclass_fields__}
    return {
        name: value
        for name, value in slots.items()
        if name == "name" or value != getattr(plain, name)
    }
