"""Landing: a table as rows are written to it."""

from dataclasses import dataclass

from psycopg.sql import Composed

from sync_platform.destination import names
from sync_platform.destination.book import relation
from sync_platform.destination.columns import Column
from sync_platform.destination.locks import Lock
from sync_platform.engine.destination import Table
from sync_platform.engine.results import SchemaChange


@dataclass(frozen=True, kw_only=True)
class Landing:
    """A table that is ready for rows: `columns` in the order of the fields, keys among them, and
    after them those that stand beside others."""

    table: Table
    name: str
    columns: tuple[Column, ...]
    more: tuple[str, ...] = ()  # fields that share the column _more
    others_in_more: bool = False  # it holds more than these, which stays
    accounts: tuple[str, ...] = ()  # whose values the rows may hold
    told: tuple[SchemaChange, ...] = ()  # mended or renamed just now, or kept from widening
    lock: Lock

    @property
    def keys(self) -> tuple[Column, ...]:
        """The key's columns, in the key's order."""
        by_field = {column.field: column for column in self.columns if column.beside is None}
        return tuple(by_field[key] for key in self.table.keys)

    @property
    def relation(self) -> Composed:
        """The table, as SQL."""
        return relation(self.table.schema, self.name)

    @property
    def seen(self) -> Composed:
        """The table of the keys that a full sync has seen, as SQL."""
        return relation(self.table.schema, names.seen_name(self.name))
