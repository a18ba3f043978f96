"""Books that do not know any more what is there, because somebody emptied them, dropped them or
brought back a part of a backup. Nothing is guessed then: what was not booked would be left as it is
for ever, in a table or a column beside which the next sync made another one. A column that carries
our comment is booked again.
"""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import replace

from psycopg.sql import SQL, Identifier

from sync_platform.destination import names
from sync_platform.destination.book import Actual, Found, actual_columns, relation
from sync_platform.destination.columns import FIELD_TYPE
from sync_platform.destination.comments import (
    FIELD,
    GONE,
    OURS,
    SYSTEM,
    column_comment,
    printable,
)
from sync_platform.destination.ddl import dropped
from sync_platform.destination.lock_triggers import PASSING
from sync_platform.destination.locks import knows
from sync_platform.destination.sessions import Connection
from sync_platform.engine.destination import Table
from sync_platform.engine.results import SchemaChange
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field

MOST_NAMED = 5  # columns, in a message
ON_TABLE = f", {FIELD}"  # in our comment on a table, which nobody's copy of it gets


def refuse_unknown(connection: Connection, table: Table) -> None:
    """Raises ConfigurationError where an object that is in no book has a table, and no book knows
    that either. Such a table is known by its comment; where people wrote another one, by those of
    its columns that name the object, or by its lock. Where the book knows no table at all, any
    comment of ours on a column will do, or the columns that every table of ours has; else they
    only tell that somebody copied one of the others."""
    name = names.identifier(table.name, ())
    row = connection.execute(
        SQL(
            "SELECT obj_description(oid, 'pg_class'), EXISTS (SELECT FROM {}) FROM pg_class"
            " WHERE oid = to_regclass(format('%%I.%%I', %s::text, %s::text))"
            " AND relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM {} WHERE table_name = %s)"
        ).format(*[relation(table.schema, "_tables")] * 2),
        [table.schema, name, name],
    ).fetchone()
    if row is None:
        return
    comment, others = row
    columns = actual_columns(connection, table.schema, name)
    by = (f"{FIELD}{printable(table.label)}: ",) if others else OURS
    if (
        (comment is not None and ON_TABLE in comment)
        or any(it.comment is not None and it.comment.startswith(by) for it in columns.values())
        or (not others and _is_like_ours(columns))
        or knows(connection, table.schema, name)
    ):
        raise dropped(table.schema, "_tables", unknown=name)


def _is_like_ours(columns: dict[str, Actual]) -> bool:
    return all(it in columns and columns[it].type == type for it, (type, _) in SYSTEM.items())


def refuse_emptied(table: Table, found: Found) -> None:
    """Raises ConfigurationError where the table is there, and the book of its columns has no lines
    for it, or none for columns that it has the numbers of."""
    if found.name is None or not found.actual:
        return
    unknown = _unbooked(found) if found.booked else []
    if found.booked and not unknown:
        return
    few = ", ".join(unknown[:MOST_NAMED]) + (" ..." if len(unknown) > MOST_NAMED else "")
    aside = Identifier(names.identifier(f"{found.name}_before", ())).as_string(None)
    raise ConfigurationError(
        f"Somebody took out of {table.schema}._columns, in which syncs keep which field is in "
        f"which column, what it said of {table.schema}.{found.name}"
        f"{f' ({few})' if unknown else ''}. Bring it back from a backup, or rename the table "
        f"(after {PASSING}: ALTER TABLE {Identifier(table.schema, found.name).as_string(None)} "
        f"RENAME TO {aside}): the next sync makes it anew and reads everything."
    )


def unbooked_columns(found: Found) -> dict[str, Actual]:
    """Columns that carry a comment of ours, and that are in no book any more."""
    ours = found.ours
    return {
        name: it
        for name, it in found.actual.items()
        if it.comment is not None and it.comment.startswith(FIELD) and name not in ours
    }


def booked_before(
    name: str, comment: str, unbooked: Mapping[str, Actual], taken: Set[str]
) -> str | None:
    """Which of the `unbooked` columns was made for what has this name, and this comment of ours;
    None: none of them. `taken` are the names of all columns."""
    tried = taken - unbooked.keys() if unbooked else taken
    while (called := names.identifier(name, tried)) in unbooked:
        actual = unbooked[called]
        if actual.type in FIELD_TYPE and actual.comment in (comment, f"{comment}{GONE}"):
            return called
        tried = tried | {called}
    return None


def renamed_before(
    table: Table, wanted: Mapping[str, Field], moved: Mapping[str, str], found: Found
) -> tuple[Found, list[str]]:
    """What there is, where columns of fields that `moved` (see `renames.moves`) have followed these
    already, and the book is older; and those columns."""
    if not moved or not found.actual:
        return found, []
    fields = {moved.get(names.storable(it.name)): it for it in wanted.values()}
    left = {has: fields[has] for has in moved.values()}
    alike = Counter(column_comment(table, it) for it in wanted.values())
    again: list[str] = []
    while True:  # one may be in the book as another's that followed, too
        for has, it in left.items():
            if (column := _followed(table, it, has, found, alike)) is not None:
                break
        else:
            return found, again
        line = replace(found.booked[has], column=column)
        found = replace(found, booked={**found.booked, has: line})
        again.append(column)
        del left[has]


def _followed(table: Table, it: Field, has: str, found: Found, alike: Counter[str]) -> str | None:
    """The column that followed a field, which the book `has` under another name. It is known by
    the comment of the present name, where no other has that. The one in the book must be nowhere,
    or be another field's by its comment; `alike` are those of the fields."""
    booked, comment = found.booked[has].column, column_comment(table, it)
    like = _made_for(table, it, found)
    if booked == "_more" or len(like) != 1 or alike[comment] != 1:
        return None
    number = (found.numbers or {}).get(booked)
    numbered = [name for name, each in found.actual.items() if each.number == number]
    if booked in found.actual:
        others = found.actual[booked].comment
        is_older = others in alike and others != comment and numbered in ([], like)
    else:  # else somebody renamed it, as its number or its comment of before tells
        before = _made_for(table, replace(it, name=has), found)
        is_older = not numbered and before in ([], like)
    return like[0] if is_older else None


def _made_for(table: Table, it: Field, found: Found) -> list[str]:
    """The columns in no book that have the field's comment."""
    comment = column_comment(table, it)
    return [
        name
        for name, each in unbooked_columns(found).items()
        if each.type in FIELD_TYPE and each.comment in (comment, f"{comment}{GONE}")
    ]


def booked_again(table: Table, column: str) -> SchemaChange:
    """What is told of such a column."""
    return SchemaChange(
        object=table.name,
        field=column,
        kind="mended",
        before="in no book any more, as where an older backup of the books is brought back",
        after="is booked again; what it missed meanwhile comes with the next full sync",
    )


def _unbooked(found: Found) -> list[str]:
    """Columns that were in the book when their numbers were kept, by their present names."""
    ours, numbers = found.ours | SYSTEM.keys(), found.numbers or {}
    known = {n for it, n in numbers.items() if it in ours}  # a renamed field's has two names
    lost = {n for it, n in numbers.items() if it not in ours} - known
    return [name for name, it in found.actual.items() if it.number in lost] if lost else []
