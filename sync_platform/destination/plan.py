"""Plan: what must be done to a table so that every field has a column."""

from collections.abc import Iterator, Set
from functools import cache
from typing import LiteralString

from psycopg.sql import SQL, Composable, Identifier, Literal

from sync_platform.destination import comments, names
from sync_platform.destination.book import Found, columns_below, columns_ever, depended_on, relation
from sync_platform.destination.booking import Lines
from sync_platform.destination.columns import FIELD_TYPE, POSTGRES, Column
from sync_platform.destination.ddl import Refusal, Statement, read_anew
from sync_platform.destination.drift import Drift, drift
from sync_platform.destination.landing import Landing
from sync_platform.destination.locks import Lock
from sync_platform.destination.lost_books import (
    booked_again,
    booked_before,
    refuse_emptied,
    renamed_before,
    unbooked_columns,
)
from sync_platform.destination.made_anew import without_never_made
from sync_platform.destination.renames import as_booked, moves, rename
from sync_platform.destination.sessions import Connection
from sync_platform.destination.wanted import told_of
from sync_platform.destination.widening import Widened, widen
from sync_platform.engine.destination import NEVER_READ, Table
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, FieldType

MOST_COLUMNS = 1500  # of the 1,600 that Postgres allows; the other fields share the column _more


