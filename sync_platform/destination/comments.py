"""What is written on tables and columns, for people who look at them in their own tools.

A comment of ours also tells a column that was renamed: it is the one thing that goes with it.
"""

from psycopg.sql import SQL, Composed, Identifier, Literal

from sync_platform.engine.destination import Table
from sync_platform.spec import Field, FieldType

SYSTEM = {  # the columns that every table has: their type and comment
    "_synced_at": ("timestamp with time zone", "sync_platform: when the row was last written"),
    "_deleted_at": ("timestamp with time zone", "sync_platform: since when the record is gone"),
    "_deleted_by": ("text", "sync_platform: who said it is gone, 'vendor' or 'reconcile'"),
}
MORE = ("jsonb", "sync_platform: the fields beyond the columns that a table can have")
FIELD = "synced from "
OURS = (FIELD, "sync_platform: ")
GONE = " (no longer at the vendor)"


def column_comment(table: Table, field: Field) -> str:
    """`synced from HubSpot contacts: Email`"""
    return f"{FIELD}{printable(table.label)}: {printable(field.label or field.name)}"


def beside_comment(table: Table, field: Field, kept: FieldType | None) -> str:
    """`synced from HubSpot contacts: Score, where it is no integer`: of the column beside one that
    is kept at this type; None: that one has been widened since."""
    where = "where it did not fit" if kept is None else f"where it is no {kept}"
    return f"{column_comment(table, field)}, {where}"


def table_comment(table: Table) -> str:
    """`HubSpot contacts, synced from acme-hubspot`"""
    return f"{printable(table.label)}, synced from {printable(table.connection)}"


def as_gone(has: str | None) -> str | None:
    """The comment of a column whose field is gone; None where it stays as it is."""
    ours = has is not None and has.startswith(FIELD) and not has.endswith(GONE)
    return f"{has}{GONE}" if ours else None


def may_replace(has: str | None) -> bool:
    """Whether a comment is ours, or none; what people wrote stays."""
    return has is None or has.startswith(OURS) or ", synced from " in has


def on_table(relation: Composed, comment: str) -> Composed:
    """The statement."""
    return SQL("COMMENT ON TABLE {} IS {}").format(relation, Literal(comment))


def on_column(relation: Composed, column: str, comment: str) -> Composed:
    """The statement."""
    return SQL("COMMENT ON COLUMN {}.{} IS {}").format(
        relation, Identifier(column), Literal(comment)
    )


def printable(text: str) -> str:
    """The text, without what Postgres cannot store."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")
