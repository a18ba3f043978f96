"""Fields that the vendor renamed: their columns are renamed with them, and keep their values.

A field is known by its id, where the vendor gives one (`Field.id`); the book keeps it. Whatever
people built on the column goes on: Postgres' own references do not follow names. A key's field is
known by its name alone, because the connector declares it.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import LiteralString

from psycopg.sql import SQL, Composable, Identifier, Literal

from sync_platform.destination import names
from sync_platform.destination.book import Booked, Found, relation
from sync_platform.destination.ddl import SHARED, Refusal, Statement, Tentative, read_anew
from sync_platform.engine.destination import Table
from sync_platform.engine.results import SchemaChange
from sync_platform.spec import Field

AWAY = "\x01"  # begins a field's name in the book while others take theirs; no vendor's begins so


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """`found` as it is once the statements have run, and what was renamed."""

    found: Found
    statements: tuple[Statement, ...] = ()
    columns: Mapping[str, str]  # what a column was called -> is called
    told: tuple[SchemaChange, ...] = ()


def moves(table: Table, wanted: Mapping[str, Field], found: Found) -> dict[str, str]:
    """The name that each renamed field has now -> the name that the book knows it by."""
    keys = {names.storable(key) for key in table.keys}
    known = {it.id: name for name, it in found.booked.items() if it.id and name not in keys}
    moved: dict[str, str] = {}
    for it in wanted.values():
        has = known.pop(names.storable(it.id), None) if it.id else None
        name = names.storable(it.name)
        if has is not None and has != name and name not in keys:
            moved[name] = has
    return moved


def as_booked(wanted: Mapping[str, Field], moved: Mapping[str, str]) -> Mapping[str, Field]:
    """The fields by the names that the book knows them by."""
    if not moved:
        return wanted
    before = [
        replace(it, name=moved.get(names.storable(it.name), it.name)) for it in wanted.values()
    ]
    return {it.name: it for it in before}


def rename(
    table: Table, moved: Mapping[str, str], found: Found, refused: Set[Refusal] = frozenset()
) -> Renamed:
    """What renames the columns of these fields, and their lines of the book. Executes nothing.

    A column keeps its name where the new one is taken: by another field's column, also that of a
    field that is gone, or by somebody's own. And where Postgres `refused` to rename it. Where it
    refused to rename the values that share a column, a full sync is owed that reads them.
    """
    if not moved or found.name is None:
        return Renamed(found=found, columns={})
    return _Renaming(table, moved, found, found.name, refused).done()


def in_turn(columns: Mapping[str, str], actual: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """The renames that give each column its name, one after the other: what it was called before,
    is called then, and will be. By way of another name where two change places."""
    way: dict[str, str] = {}
    taken = {*actual, *columns.values()}
    for n, column in enumerate(columns):
        if column in columns.values():
            way[column] = names.identifier(f"moving {n}", taken)
            yield column, column, way[column]
    for column, to in columns.items():
        yield column, way.get(column, column), to


class _Renaming:
    def __init__(
        self,
        table: Table,
        moved: Mapping[str, str],
        found: Found,
        name: str,
        refused: Set[Refusal],
    ) -> None:
        self._table, self._moved, self._found, self._name = table, moved, found, name
        self._stay = {column for what, column in refused if what == "name"}
        self._leave_shared = SHARED in refused
        self._statements: list[Statement] = []

    def done(self) -> Renamed:
        columns = self._columns()
        self._rename_columns(columns)
        self._rename_shared()
        self._read_exchanged()
        displaced = self._displaced()
        fields = {has: name for name, has in self._moved.items()} | displaced
        self._rename_lines(fields, columns)
        booked = {
            fields.get(name, name): replace(it, column=columns.get(it.column, it.column))
            for name, it in self._found.booked.items()
        }
        actual = {columns.get(name, name): it for name, it in self._found.actual.items()}
        return Renamed(
            found=replace(self._found, booked=booked, actual=actual),
            statements=tuple(self._statements),
            columns=columns,
            told=tuple(self._told(columns)),
        )

    def _add(self, statement: LiteralString, **parts: Composable) -> None:
        self._statements.append(
            SQL(statement).format(
                book=relation(self._table.schema, "_columns"),
                table=Literal(self._name),
                **parts,
            )
        )

    def _columns(self) -> dict[str, str]:
        """Which column gets which name, as if all of them were free at once."""
        wished: dict[str, str] = {}
        for name, has in self._moved.items():
            column, wish = self._found.booked[has].column, names.identifier(name, ())
            if column in self._found.actual and column not in (wish, "_more", *self._stay):
                wished[column] = wish
        while True:  # a column that stays is in the way of others
            taken = (self._found.actual.keys() | self._found.ours) - wished.keys()
            staying = None
            for column, wish in wished.items():
                if wish in taken:
                    staying = column
                    break
                taken.add(wish)
            if staying is None:
                return wished
            del wished[staying]

    def _rename_columns(self, columns: Mapping[str, str]) -> None:
        for before, column, to in in_turn(columns, self._found.actual):
            self._rename_column(before, column, to)

    def _rename_column(self, before: str, column: str, to: str) -> None:
        statement = SQL("ALTER TABLE {} RENAME COLUMN {} TO {}").format(
            relation(self._table.schema, self._name), Identifier(column), Identifier(to)
        )
        self._statements.append(Tentative(statement=statement, keeps=("name", before)))

    def _rename_shared(self) -> None:
        """Rename what is kept in the column _more, where there are more fields than columns. A
        trigger of somebody's may refuse it for one row, and so for all."""
        shared = {
            has: name
            for name, has in self._moved.items()
            if self._found.booked[has].column == "_more"
        }
        if not shared or "_more" not in self._found.actual:
            return
        if self._leave_shared:
            self._statements += read_anew(self._table.schema, self._name)
            return
        statement = SQL(
            "UPDATE ONLY {} SET _more = (_more - {before}::text[]) || (SELECT"
            " coalesce(jsonb_object_agg(m.after, _more -> m.before), '{{}}')"
            " FROM unnest({before}::text[], {after}::text[]) m (before, after)"
            " WHERE _more ? m.before) WHERE _more ?| {before}::text[]"
        ).format(
            relation(self._table.schema, self._name),
            before=Literal(list(shared)),
            after=Literal(list(shared.values())),
        )
        self._statements.append(Tentative(statement=statement, keeps=SHARED))

    def _read_exchanged(self) -> None:
        """Where fields took each other's names, no comment tells whether their columns did already,
        and the book is older. Their numbers do; without these, a full sync is owed."""
        is_told = self._found.numbers is not None or not self._found.actual
        if not is_told and self._moved.keys() & set(self._moved.values()):
            self._statements += read_anew(self._table.schema, self._name)

    def _displaced(self) -> dict[str, str]:
        """Fields that are gone and whose names others have now: what the book calls them from now
        on. Their columns stay theirs."""
        leaving = set(self._moved.values())
        displaced: dict[str, str] = {}
        for name in self._moved:
            line = self._found.booked.get(name)
            if line is not None and name not in leaving:
                displaced[name] = self._free(name, line)
        return displaced

    def _free(self, name: str, line: Booked) -> str:
        free = f"{name} ({line.id or line.column})"
        while free in self._found.booked or free in self._moved:
            free += "'"
        return free

    def _rename_lines(self, fields: Mapping[str, str], columns: Mapping[str, str]) -> None:
        """All of them at once, which the book's key allows in two steps only."""
        self._add(
            "UPDATE {book} SET field = {away} || field"
            " WHERE table_name = {table} AND field = ANY ({before}::text[])",
            away=Literal(AWAY),
            before=Literal(list(fields)),
        )
        lines = [self._found.booked[name] for name in fields]
        self._add(
            "UPDATE {book} SET field = m.after, column_name = m.column_name FROM"
            " unnest({before}::text[], {after}::text[], {columns}::text[])"
            " m (before, after, column_name)"
            " WHERE table_name = {table} AND field = {away} || m.before",
            away=Literal(AWAY),
            before=Literal(list(fields)),
            after=Literal(list(fields.values())),
            columns=Literal([columns.get(it.column, it.column) for it in lines]),
        )

    def _told(self, columns: Mapping[str, str]) -> Iterator[SchemaChange]:
        for name, has in self._moved.items():
            column = self._found.booked[has].column
            yield SchemaChange(
                object=self._table.name,
                field=name,
                kind="followed",
                before=column,
                after=columns.get(column),
            )
