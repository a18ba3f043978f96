"""The objects that discovery found on each connection, where accounts have objects of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import count
from typing import Any

from psycopg.types.json import Jsonb

from sync_platform.engine.results import SchemaChange
from sync_platform.errors import UnknownConnection
from sync_platform.spec import Discovered
from sync_platform.store.database import Database
from sync_platform.store.pool import Session
from sync_platform.store.storable import exact_mapping, exact_text, mapping_back, text, text_back

KEEP = """
    INSERT INTO sync_platform.discovered_objects
        (connection, object, position, id, label, about, chosen, found_at)
    VALUES
        (%(connection)s, %(object)s, %(position)s, %(id)s, %(label)s, %(about)s, %(chosen)s, now())
    ON CONFLICT (connection, object) DO UPDATE SET
        position = excluded.position, id = excluded.id, label = excluded.label,
        about = excluded.about, chosen = excluded.chosen, vanished_at = NULL
"""

# Of two that have one id, which older versions made, the one that is there comes first.
KNOWN = """
    SELECT object, id, label, vanished_at FROM sync_platform.discovered_objects
    WHERE connection = %s
    ORDER BY vanished_at IS NOT NULL, vanished_at DESC, position, object
"""


class DiscoveredObjects:
    """What was found, in the store. Raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        connection: str,
        found: Sequence[Discovered],
        *,
        another: bool = False,
        elsewhere: bool = False,
    ) -> list[SchemaChange]:
        """Keep what was found, in its order; tells and keeps what changed since the last time.

        An object keeps the name that it was first found under, while the vendor knows it by the
        same id: its table and its asset go on under it; only its label follows. What was not found
        any more stays, marked as vanished. What `another` account has and was not known takes the
        place of what has its name and was not found any more. Where that account is `elsewhere`,
        ids tell nothing: all that it has goes by name, and what it has not loses its id. Raises
        UnknownConnection if the connection is gone.
        """
        with self._database.transaction() as session:
            # One at a time: two that discover at once would both add the same objects. Not FOR
            # UPDATE: who adds rows of the connection's waits for that, and may hold what a block
            # (`Database.together`) that this is part of wants next.
            locked = session.execute(
                "SELECT name FROM sync_platform.connections WHERE name = %s FOR NO KEY UPDATE",
                (connection,),
            )
            if not locked.rowcount:
                raise UnknownConnection(f"{connection} has been removed meanwhile.")
            known = _known(session, connection, elsewhere)
            names = _names(known, found, another)
            changes: list[SchemaChange] = []
            for position, (name, each) in enumerate(zip(names, found, strict=True)):
                label = text(each.label)
                session.execute(
                    KEEP,
                    {
                        "connection": connection,
                        "object": name,
                        "position": position,
                        "id": None if each.id is None else exact_text(each.id),
                        "label": label,
                        "about": Jsonb(exact_mapping(each.about)),
                        "chosen": each.chosen,
                    },
                )
                before = known.get(name)
                if before is None:
                    if known:
                        changes.append(_change(name, "added", after=each.label))
                    continue
                if before["vanished_at"] is not None:
                    changes.append(_change(name, "returned", after=each.label))
                if before["label"] != label:
                    changes.append(_change(name, "renamed", before["label"], each.label))
            kept = set(names)
            for name, row in known.items():
                if name not in kept and row["vanished_at"] is None:
                    session.execute(
                        """
                        UPDATE sync_platform.discovered_objects SET vanished_at = now()
                        WHERE connection = %s AND object = %s
                        """,
                        (connection, name),
                    )
                    changes.append(_change(name, "vanished", before=row["label"]))
            if elsewhere:
                session.execute(
                    """
                    UPDATE sync_platform.discovered_objects SET id = NULL
                    WHERE connection = %s AND vanished_at IS NOT NULL
                    """,
                    (connection,),
                )
            return _remember(session, connection, changes)

    def called(
        self, connection: str, found: Sequence[Discovered], *, elsewhere: bool
    ) -> list[Discovered]:
        """What another account has, under the names that `save` will keep it by."""
        with self._database.statement() as session:
            known = _known(session, connection, elsewhere)
        names = _names(known, found, another=True)
        return [replace(each, name=name) for name, each in zip(names, found, strict=True)]

    def of(self, connection: str) -> list[Discovered]:
        """What a connection has, in the vendor's order; what vanished last."""
        with self._database.statement() as session:
            rows = session.execute(
                """
                SELECT object AS name, label, id, about, chosen
                FROM sync_platform.discovered_objects
                WHERE connection = %s
                ORDER BY vanished_at IS NOT NULL, position
                """,
                (connection,),
            )
            return [_read(row) for row in rows]

    def all(self) -> dict[str, list[Discovered]]:
        """What each connector's connections have: of a name that several have, one of them."""
        found: dict[str, dict[str, Discovered]] = {}
        with self._database.statement() as session:
            rows = session.execute(
                """
                SELECT connector, object AS name, found.label, id, about, chosen
                FROM sync_platform.discovered_objects AS found
                JOIN sync_platform.connections ON connections.name = connection
                ORDER BY object, connection
                """
            )
            for row in rows:
                alike = found.setdefault(row.pop("connector"), {})
                alike.setdefault(row["name"], _read(row))
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


