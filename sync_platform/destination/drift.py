"""What people did to a synced table where no lock kept them from it: found, and mended where that
loses nothing.

A column is known by its number, and by its comment where the book does not have that. One that was
renamed gets its name back, and one that was made narrower its type. What was dropped is added
again. Where values are gone, or may have been cut to fit, a full sync is left in `_progress` of
which nothing is done yet, and the next sync goes on with it. What cannot be mended so is said in a
ConfigurationError.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier

from sync_platform.destination import names
from sync_platform.destination.book import MISSING, Actual, Booked, Found, relation
from sync_platform.destination.booking import Lines
from sync_platform.destination.columns import FIELD_TYPE, POSTGRES, wider
from sync_platform.destination.comments import (
    MORE,
    OURS,
    SYSTEM,
    beside_comment,
    column_comment,
)
from sync_platform.destination.ddl import read_anew
from sync_platform.destination.lock_triggers import PASSING
from sync_platform.destination.renames import in_turn
from sync_platform.engine.destination import Table
from sync_platform.engine.results import SchemaChange
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field

RENAME: LiteralString = "ALTER TABLE {relation} RENAME COLUMN {has} TO {name}"
ANEW = "the next sync makes it anew and reads everything."
NOTHING = re.compile("(?!)")
NARROWED: Mapping[str, re.Pattern[str]] = {  # types that Postgres turns back without a loss
    "text": re.compile(r"character( varying)?(\(\d+\))?"),
    "integer": re.compile("integer|smallint"),
}


@dataclass(frozen=True, kw_only=True)
class Drift:
    """`found` as it is once the statements have run, and what was found."""

    found: Found
    statements: tuple[Composed, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)  # what a column is called -> was
    # Columns that get their types back -> what is to be said where something depends on them.
    retyped: Mapping[str, ConfigurationError] = field(default_factory=dict)
    told: tuple[SchemaChange, ...] = ()


def drift(table: Table, wanted: Mapping[str, Field], found: Found) -> Drift:
    """Compare the table with its book. Executes nothing.

    Raises ConfigurationError where a view has the table's name, the key's column is gone, the table
    has another primary key or none, somebody's own column has the name of one of ours, or a column
    has a type that syncs do not write.
    """
    if found.name is None:
        return Drift(found=found)
    return _Comparison(table, wanted, found, found.name).drift()


class _Comparison:
    def __init__(self, table: Table, wanted: Mapping[str, Field], found: Found, name: str) -> None:
        self._table, self._wanted, self._found, self._name = table, wanted, found, name
        self._full_name = f"{table.schema}.{name}"
        self._actual: dict[str, Actual] = dict(found.actual)
        self._booked: dict[str, Booked] = dict(found.booked)
        self._numbers, self._ours = found.numbers or {}, found.ours | SYSTEM.keys()
        self._statements: list[Composed] = []
        self._back: dict[str, str] = {}
        self._types_back: dict[str, ConfigurationError] = {}
        self._told: list[SchemaChange] = []
        self._lost = False

    def drift(self) -> Drift:
        if not self._found.is_table:
            raise self._no_table()
        if not self._actual:
            self._lose("", "dropped or renamed", "is made anew")
        else:
            self._names_back()
            self._columns()
            self._system_columns()
            self._key()
        if self._lost:
            self._statements += read_anew(self._table.schema, self._name)
        return Drift(
            found=replace(self._found, booked=self._booked, actual=self._actual),
            statements=tuple(self._statements),
            renamed=self._back,
            retyped=self._types_back,
            told=tuple(self._told),
        )

    def _no_table(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self._full_name} is no table any more: somebody put a view, or something like it, "
            "in its place. Give that another name, and the table its name back (after "
            f"{PASSING}: ALTER TABLE, with what it is called now, RENAME TO "
            f"{_quoted(self._name)}). Where there is no table of that name at all, {ANEW}"
        )

    def _add(self, statement: LiteralString, **parts: Composable) -> None:
        self._statements.append(
            SQL(statement).format(relation=relation(self._table.schema, self._name), **parts)
        )

    def _tell(self, column: str, was: str, mended: str) -> None:
        """`column` is empty for the table."""
        self._told.append(
            SchemaChange(
                object=self._table.name, field=column, kind="mended", before=was, after=mended
            )
        )

    def _lose(self, column: str, was: str, mended: str = "") -> None:
        self._lost = True
        comes_back = "what it held comes back with the next full sync"
        self._tell(column, was, f"{mended}; {comes_back}" if mended else comes_back)

    def _names_back(self) -> None:
        """Give each column that is called otherwise by now its name back."""
        called = {it.number: name for name, it in self._actual.items()}
        numbered = sorted(self._ours & self._numbers.keys())
        known = {it: self._numbers[it] for it in numbered if not self._came_back(it)}
        strayed = {called[n]: it for it, n in known.items() if called.get(n, it) != it}
        for name, n in known.items():
            if called.get(n) == name or name not in self._actual or name in strayed:
                continue  # it is where it was, or its name is free or becomes so
            if n in called or name in self._needed:
                raise self._theirs(name, called.get(n))
            del self._actual[name]  # its field is gone, and so is it: this is somebody's own
        for _, has, to in in_turn(strayed, self._found.actual):
            self._add(RENAME, has=Identifier(has), name=Identifier(to))
        for has, name in strayed.items():
            self._tell(name, f"renamed to {has}", "has its name back")
        self._actual = {strayed.get(name, name): it for name, it in self._actual.items()}
        self._back |= strayed

    def _came_back(self, column: str) -> bool:
        """Whether a column that was missing is there again, with our comment."""
        it = self._actual.get(column)
        commented = it is not None and it.comment is not None and it.comment.startswith(OURS)
        return commented and self._numbers[column] == MISSING

    @property
    def _needed(self) -> set[str]:
        """The columns that will be written to."""
        lines = [self._found.booked.get(names.storable(it)) for it in self._wanted]
        columns = {it for line in lines if line for it in (line.column, line.beside) if it}
        return columns | SYSTEM.keys()

    def _theirs(self, name: str, has: str | None) -> ConfigurationError:
        if has is None and name in self._key_columns:
            return self._key_gone(name)
        table, free = _quoted(self._table.schema, self._name), f"own {name}"
        column = f"{name!r} of {self._full_name}"
        return ConfigurationError(
            f"Somebody {'dropped' if has is None else 'renamed'} the column {column}"
            f"{'' if has is None else f' to {has!r}'}, and gave its name to a column of their own. "
            f"Give theirs another name, or drop it; the next sync mends the other. After {PASSING}:"
            f" ALTER TABLE {table} RENAME COLUMN {_quoted(name)} TO"
            f" {_quoted(names.identifier(free, self._actual))}."
        )

    def _columns(self) -> None:
        for it in self._wanted.values():
            booked = self._found.booked.get(names.storable(it.name))
            if booked is None:
                continue
            if booked.column == "_more":
                if "_more" not in self._actual:
                    self._dropped("_more")
                elif self._actual["_more"].type != MORE[0]:
                    raise self._strange("_more", self._actual["_more"].type, MORE[0])
            elif booked.column in self._actual:
                self._retyped(booked, self._actual[booked.column])
            elif not self._renamed(
                booked.column, POSTGRES[booked.type], column_comment(self._table, it)
            ):
                if it.name in self._table.keys:
                    raise self._key_gone(booked.column)
                self._dropped(booked.column)
            if booked.beside is not None:
                self._beside(it, booked, booked.beside)

    def _dropped(self, column: str) -> None:
        """A column is not there. Where this table never had it, because it was made anew for
        other fields (computed ones), nobody dropped it: it comes as a new field's does."""
        if self._found.numbers is None or column in self._numbers:
            self._lose(column, "dropped", "is added again")

    def _beside(self, it: Field, booked: Booked, beside: str) -> None:
        outgrown = wider(booked.type, it.type) != booked.type and booked.column in self._actual
        kept = booked.type if outgrown else None
        comment = beside_comment(self._table, it, kept)
        actual = self._actual.get(beside)
        if actual is not None:
            if actual.type != POSTGRES["text"]:
                self._type_back(Booked(column=beside, type="text", vanished=False), actual)
            elif actual.collation is not None:
                self._collation_back(beside, actual, actual.collation)
        elif not self._renamed(beside, POSTGRES["text"], comment):
            if kept is not None:
                self._dropped(beside)
                return
            lines = Lines(self._table.schema, self._name)  # nothing needs it any more
            self._statements.append(lines.change(it.name, beside=SQL("NULL")))
            self._booked[names.storable(it.name)] = replace(booked, beside=None)

    def _renamed(self, name: str, type: str, comment: str) -> bool:
        """Whether a column was renamed: one that is in no book has its comment and its type."""
        if self._numbers.get(name, MISSING) != MISSING:
            return False
        like = [
            each
            for each, it in self._actual.items()
            if each not in self._ours and (it.type, it.comment) == (type, comment)
        ]
        if len(like) != 1:
            return False
        self._add(RENAME, has=Identifier(like[0]), name=Identifier(name))
        self._back[like[0]] = name
        self._actual = {name if it == like[0] else it: a for it, a in self._actual.items()}
        self._tell(name, f"renamed to {like[0]}", "has its name back")
        return True

    def _retyped(self, booked: Booked, actual: Actual) -> None:
        has = FIELD_TYPE.get(actual.type)
        if has is None:
            self._type_back(booked, actual)
        elif actual.collation is not None:
            self._collation_back(booked.column, actual, actual.collation)
        elif wider(has, booked.type) != has:  # values may have been bent to fit
            self._lose(booked.column, f"changed to {actual.type}")

    def _type_back(self, booked: Booked, actual: Actual) -> None:
        """Raises ConfigurationError where the type is no narrower one."""
        must = POSTGRES[booked.type]
        strange = self._strange(booked.column, actual.type, must)
        if not NARROWED.get(booked.type, NOTHING).fullmatch(actual.type):
            raise strange
        self._give_type(booked.column, actual, must, strange)
        self._lose(booked.column, f"changed to {actual.type}", "has its type back")

    def _collation_back(self, column: str, actual: Actual, collation: str) -> None:
        """Of texts that the collation takes for the same, changes were missed; and one key's row
        was taken for another's."""
        alike = f"the collation {collation}, by which texts that differ can be the same"
        table = _quoted(self._table.schema, self._name)
        strange = ConfigurationError(
            f"Somebody gave the column {column!r} of {self._full_name} {alike}: syncs would miss "
            "changes. Drop the view, or whatever else is built on it, and the next sync gives it "
            f"the database's again; or do so yourself (after {PASSING}: ALTER TABLE {table} ALTER "
            f"COLUMN {_quoted(column)} TYPE {actual.type})."
        )
        self._give_type(column, actual, actual.type, strange)
        self._lose(column, f"given {alike}", "has the database's again")

    def _give_type(
        self, column: str, actual: Actual, type: str, strange: ConfigurationError
    ) -> None:
        """The type, and with it the collation that every text has; what is `strange` is to be said
        where something depends on the column."""
        self._add(
            "ALTER TABLE {relation} ALTER COLUMN {column} TYPE {type}",
            column=Identifier(column),
            type=SQL(type),
        )
        self._types_back[column] = strange
        self._actual[column] = replace(actual, type=type, collation=None)

    def _system_columns(self) -> None:
        for name, (type, comment) in SYSTEM.items():
            actual = self._actual.get(name)
            if actual is not None:
                if actual.type != type:
                    raise self._strange(name, actual.type, type)
                continue
            if self._renamed(name, type, comment):
                continue
            if name == "_synced_at":  # long ago, so that a reconcile spares no row for it
                self._add(
                    "ALTER TABLE {relation} ADD COLUMN _synced_at timestamptz NOT NULL"
                    " DEFAULT 'epoch'"
                )
                self._add("ALTER TABLE {relation} ALTER COLUMN _synced_at DROP DEFAULT")
            else:
                self._add(
                    "ALTER TABLE {relation} ADD COLUMN {name} {type}",
                    name=Identifier(name),
                    type=SQL(type),
                )
            self._actual[name] = Actual(type, None)
            self._lose(name, "dropped", "is added again")

    def _strange(self, column: str, has: str, must: str) -> ConfigurationError:
        return ConfigurationError(
            f"Somebody gave the column {column!r} of {self._full_name} the type {has!r}, which "
            f"syncs do not write. Give it the type {must} again."
        )

    def _key(self) -> None:
        has = {column: it.key for column, it in self._actual.items() if it.key}
        must = self._key_columns
        whole = len(must) == len(self._table.keys)
        deferrable = any(it.deferrable for it in self._actual.values())
        if whole and has.keys() == set(must) and not deferrable:
            return
        table = _quoted(self._table.schema, self._name)
        add = f"ADD PRIMARY KEY ({', '.join(map(_quoted, must))})"
        drop = "".join(f"DROP CONSTRAINT {_quoted(it)}, " for it in {*has.values()} if it)
        anew = f"rename the table (after {PASSING}): {ANEW}"
        if not whole:
            booked = self._found.booked
            unknown = [it for it in self._table.keys if names.storable(it) not in booked]
            mend = f"No column of it is known for {', '.join(unknown)}: {anew}"
        else:
            after = f" (after {PASSING})" if has else ""
            mend = (
                f"Give it that key{after}: ALTER TABLE {table} {drop}{add}. Where Postgres "
                f"refuses, because rows share a key or have none, {anew}"
            )
        what = f"the key ({', '.join(sorted(has))})" if has else "no primary key"
        what += ", which is DEFERRABLE, so that no sync can write by it" if deferrable else ""
        raise ConfigurationError(
            f"The table {self._full_name} has {what}, and {self._table.label} has the key "
            f"({', '.join(self._table.keys)}), by which syncs find its rows. {mend}"
        )

    @property
    def _key_columns(self) -> list[str]:
        lines = [self._found.booked.get(names.storable(key)) for key in self._table.keys]
        return [it.column for it in lines if it is not None]

    def _key_gone(self, column: str) -> ConfigurationError:
        return ConfigurationError(
            f"Somebody dropped or renamed the key {column!r} of {self._full_name}, without which "
            f"its rows cannot be told apart. Where it is there under another name, give it its "
            f"name back; else rename the table (after {PASSING}): {ANEW}"
        )


def _quoted(*name: str) -> str:
    return Identifier(*name).as_string(None)
