"""Tables: made, widened and never narrowed, so that every field has a column.

Looking takes two queries and no locks; only where something must change is there DDL.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from sync_platform.destination import names
from sync_platform.destination.book import Found, depended_on, look, relation
from sync_platform.destination.columns import FIELD_TYPE, POSTGRES, Column, wider
from sync_platform.destination.ddl import bookkeeping, convert
from sync_platform.destination.sessions import Connection
from sync_platform.engine.ports import Table
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, FieldType

MOST_COLUMNS = 1500  # of the 1,600 that Postgres allows; the other fields share the column _more
LOCK_TIMEOUT = "30s"  # a waiting ALTER TABLE makes every reader wait behind it


@dataclass(frozen=True, kw_only=True)
class Landing:
    """A table that is ready for rows: `columns` in the order of the fields, keys among them."""

    table: Table
    name: str
    columns: tuple[Column, ...]
    more: tuple[str, ...] = ()  # fields that share the column _more

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


def prepare(connection: Connection, table: Table, fields: Sequence[Field]) -> Landing:
    """Make or widen the table so that these fields have columns.

    Raises ConfigurationError where the key is not among the fields or is not the table's key, or
    where somebody gave one of our columns a type that we do not write.
    """
    wanted = {it.name: it for it in reversed(fields)}  # of two of one name, the first
    wanted = {it.name: wanted[it.name] for it in fields}
    for key in table.keys:
        if key not in wanted:
            raise ConfigurationError(f"{table.label}: the key {key!r} is not among its fields.")
        if wanted[key].type == "json":  # jsonb writes one value in many ways
            wanted[key] = replace(wanted[key], type="text")
    plan = Plan(connection, table, wanted, look(connection, table))
    if not plan.statements:
        return plan.landing
    with connection.transaction():
        connection.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('sync_platform/' || %s, 0))",
            [table.schema],
        )
        bookkeeping(connection, table.schema)
        plan = Plan(connection, table, wanted, look(connection, table))  # someone may have been
        for statement in plan.statements:
            connection.execute(statement)
    return plan.landing


class Plan:
    """The statements that a table needs, and the landing it then is. Executes nothing."""

    def __init__(
        self, connection: Connection, table: Table, wanted: dict[str, Field], found: Found
    ) -> None:
        self._table, self._wanted, self._found = table, wanted, found
        self.statements: list[Composed] = []
        name = found.name or self._new_name(connection)
        self._columns: dict[str, Column] = {}
        self._more: list[str] = []
        self._schema, self._relation = table.schema, relation(table.schema, name)
        self._taken = set(found.actual) | {it.column for it in found.booked.values()}
        self._count = len(found.actual)
        self._new: list[Column] = []
        for key in (*table.keys, *wanted):
            if key not in self._columns and key not in self._more:
                self._place(wanted[key], name)
        self._widen(connection, name)
        self._build(name)
        self._comment(name)
        self._vanish(name)
        self.landing = Landing(
            table=table,
            name=name,
            columns=tuple(self._columns[it] for it in wanted if it in self._columns),
            more=tuple(self._more),
        )

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
        if booked is not None and booked.column != "_more":
            actual = self._found.actual.get(booked.column)
            has = FIELD_TYPE.get(actual.type) if actual else booked.type
            if has is None:
                raise ConfigurationError(
                    f"Somebody gave the column {booked.column!r} of {table_name!r} the type "
                    f"{actual.type if actual else None!r}, which syncs do not write. "
                    f"Give it the type {POSTGRES[booked.type]} again."
                )
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
            self._book(it, table_name, "_more", it.type)

    def _book(self, it: Field, table_name: str, column: str, type: FieldType) -> None:
        self._add(
            "INSERT INTO {book} (table_name, field, column_name, type, position)"
            " VALUES ({table}, {field}, {column}, {type}, {position})",
            book=relation(self._schema, "_columns"),
            table=Literal(table_name),
            field=Literal(names.storable(it.name)),
            column=Literal(column),
            type=Literal(type),
            position=Literal(list(self._wanted).index(it.name)),
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
        kept = depended_on(connection, self._schema, name)
        for it, to in outgrown.items():
            column = self._columns[it]
            if column.name in kept:
                continue
            self.statements.append(convert(self._relation, column.name, column.type, to))
            self._add(
                "UPDATE {book} SET type = {type} WHERE table_name = {table} AND field = {field}",
                book=relation(self._schema, "_columns"),
                type=Literal(to),
                table=Literal(name),
                field=Literal(names.storable(it)),
            )
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
        has = {column for column, it in actual.items() if it.key}
        if has != {it.name for key, it in self._columns.items() if key in self._table.keys}:
            raise ConfigurationError(
                f"The table {name!r} has the key ({', '.join(sorted(has))}), and "
                f"{self._table.label} has the key ({', '.join(self._table.keys)}). Rename or drop "
                "the table, then sync it in full."
            )

    def _comment(self, name: str) -> None:
        label = _printable(self._table.label)
        if not self._found.actual:
            self._add(
                "COMMENT ON TABLE {relation} IS {comment}",
                relation=self._relation,
                comment=Literal(f"{label}, synced from {_printable(self._table.connection)}"),
            )
        for column in self._columns.values():
            it = self._wanted[column.field]
            comment = f"synced from {label}: {_printable(it.label or it.name)}"
            actual = self._found.actual.get(column.name)
            has = actual.comment if actual else None
            if has != comment and (has is None or has.startswith("synced from ")):
                self._add(
                    "COMMENT ON COLUMN {relation}.{column} IS {comment}",
                    relation=self._relation,
                    column=Identifier(column.name),
                    comment=Literal(comment),
                )

    def _vanish(self, name: str) -> None:
        """Note in the book which fields went and which came back."""
        wanted = {names.storable(it) for it in self._wanted}
        for it, booked in self._found.booked.items():
            if booked.vanished != (it not in wanted):
                self._add(
                    "UPDATE {book} SET vanished_at = {when}"
                    " WHERE table_name = {table} AND field = {field}",
                    book=relation(self._schema, "_columns"),
                    when=SQL("NULL" if booked.vanished else "now()"),
                    table=Literal(name),
                    field=Literal(it),
                )


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", " ")
