"""Columns whose fields have outgrown them: widened in place, or kept as they are where something of
somebody's is built on them, with a column of text beside them for the values that do not fit."""

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace

from psycopg.sql import SQL, Composed, Literal

from sync_platform.destination import names
from sync_platform.destination.book import Actual, Found, relation
from sync_platform.destination.booking import Lines
from sync_platform.destination.columns import POSTGRES, Column, wider
from sync_platform.destination.comments import beside_comment
from sync_platform.destination.ddl import (
    TOGETHER,
    Refusal,
    Statement,
    Tentative,
    Together,
    conversion,
)
from sync_platform.destination.lost_books import booked_before
from sync_platform.engine.destination import Table
from sync_platform.engine.results import SchemaChange
from sync_platform.spec import Field

MOST_COLUMNS = 1590  # of the 1,600 that Postgres allows
NOW, NULL = SQL("now()"), SQL("NULL")


@dataclass(frozen=True, kw_only=True)
class Widened:
    """The columns that rows are written to once the statements have run."""

    columns: Mapping[str, Column]  # by field
    besides: tuple[Column, ...]  # of text, beside these
    made: tuple[Column, ...]  # those of them that are not there yet
    statements: tuple[Statement, ...]
    kept: tuple[SchemaChange, ...]  # those that are not widened
    again: tuple[str, ...]  # of `besides`, those that the book does not have any more


def widen(
    table: Table,
    name: str,
    wanted: Mapping[str, Field],
    found: Found,
    columns: Mapping[str, Column],
    *,
    new: Collection[Column],
    unbooked: Mapping[str, Actual],
    refused: Set[Refusal],
    built_on: Callable[[], Collection[str]],
    below: Callable[[], Set[str]],
    columns_ever: Callable[[], int],
) -> Widened:
    """What widens these columns (by field, some of them `new`) for the fields that are wanted;
    `unbooked` are those with a comment of ours that no book has any more. Executes nothing.

    A column keeps its type where something is `built_on` it, or where Postgres `refused` the
    statement, a day ago at most. A key's values have no place beside it, nor has any column's
    where `columns_ever`, those that were dropped among them, are as many as a table can have. No
    column is made under a name that tables `below` have one of.
    """
    widening = _Widening(
        table, name, wanted, found, columns, new, unbooked, refused, below, columns_ever
    )
    outgrown = widening.outgrown()
    kept = built_on() if outgrown else ()
    for field in columns:
        widening.place(field, outgrown, kept)
    return widening.done()


class _Widening:
    def __init__(
        self,
        table: Table,
        name: str,
        wanted: Mapping[str, Field],
        found: Found,
        columns: Mapping[str, Column],
        new: Collection[Column],
        unbooked: Mapping[str, Actual],
        refused: Set[Refusal],
        below: Callable[[], Set[str]],
        columns_ever: Callable[[], int],
    ) -> None:
        self._below, self._columns_ever = below, columns_ever
        self._table, self._name, self._wanted, self._found = table, name, wanted, found
        self._new, self._unbooked, self._refused = new, unbooked, refused
        self._columns = dict(columns)
        self._taken = found.ours | found.actual.keys() | {it.name for it in columns.values()}
        self._besides: list[Column] = []
        self._conversions: dict[str, Composed] = {}
        self._statements: list[Statement] = []
        self._kept: list[SchemaChange] = []
        self._again: list[str] = []
        self._lines = Lines(table.schema, name)

    def outgrown(self) -> set[str]:
        """The fields that need wider columns."""
        return {
            field
            for field, it in self._columns.items()
            if it not in self._new and wider(it.type, self._wanted[field].type) != it.type
        }

    def place(self, field: str, outgrown: Collection[str], built_on: Collection[str]) -> None:
        column = self._columns[field]
        booked = self._found.booked.get(names.storable(field))
        beside = booked.beside if booked is not None else None
        if field not in outgrown:
            if beside is not None:
                self._leave(field, column, beside)
            return
        if ("type", field) in self._refused:
            self._statements.append(self._lines.change(field, refused_at=NOW))
        elif column.name not in built_on and not (booked is not None and booked.refused):
            self._widen(field, column)
            if beside is not None:
                self._beside(field, beside, replace(column, type="text"))
            return
        self._keep(field, column, beside)

    def _leave(self, field: str, column: Column, beside: str) -> None:
        """The column beside it holds what did not fit, until those rows are read again; where it is
        gone with a column that is made anew, nothing needs it."""
        if beside in self._found.actual:
            self._beside(field, beside, replace(column, type="text"))
        else:
            self._statements.append(self._lines.change(field, beside=NULL))

    def _widen(self, field: str, column: Column) -> None:
        to = wider(column.type, self._wanted[field].type)
        self._conversions[field] = conversion(column.name, column.type, to)
        self._statements.append(self._lines.change(field, type=Literal(to), refused_at=NULL))
        if field in self._table.keys:  # the keys seen have the old type
            seen = relation(self._table.schema, names.seen_name(self._name))
            self._statements.append(SQL("DROP TABLE IF EXISTS {}").format(seen))
        self._columns[field] = replace(column, type=to)

    def _keep(self, field: str, column: Column, beside: str | None) -> None:
        self._kept.append(
            SchemaChange(
                object=self._table.name,
                field=column.name,
                kind="kept",
                before=column.type,
                after=wider(column.type, self._wanted[field].type),
            )
        )
        again = self._before(field, column) if beside is None else None
        full = beside is None and again is None and not self._has_room
        alone = field in self._table.keys or full
        self._columns[field] = replace(column, strict=True, alone=alone)
        if alone:
            return
        if beside is None:
            taken = self._taken | self._below()
            beside = again or names.identifier(f"{column.name}_text", taken)
            self._again += [beside] if again else []
            self._taken.add(beside)
            self._statements.append(self._lines.change(field, beside=Literal(beside)))
        self._beside(field, beside, column)

    def _before(self, field: str, column: Column) -> str | None:
        """The column beside this one, where the book does not have it any more."""
        comment = beside_comment(self._table, self._wanted[field], column.type)
        text = {name: it for name, it in self._unbooked.items() if it.type == POSTGRES["text"]}
        return booked_before(f"{column.name}_text", comment, text, self._taken)

    @property
    def _has_room(self) -> bool:
        """Whether the table may have one more column; those that were dropped count, too."""
        made = sum(it.name not in self._found.actual for it in self._besides)
        return self._columns_ever() + len(self._new) + made < MOST_COLUMNS

    def _beside(self, field: str, name: str, of: Column) -> None:
        self._besides.append(Column(field=field, name=name, type="text", beside=of.type))

    def _in_place(self) -> Iterator[Statement]:
        """What widens columns in place: in one statement, unless Postgres refused no column of it
        but all together."""
        alter = SQL("ALTER TABLE {} ").format(relation(self._table.schema, self._name))
        parts: dict[Refusal, Composed] = {("type", it): p for it, p in self._conversions.items()}
        if len(parts) > 1 and TOGETHER not in self._refused:
            yield Together(alter=alter, parts=parts)
            return
        for keeps, part in parts.items():
            yield Tentative(statement=alter + part, keeps=keeps)

    def done(self) -> Widened:
        return Widened(
            columns=self._columns,
            besides=tuple(self._besides),
            made=tuple(it for it in self._besides if it.name not in self._found.actual),
            statements=(*self._in_place(), *self._statements),
            kept=tuple(self._kept),
            again=tuple(self._again),
        )
