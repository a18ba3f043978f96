"""What discovery found on each connection, how it changed since, and what became of the tables.

Records are read by the fields' names and ids: these are kept exactly. The rest is for people: of
that, what Postgres cannot keep is left out.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from sync_platform.engine.results import SchemaChange, Target
from sync_platform.errors import UnknownConnection
from sync_platform.spec import Field
from sync_platform.store.database import Database
from sync_platform.store.statements import inserting
from sync_platform.store.storable import exact, read_back, storable

EXACT = ("name", "id")  # records are read by these
OF_TABLES = ("mended", "kept")  # kinds of changes that only syncs find
KEEP = """
    INSERT INTO sync_platform.schema_changes
        (connection, object, field, kind, before, after, found_at)
    SELECT %(connection)s, %(object)s, it.field, it.kind, it.before, it.after, now()
    FROM unnest(%(field)s::text[], %(kind)s::text[], %(before)s::text[], %(after)s::text[])
        WITH ORDINALITY AS it (field, kind, before, after, place)
    WHERE it.kind <> 'kept' OR NOT EXISTS (
        SELECT FROM (
            SELECT before, after FROM sync_platform.schema_changes AS known
            WHERE connection = %(connection)s AND object = %(object)s
                AND known.field = it.field AND known.kind = 'kept'
            ORDER BY id DESC LIMIT 1
        ) AS latest
        WHERE (latest.before, latest.after) = (it.before, it.after)
    )
    ORDER BY it.place
    RETURNING object, field, kind, before, after, found_at
"""


class Catalogs:
    """The catalogs, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fields(self, target: Target) -> list[Field] | None:
        """The fields last found, in the vendor's order; None before the first discovery."""
        with self._database.statement() as session:
            row = session.execute(
                "SELECT fields FROM sync_platform.catalogs WHERE connection = %s AND object = %s",
                (target.connection, target.object),
            ).fetchone()
        return None if row is None else [_read(each) for each in row["fields"]]

    def save(self, target: Target, fields: Sequence[Field]) -> list[SchemaChange]:
        """Keep what was found; tells and keeps what changed since the last time.

        The first discovery changes nothing. Raises UnknownConnection if the connection is gone.
        """
        where = {"connection": target.connection, "object": target.object}
        with self._database.transaction() as session:
            first = session.execute(
                """
                INSERT INTO sync_platform.catalogs (connection, object, fields, found_at)
                VALUES (%(connection)s, %(object)s, %(fields)s, now())
                ON CONFLICT DO NOTHING
                """,
                {"fields": Jsonb([_as_json(each) for each in fields]), **where},
            )
            if first.rowcount:
                return []
            before = session.execute(
                """
                SELECT fields, vanished, now() AS found_at FROM sync_platform.catalogs
                WHERE connection = %(connection)s AND object = %(object)s
                FOR UPDATE
                """,
                where,
            ).fetchone()
            if before is None:
                raise UnknownConnection(f"{target.connection} has been removed meanwhile.")
            had = _listed(map(_read, before["fields"]))
            vanished = _vanished(before["vanished"])
            has = _typed_as_before(fields, [*vanished, *had])
            changes, gone = compare(target.object, had, _listed(has), vanished)
            kept = [_as_json(each) for each in has]
            session.execute(
                """
                UPDATE sync_platform.catalogs
                SET fields = %(fields)s, vanished = %(vanished)s, found_at = now()
                WHERE connection = %(connection)s AND object = %(object)s
                """,
                {"fields": Jsonb(kept), "vanished": Jsonb(_as_vanished(gone)), **where},
            )
            changes = [_for_people(each, before["found_at"]) for each in changes]
            values = [{"connection": target.connection, **asdict(each)} for each in changes]
            if values:
                session.cursor().executemany(inserting("schema_changes", values[0]), values)
        return changes

    def keep(self, target: Target, changes: Sequence[SchemaChange]) -> list[SchemaChange]:
        """Keep what became of the object's table; gives back what is news. That a column keeps its
        type is news once, however often it is found. That a column followed its renamed field is
        not kept: discovery has kept the rename. Raises UnknownConnection if the connection is gone.
        """
        found = [asdict(each) for each in changes if each.kind in OF_TABLES]
        news = [each for each in changes if each.kind not in OF_TABLES]
        if found:
            slots = {
                it: [storable(each[it]) for each in found]
                for it in ("field", "kind", "before", "after")
            }
            where = {"connection": target.connection, "object": target.object}
            with self._database.statement() as session:
                news += [SchemaChange(**row) for row in session.execute(KEEP, {**slots, **where})]
        return news

    def changes(self, connection: str, object: str | None = None) -> list[SchemaChange]:
        """What changed on a connection (or one of its objects), newest first."""
        with self._database.statement() as session:
            rows = session.execute(
                """
                SELECT object, field, kind, before, after, found_at
                FROM sync_platform.schema_changes
                WHERE connection = %(connection)s
                  AND (%(object)s::text IS NULL OR object = %(object)s)
                ORDER BY id DESC
                """,
                {"connection": connection, "object": object},
            )
            return [SchemaChange(**row) for row in rows]


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


def _for_people(change: SchemaChange, found_at: datetime) -> SchemaChange:
    """The change as it is kept and told."""
    return SchemaChange(**{**storable(asdict(change)), "found_at": found_at})


def _listed(fields: Iterable[Field]) -> list[Field]:
    """Each name once, and only what tells fields apart."""
    return list({each.name: _plain(each) for each in fields}.values())


def _plain(field: Field) -> Field:
    return Field(field.name, field.type, id=field.id, empty=field.empty)


def _as_vanished(fields: Sequence[Field]) -> dict[str, Any]:
    """By what is read by no one: it only keeps them apart."""
    return {json.dumps(exact(it.id or it.name)): _as_json(_plain(it)) for it in fields}


def _vanished(kept: Mapping[str, Any]) -> list[Field]:
    """Earlier versions kept a name with its type."""
    written = [
        {"name": name, "type": it} if isinstance(it, str) else it for name, it in kept.items()
    ]
    return [_read(it) for it in written]


def _as_json(field: Field) -> dict[str, Any]:
    """The field's slots that are not at their defaults; hundreds of fields are common."""
    plain = Field(field.name)
    slots = {name: getattr(field, name) for name in Field.__dataclass_fields__}
    return {
        name: exact(value) if name in EXACT else storable(value)
        for name, value in slots.items()
        if name == "name" or value != getattr(plain, name)
    }


def _read(kept: Mapping[str, Any]) -> Field:
    """The field that `_as_json` was given."""
    slots: dict[str, Any] = {
        name: read_back(it) if name in EXACT else it for name, it in kept.items()
    }
    return Field(**slots)