class Plan:
    """The statements that a table needs, and the landing it then is. Executes nothing."""

    def __init__(
        self,
        connection: Connection,
        table: Table,
        wanted: dict[str, Field],
        found: Found,
        *,
        some_fields: bool,
        refused: Set[Refusal] = frozenset(),
    ) -> None:
        """`refused` is what Postgres would not do to the table. Raises ConfigurationError where
        somebody did to it, or to its books, what cannot be mended."""
        refuse_emptied(table, found)
        found, forgotten = without_never_made(table, wanted, found, some_fields=some_fields)
        wanted = told_of(table, wanted, found)
        moved = moves(table, wanted, found)
        found, again = renamed_before(table, wanted, moved, found)
        drifted = drift(table, as_booked(wanted, moved), found)
        self._refuse_retyped(connection, table, drifted)
        renamed = rename(table, moved, drifted.found, refused)
        found = renamed.found
        self._table, self._wanted, self._found = table, wanted, found
        self.statements: list[Statement] = [*forgotten, *drifted.statements, *renamed.statements]
        self.done = (*drifted.told, *renamed.told)  # once the statements have run
        mended = {has: renamed.columns.get(name, name) for has, name in drifted.renamed.items()}
        self._renamed = {**renamed.columns, **mended}  # what a column is called -> will be
        self._name = name = found.name or self._new_name(connection)
        self._columns: dict[str, Column] = {}
        self._more: list[str] = []
        self._schema, self._relation = table.schema, relation(table.schema, name)
        self._lines = Lines(table.schema, name)
        self._taken = found.actual.keys() | found.ours
        self._count = self._columns_ever(connection, name)
        if self._count:
            self._taken |= columns_below(connection, table.schema, name)
        self._new: list[Column] = []
        self._unbooked = unbooked_columns(found)
        for key in (*table.keys, *wanted):
            if key not in self._columns and key not in self._more:
                again += self._place(wanted[key], name)
        widened = self._widen(connection, name, refused)
        again += widened.again
        if again:
            self.done += tuple(booked_again(table, it) for it in dict.fromkeys(again))
            self.statements += read_anew(table.schema, name)
        self._build()
        self._comment()
        if not some_fields:
            self._vanish()
        self.landing = Landing(
            table=table,
            name=name,
            columns=(
                *(self._columns[it] for it in wanted if it in self._columns),
                *self._besides,
            ),
            more=tuple(self._more),
            others_in_more=self._others_in_more(),
            accounts=found.accounts,
            told=(*self.done, *widened.kept),
            lock=Lock(
                table=table,
                name=name,
                columns=self._kept(),
                keys=tuple(self._columns[key].name for key in table.keys),
            ),
        )

    def _others_in_more(self) -> bool:
        """Whether fields share the column _more that are not among those that were asked for."""
        shared = {it for it, booked in self._found.booked.items() if booked.column == "_more"}
        return bool(shared - set(map(names.storable, self._more)))

    def _refuse_retyped(self, connection: Connection, table: Table, drifted: Drift) -> None:
        """Raises ConfigurationError where a column cannot have its type back, because a view or so
        of somebody's depends on it."""
        if drifted.retyped and drifted.found.name is not None:
            built_on = depended_on(connection, table.schema, drifted.found.name)
            kept = {drifted.renamed.get(it, it) for it in built_on}
            for column, strange in drifted.retyped.items():
                if column in kept:
                    raise strange

    def _columns_ever(self, connection: Connection, name: str) -> int:
        """How many columns the table will have, before new fields get theirs: those that were
        dropped count, and those that come back count again. 0 where no field is new."""
        booked, actual = self._found.booked, self._found.actual
        if all(names.storable(it) in booked for it in self._wanted):
            return 0
        wanted = {booked[it].column for it in map(names.storable, self._wanted) if it in booked}
        return columns_ever(connection, self._schema, name) + len(wanted - actual.keys())

    def _kept(self) -> dict[str, str]:
        """The columns that are ours, also those whose fields are gone, and their types."""
        actual = self._found.actual
        kept = {it: actual[it].type for it in sorted(self._found.ours) if it in actual}
        kept |= {name: type for name, (type, _) in comments.SYSTEM.items()}
        kept |= {it.name: POSTGRES[it.type] for it in (*self._columns.values(), *self._besides)}
        return kept | ({"_more": comments.MORE[0]} if self._more else {})

    def _new_name(self, connection: Connection) -> str:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(%s))"
            " UNION SELECT typname FROM pg_type"  # a table's row type is called like it
            " WHERE typnamespace = to_regnamespace(quote_ident(%s))",
            [self._table.schema] * 2,
        ).fetchall()
        name = names.identifier(self._table.name, {row[0] for row in rows})
        self._add(  # of a table that is gone, and whose line in the other book somebody took out
            "DELETE FROM {book} WHERE table_name = {name}",
            book=relation(self._table.schema, "_columns"),
            name=Literal(name),
        )
        self._add(
            "INSERT INTO {book} (object, table_name) VALUES ({object}, {name})",
            book=relation(self._table.schema, "_tables"),
            object=Literal(names.storable(self._table.name)),
            name=Literal(name),
        )
        return name

    def _add(self, statement: LiteralString, **parts: Composable) -> None:
        self.statements.append(SQL(statement).format(**parts))

    def _place(self, it: Field, table_name: str) -> Iterator[str]:
        """Find the field its column: the one it has had, or a new one. Gives the one that it has
        had where the book does not have that any more."""
        booked = self._found.booked.get(names.storable(it.name))
        if booked is not None and it.id is not None and booked.id != names.storable(it.id):
            id = Literal(names.storable(it.id))
            self.statements.append(self._lines.change(it.name, field_id=id))
        if booked is not None and booked.column != "_more":
            actual = self._found.actual.get(booked.column)
            has = FIELD_TYPE[actual.type] if actual else it.type  # made anew, it holds nothing
            if has != booked.type or (actual is None and booked.refused):
                # somebody's doing, and no loss; or nothing is refused that is made anew
                line = self._lines.change(it.name, type=Literal(has), refused_at=SQL("NULL"))
                self.statements.append(line)
            column = Column(field=it.name, name=booked.column, type=has, epoch=it.epoch)
            self._columns[it.name] = column
            if actual is None:
                self._new.append(column)
            return
        if booked is None and (again := self._before(it)) is not None:
            self._columns[it.name] = again
            self._book(it, again.name, again.type)
            yield again.name
            return
        if booked is None and self._count < MOST_COLUMNS:
            called = names.identifier(it.name, self._taken)
            column = Column(field=it.name, name=called, type=it.type, epoch=it.epoch)
            self._taken.add(column.name)
            self._count += 1
            self._columns[it.name] = column
            self._new.append(column)
            self._book(it, column.name, column.type)
            return
        self._more.append(it.name)
        if booked is None:
            yield from self._share(table_name)
            self._book(it, "_more", it.type)

    def _before(self, it: Field) -> Column | None:
        """The field's column, where the book does not have it any more."""
        comment = comments.column_comment(self._table, it)
        called = booked_before(it.name, comment, self._unbooked, self._taken)
        if called is None:
            return None
        type = FIELD_TYPE[self._unbooked.pop(called).type]
        return Column(field=it.name, name=called, type=type, epoch=it.epoch)

    def _share(self, table_name: str) -> Iterator[str]:
        """Gives the column _more where the book does not have it any more. Raises
        ConfigurationError where somebody has one of their own."""
        actual = self._found.actual.get("_more")
        if actual is None or "_more" in self._found.ours:
            return
        if (actual.type, actual.comment) == comments.MORE:
            yield "_more"
        else:
            table = f"{self._schema}.{table_name}"
            raise ConfigurationError(
                f"Somebody gave {table} a column of their own named '_more', where syncs keep the "
                "fields beyond the columns that a table can have. Give it another name: "
                f"ALTER TABLE {table} RENAME COLUMN _more TO more."
            )

    def _book(self, it: Field, column: str, type: FieldType) -> None:
        position = list(self._wanted).index(it.name)
        self.statements.append(self._lines.add(it, column, type, position))

    def _widen(self, connection: Connection, name: str, refused: Set[Refusal]) -> Widened:
        """Widen the columns whose fields have outgrown them, or put others beside them."""

        def built_on() -> set[str]:
            columns = depended_on(connection, self._schema, name)
            return {self._renamed.get(it, it) for it in columns}

        widened = widen(
            self._table,
            name,
            self._wanted,
            self._found,
            self._columns,
            new=self._new,
            unbooked=self._unbooked,
            refused=refused,
            built_on=built_on,
            below=cache(lambda: columns_below(connection, self._schema, name)),
            columns_ever=cache(lambda: columns_ever(connection, self._schema, name)),
        )
        self._columns, self._besides = dict(widened.columns), widened.besides
        self._new += widened.made
        self.statements += widened.statements
        return widened

    def _build(self) -> None:
        actual = self._found.actual
        parts: list[Composable] = [
            SQL("{} {}").format(Identifier(it.name), SQL(POSTGRES[it.type])) for it in self._new
        ]
        if not actual:
            keys = [Identifier(self._columns[key].name) for key in self._table.keys]
            parts += [SQL("_synced_at timestamptz NOT NULL"), SQL("_deleted_at timestamptz")]
            parts += [SQL("_deleted_by text CHECK (_deleted_by IN ('vendor', 'reconcile'))")]
            parts += [SQL("_more jsonb")] if self._more else []
            parts += [SQL("PRIMARY KEY ({})").format(SQL(", ").join(keys))]
            self._add(
                "CREATE TABLE {relation} ({parts})",
                relation=self._relation,
                parts=SQL(", ").join(parts),
            )
            if self._found.name is None:  # else drift has seen to it
                self.statements += read_anew(self._schema, self._name, NEVER_READ)
            return
        parts += [SQL("_more jsonb")] if self._more and "_more" not in actual else []
        if parts:
            added = SQL(", ").join(SQL("ADD COLUMN {}").format(part) for part in parts)
            self._add("ALTER TABLE {relation} {added}", relation=self._relation, added=added)

    def _comment(self) -> None:
        """Say on the table and on each column where it comes from, unless a person said more."""
        actual = self._found.actual
        of_table = comments.table_comment(self._table)
        has = self._found.comment if actual else None
        if has != of_table and comments.may_replace(has):
            self.statements.append(comments.on_table(self._relation, of_table))
        wanted = {it: comment for it, (_, comment) in comments.SYSTEM.items()}
        wanted |= {"_more": comments.MORE[1]} if self._more else {}
        wanted |= {
            it.name: comments.column_comment(self._table, self._wanted[it.field])
            for it in self._columns.values()
        }
        for it in self._besides:
            kept = None if it.beside == "text" else it.beside
            wanted[it.name] = comments.beside_comment(self._table, self._wanted[it.field], kept)
        for column, comment in wanted.items():
            has = actual[column].comment if column in actual else None
            if has != comment and comments.may_replace(has):
                self.statements.append(comments.on_column(self._relation, column, comment))

    def _vanish(self) -> None:
        """Note in the book, and on their columns, which fields went; and which came back."""
        wanted = {names.storable(it) for it in self._wanted}
        for it, booked in self._found.booked.items():
            for column in (booked.column, booked.beside):
                actual = self._found.actual.get(column) if column is not None else None
                gone = comments.as_gone(actual.comment) if actual and it not in wanted else None
                if column is not None and gone is not None:
                    self.statements.append(comments.on_column(self._relation, column, gone))
            if booked.vanished != (it not in wanted):
                when = SQL("NULL" if booked.vanished else "now()")
                self.statements.append(self._lines.change(it, vanished_at=when))
