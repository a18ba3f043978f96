"""The statements that write one table's lines of the book on which field has which column."""

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from sync_platform.destination.book import relation
from sync_platform.destination.names import storable
from sync_platform.spec import Field, FieldType


class Lines:
    """One table's lines of the book."""

    def __init__(self, schema: str, table_name: str) -> None:
        self._book, self._table = relation(schema, "_columns"), Literal(table_name)

    def add(self, it: Field, column: str, type: FieldType, position: int) -> Composed:
        """A line for a field that has none."""
        return SQL(
            "INSERT INTO {} (table_name, field, column_name, type, position, field_id)"
            " VALUES ({}, {}, {}, {}, {}, {})"
        ).format(
            self._book,
            self._table,
            Literal(storable(it.name)),
            Literal(column),
            Literal(type),
            Literal(position),
            Literal(None if it.id is None else storable(it.id)),
        )

    def change(self, field: str, **values: Composable) -> Composed:
        """Other values in a field's line."""
        return SQL("UPDATE {} SET {} WHERE table_name = {} AND field = {}").format(
            self._book,
            SQL(", ").join(
                SQL("{} = {}").format(Identifier(what), value) for what, value in values.items()
            ),
            self._table,
            Literal(storable(field)),
        )

    def forget(self, field: str) -> Composed:
        """No line for a field any more."""
        return SQL("DELETE FROM {} WHERE table_name = {} AND field = {}").format(
            self._book, self._table, Literal(storable(field))
        )