def _known(session: Session, connection: str, elsewhere: bool) -> dict[str, dict[str, Any]]:
    """The rows of what is known, by name; without their ids where these are of `elsewhere`."""
    rows = session.execute(KNOWN, (connection,))
    return {row["object"]: {**row, "id": None} if elsewhere else dict(row) for row in rows}


def _names(
    known: Mapping[str, Mapping[str, Any]], found: Sequence[Discovered], another: bool
) -> list[str]:
    """What each that was found is called: what it is known as by its id, or else its own name. No
    name is free that has an id; of `another` account's, only those whose id was found are taken."""
    by_id: dict[str, str] = {}
    for name, row in known.items():
        if row["id"]:
            by_id.setdefault(row["id"], name)
    ids = [exact_text(each.id) if each.id else None for each in found]
    there = {id for id in ids if id in by_id} if another else set(by_id)
    taken = {name for name, row in known.items() if row["id"] in there}
    names = []
    for id, each in zip(ids, found, strict=True):
        name = by_id[id] if id in by_id else _free(each, taken)
        names.append(name)
        taken.add(name)
    return names


def _free(it: Discovered, taken: set[str]) -> str:
    """Its name, or one with a number where another object has that."""
    low = {name.lower() for name in taken}
    if it.name.lower() not in low:
        return it.name
    numbered = (f"{it.name[:59]}_{number}" for number in count(2))
    return next(name for name in numbered if name.lower() not in low)


def _read(row: Mapping[str, Any]) -> Discovered:
    """What was found, as its row keeps it. Its object is read by what `about` tells."""
    id = None if row["id"] is None else text_back(row["id"])
    return Discovered(**{**row, "id": id, "about": mapping_back(row["about"])})


def _change(
    name: str, kind: str, before: str | None = None, after: str | None = None
) -> SchemaChange:
    """A change of an object as a whole: it names no field."""
    return SchemaChange(object=name, field="", kind=kind, before=before, after=after)


def _remember(
    session: Session, connection: str, changes: Sequence[SchemaChange]
) -> list[SchemaChange]:
    kept = []
    for each in changes:
        rows = session.execute(
            """
            INSERT INTO sync_platform.schema_changes
                (connection, object, field, kind, before, after, found_at)
            VALUES
                (%(connection)s, %(object)s, %(field)s, %(kind)s, %(before)s, %(after)s, now())
            RETURNING found_at
            """,
            {
                **asdict(each),
                "connection": connection,
                "before": None if each.before is None else text(each.before),
                "after": None if each.after is None else text(each.after),
            },
        )
        kept += [replace(each, found_at=row["found_at"]) for row in rows]
    return kept
