"""Tables: made, widened and never narrowed, so that every field has a column.

Looking takes two queries and no locks; only where something must change is there DDL.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from sync_platform.destination import comments, names
from sync_platform.destination.book import Found, depended_on, look, relation
from sync_platform.destination.columns import FIELD_TYPE, POSTGRES, Column, wider
from sync_platform.destination.ddl import bookkeeping, convert
from sync_platform.destination.drift import Drift, drift
from sync_platform.destination.locks import OWN_DDL, Lock, Locks
from sync_platform.destination.renames import as_booked, moves, rename
from sync_platform.destination.sessions import Connection
from sync_platform.destination.wanted import asked_of, told_of
from sync_platform.engine.destination import Table
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, FieldType

MOST_COLUMNS = 1500  # of the 1,600 that Postgres allows; the other fields share the column _more
LOCK_TIMEOUT = "30s"  # a waiting ALTER TABLE makes every reader wait behind it

log = logging.getLogger("sync_platform.destination")


@dataclass(frozen=True, kw_only=True)
class Landing:
    """A table that is ready for rows: `columns` in the order of the fields, keys among them."""

    table: Table
    name: str
    columns: tuple[Column, ...]
    more: tuple[str, ...] = ()  # fields that share the column _more
    told: tuple[str, ...] = ()  # what was mended or renamed just now, in sentences
    lock: Lock

    @property
    def keys(self) -> tuple[Column, ...]:
        """The key's columns, in the key's order."""
        by_field = {column.field: column for column in self.columns}
        return tuple(by_field[key] for key in self.table.keys)

    @property
    def relation(self) -> Composed:
        """The table, as SQL."""
        return relation(self.table.schema, self.name)

    @property
    def seen(self) -> Composed:
        """The table of the keys that a full sync has seen, as SQL."""
        return relation(self.table.schema, names.seen_name(self.name))


def prepare(
    connection: Connection,
    table: Table,
    fields: Sequence[Field],
    locks: Locks,
    *,
    some_fields: bool = False,
) -> Landing:
    """Make, mend or widen the table so that these fields have columns, and lock it. With
    `some_fields` they are not all that there are, so none is gone that is not among them.

    Raises ConfigurationError where there is no key, where it is not among the fields or not the
    table's key, or where somebody did to the table what we cannot mend.
    """
    wanted = asked_of(table, fields)
    found = look(connection, table)
    plan = Plan(connection, table, wanted, found, some_fields=some_fields)
    locked = locks.ready(connection, found.locks)
    if not plan.statements and (not locked or locks.holds(connection, plan.landing.lock)):
        return plan.landing
    with connection.transaction():
        connection.execute(OWN_DDL)
        connection.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('sync_platform/' || %s, 0))",
            [table.schema],
        )
        bookkeeping(connection, table.schema)
        found = look(connection, table)  # someone may have been
        plan = Plan(connection, table, wanted, found, some_fields=some_fields)
        for statement in plan.statements:
            connection.execute(statement)
        if locked:
            locks.hold(connection, plan.landing.lock)
    for told in plan.told:
        log.warning(told)
    return replace(plan.landing, told=plan.told)


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
    ) -> None:
        wanted = told_of(table, wanted, found)
        moved = moves(table, wanted, found)
        drifted = drift(table, as_booked(wanted, moved), found)
        self._refuse_retyped(connection, table, drifted)
        renamed = rename(table, moved, drifted.found)
        found = renamed.found
        self._table, self._wanted, self._found = table, wanted, found
        self.statements: list[Composed] = [*drifted.statements, *renamed.statements]
        self.told = (*drifted.told, *renamed.told)
        mended = {has: renamed.columns.get(name, name) for has, name in drifted.renamed.items()}
        self._renamed = {**renamed.columns, **mended}  # what a column is called -> will be
        name = found.name or self._new_name(connection)
        self._columns: dict[str, Column] = {}
        self._more: list[str] = []
        self._schema, self._relation = table.schema, relation(table.schema, name)
        self._taken = set(found.actual) | {it.column for it in found.booked.values()}
        self._count = self._columns_ever(connection, name)
        self._new: list[Column] = []
        for key in (*table.keys, *wanted):
            if key not in self._columns and key not in self._more:
                self._place(wanted[key], name)
        self._widen(connection, name)
        self._build(name)
        self._comment(name)
        if not some_fields:
            self._vanish(name)
        self.landing = Landing(
            table=table,
            name=name,
            columns=tuple(self._columns[it] for it in wanted if it in self._columns),
            more=tuple(self._more),
            lock=Lock(table=table, name=name, columns=self._kept()),
        )

    def _refuse_retyped(self, connection: Connection, table: Table, drifted: Drift) -> None:
        """Raises ConfigurationError where a column cannot have its type back, because a view or so
        of somebody's depends on it."""
        if drifted.retyped and drifted.found.name is not None:
            kept = depended_on(connection, table.schema, drifted.found.name)
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
        rows = connection.execute(
            "SELECT relnatts FROM pg_class"
            " WHERE oid = to_regclass(format('%%I.%%I', %s::text, %s::text))",
            [self._schema, name],
        ).fetchall()
        return sum(int(row[0]) for row in rows) + len(wanted - actual.keys())

    def _kept(self) -> dict[str, str]:
        """The columns that are ours, also those whose fields are gone, and their types."""
        booked = [it.column for it in self._found.booked.values()]
        kept = {it: self._found.actual[it].type for it in booked if it in self._found.actual}
        kept |= {name: type for name, (type, _) in comments.SYSTEM.items()}
        kept |= {it.name: POSTGRES[it.type] for it in self._columns.values()}
        return kept | ({"_more": comments.MORE[0]} if self._more else {})

    def _new_name(self, connection: Connection) -> str:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(%s))",
            [self._table.schema],
        ).fetchall()
        name = names.identifier(self._table.name, {row[0] for row in rows})
        self._add(
            "INSERT INTO {book} (object, table_name) VALUES ({object}, {name})",
            book=relation(self._table.schema, "_tables"),
            object=Literal(names.storable(self._table.name)),
            name=Literal(name),
        )
        return name

    def _add(self, statement: LiteralString, **parts: Composable) -> None:
        self.statements.append(SQL(statement).format(**parts))

    def _place(self, it: Field, table_name: str) -> None:
        """Find the field its column: the one it has had, or a new one."""
        booked = self._found.booked.get(names.storable(it.name))
        if booked is not None and it.id is not None and booked.id != names.storable(it.id):
            self._book_anew(it.name, table_name, "field_id", names.storable(it.id))
        if booked is not None and booked.column != "_more":
            actual = self._found.actual.get(booked.column)
            has = FIELD_TYPE[actual.type] if actual else booked.type
            if has != booked.type:  # somebody's doing, and no loss
                self._book_anew(it.name, table_name, "type", has)
            self._columns[it.name] = column = Column(field=it.name, name=booked.column, type=has)
            if actual is None:
                self._new.append(column)
            return
        if booked is None and self._count < MOST_COLUMNS:
            column = Column(
                field=it.name, name=names.identifier(it.name, self._taken), type=it.type
            )
            self._taken.add(column.name)
            self._count += 1
            self._columns[it.name] = column
            self._new.append(column)
            self._book(it, table_name, column.name, column.type)
            return
        self._more.append(it.name)
        if booked is None:
            self._leave_theirs(table_name)
            self._book(it, table_name, "_more", it.type)

    def _leave_theirs(self, table_name: str) -> None:
        """Raises ConfigurationError where somebody has a column _more of their own."""
        booked = {it.column for it in self._found.booked.values()}
        if "_more" in self._found.actual and "_more" not in booked:
            table = f"{self._schema}.{table_name}"
            raise ConfigurationError(
                f"Somebody gave {table} a column of their own named '_more', where syncs keep the "
                "fields beyond the columns that a table can have. Give it another name: "
                f"ALTER TABLE {table} RENAME COLUMN _more TO more."
            )

    def _book(self, it: Field, table_name: str, column: str, type: FieldType) -> None:
        self._add(
            "INSERT INTO {book} (table_name, field, column_name, type, position, field_id)"
            " VALUES ({table}, {field}, {column}, {type}, {position}, {id})",
            book=relation(self._schema, "_columns"),
            table=Literal(table_name),
            field=Literal(names.storable(it.name)),
            column=Literal(column),
            type=Literal(type),
            position=Literal(list(self._wanted).index(it.name)),
            id=Literal(None if it.id is None else names.storable(it.id)),
        )

    def _book_anew(self, field: str, table_name: str, what: str, value: str) -> None:
        self._add(
            "UPDATE {book} SET {what} = {value} WHERE table_name = {table} AND field = {field}",
            book=relation(self._schema, "_columns"),
            what=Identifier(what),
            value=Literal(value),
            table=Literal(table_name),
            field=Literal(names.storable(field)),
        )

    def _widen(self, connection: Connection, name: str) -> None:
        """Widen the columns whose fields have outgrown them, except where a view, a trigger or a
        generated column of somebody's depends on them: those keep their type."""
        new = {column.field for column in self._new}
        outgrown = {
            column.field: wider(column.type, self._wanted[column.field].type)
            for column in self._columns.values()
            if column.field not in new
        }
        outgrown = {it: to for it, to in outgrown.items() if to != self._columns[it].type}
        if not outgrown:
            return
        kept = {self._renamed.get(it, it) for it in depended_on(connection, self._schema, name)}
        for it, to in outgrown.items():
            column = self._columns[it]
            if column.name in kept:
                continue
            self.statements.append(convert(self._relation, column.name, column.type, to))
            self._book_anew(it, name, "type", to)
            if it in self._table.keys:  # the keys seen have the old type
                self._add("DROP TABLE IF EXISTS {seen}", seen=self._seen(name))
            self._columns[it] = replace(column, type=to)

    def _seen(self, name: str) -> Composed:
        return relation(self._schema, names.seen_name(name))

    def _build(self, name: str) -> None:
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
            return
        parts += [SQL("_more jsonb")] if self._more and "_more" not in actual else []
        if parts:
            added = SQL(", ").join(SQL("ADD COLUMN {}").format(part) for part in parts)
            self._add("ALTER TABLE {relation} {added}", relation=self._relation, added=added)

    def _comment(self, name: str) -> None:
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
        for column, comment in wanted.items():
            has = actual[column].comment if column in actual else None
            if has != comment and comments.may_replace(has):
                self.statements.append(comments.on_column(self._relation, column, comment))

    def _vanish(self, name: str) -> None:
        """Note in the book, and on their columns, which fields went; and which came back."""
        wanted = {names.storable(it) for it in self._wanted}
        for it, booked in self._found.booked.items():
            actual = self._found.actual.get(booked.column)
            gone = comments.as_gone(actual.comment) if actual and it not in wanted else None
            if gone is not None:
                self.statements.append(comments.on_column(self._relation, booked.column, gone))
            if booked.vanished != (it not in wanted):
                self._add(
                    "UPDATE {book} SET vanished_at = {when}"
                    " WHERE table_name = {table} AND field = {field}",
                    book=relation(self._schema, "_columns"),
                    when=SQL("NULL" if booked.vanished else "now()"),
                    table=Literal(name),
                    field=Literal(it),
                )
