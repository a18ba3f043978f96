"""Parts of SQL that follow from the columns given: lists of names, and what they are set to."""

from collections.abc import Collection
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

COMMA = SQL(", ")


def written(text: LiteralString, *parts: Composable, **named: Composable) -> bytes:
    """The text with its parts in it, once and for all: composed, it is put together every time it
    is executed."""
    return SQL(text).format(*parts, **named).as_bytes()


def columns(names: Collection[str], of: str | None = None) -> Composed:
    """`a, b`, or with the table's alias `t.a, t.b`."""
    prefix = (of,) if of else ()
    return COMMA.join([Identifier(*prefix, name) for name in names])


def assignments(names: Collection[str]) -> Composed:
    """`a = %(a)s, b = %(b)s`, for UPDATE."""
    return COMMA.join([SQL("{} = {}").format(Identifier(it), Placeholder(it)) for it in names])


def inserting(table: str, names: Collection[str]) -> Composed:
    """`INSERT INTO sync_platform.<table> (a, b) VALUES (%(a)s, %(b)s)`; more may follow."""
    return SQL("INSERT INTO {} ({}) VALUES ({}) ").format(
        Identifier("sync_platform", table), columns(names), COMMA.join(map(Placeholder, names))
    )
