"""What people did to a synced table where no lock kept them from it: found, and mended where that
loses nothing.

A column that was renamed gets its name back, and one that was made narrower its type. What was
dropped is added again. Where values are gone, or may have been cut to fit, a full sync is left in
`_progress` of which nothing is done yet, and the next sync goes on with it. What cannot be mended
so is said in a ConfigurationError.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from sync_platform.destination import names
from sync_platform.destination.book import Actual, Booked, Found, relation
from sync_platform.destination.columns import FIELD_TYPE, POSTGRES, wider
from sync_platform.destination.comments import MORE, SYSTEM, column_comment
from sync_platform.destination.locks import PASSING
from sync_platform.engine.destination import Table
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field

NOTHING = re.compile("(?!)")
NARROWED: Mapping[str, re.Pattern[str]] = {  # types that Postgres turns back without a loss
    "text": re.compile(r"character( varying)?(\(\d+\))?"),
    "integer": re.compile("integer|smallint"),
}


@dataclass(frozen=True, kw_only=True)
class Drift:
    """`found` as it is once the statements have run, and what was found, in sentences."""

    found: Found
    statements: tuple[Composed, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)  # what a column is called -> was
    # Columns that get their types back -> what is to be said where something depends on them.
    retyped: Mapping[str, ConfigurationError] = field(default_factory=dict)
    told: tuple[str, ...] = ()


def drift(table: Table, wanted: Mapping[str, Field], found: Found) -> Drift:
    """Compare the table with its book. Executes nothing.

    Raises ConfigurationError where the key's column is gone, the table has no primary key, or a
    column has a type that syncs do not write.
    """
    if found.name is None:
        return Drift(found=found)
    return _Comparison(table, wanted, found, found.name).drift()


class _Comparison:
    def __init__(self, table: Table, wanted: Mapping[str, Field], found: Found, name: str) -> None:
        self._table, self._wanted, self._found, self._name = table, wanted, found, name
        self._full_name = f"{table.schema}.{name}"
        self._actual: dict[str, Actual] = dict(found.actual)
        self._statements: list[Composed] = []
        self._back: dict[str, str] = {}
        self._types_back: dict[str, ConfigurationError] = {}
        self._told: list[str] = []
        self._lost = False

    def drift(self) -> Drift:
        if not self._actual:
            self._lose("the table was dropped or renamed, and is made anew")
        else:
            self._columns()
            self._system_columns()
            self._key()
        if self._lost:
            self._read_anew()
        return Drift(
            found=replace(self._found, actual=self._actual),
            statements=tuple(self._statements),
            renamed=self._back,
            retyped=self._types_back,
            told=tuple(f"{self._full_name}: {it}." for it in self._told),
        )

    def _add(self, statement: LiteralString, **parts: Composable) -> None:
        self._statements.append(
            SQL(statement).format(relation=relation(self._table.schema, self._name), **parts)
        )

    def _lose(self, what: str) -> None:
        self._lost = True
        self._told.append(f"{what}; what it held comes back with the next full sync")

    def _columns(self) -> None:
        for it in self._wanted.values():
            booked = self._found.booked.get(names.storable(it.name))
            if booked is None:
                continue
            if booked.column == "_more":
                if "_more" not in self._actual:
                    self._lose("the column _more was dropped, and is added again")
                elif self._actual["_more"].type != MORE[0]:
                    raise self._strange("_more", self._actual["_more"].type, MORE[0])
            elif booked.column in self._actual:
                self._retyped(booked, self._actual[booked.column])
            elif self._renamed(
                booked.column, POSTGRES[booked.type], column_comment(self._table, it)
            ):
                continue
            elif it.name in self._table.keys:
                raise ConfigurationError(
                    f"Somebody dropped or renamed the key {booked.column!r} of "
                    f"{self._full_name}, without which its rows cannot be told apart. Rename or "
                    f"drop the table (after {PASSING}): the next sync makes it anew and "
                    "reads everything."
                )
            else:
                self._lose(f"the column {booked.column} was dropped, and is added again")

    def _renamed(self, name: str, type: str, comment: str) -> bool:
        """Whether a column was renamed: one that is in no book has its comment and its type."""
        ours = {it.column for it in self._found.booked.values()} | SYSTEM.keys()
        like = [
            each
            for each, it in self._actual.items()
            if each not in ours and (it.type, it.comment) == (type, comment)
        ]
        if len(like) != 1:
            return False
        self._add(
            "ALTER TABLE {relation} RENAME COLUMN {has} TO {name}",
            has=Identifier(like[0]),
            name=Identifier(name),
        )
        self._back[like[0]] = name
        self._actual = {name if it == like[0] else it: a for it, a in self._actual.items()}
        self._told.append(f"the column {name} was renamed to {like[0]}, and has its name back")
        return True

    def _retyped(self, booked: Booked, actual: Actual) -> None:
        has = FIELD_TYPE.get(actual.type)
        if has is None:
            self._type_back(booked, actual)
        elif wider(has, booked.type) != has:  # values may have been bent to fit
            self._lose(f"the column {booked.column} was changed to {actual.type}")

    def _type_back(self, booked: Booked, actual: Actual) -> None:
        """Raises ConfigurationError where the type is no narrower one."""
        must = POSTGRES[booked.type]
        strange = self._strange(booked.column, actual.type, must)
        if not NARROWED.get(booked.type, NOTHING).fullmatch(actual.type):
            raise strange
        self._add(
            "ALTER TABLE {relation} ALTER COLUMN {column} TYPE {type}",
            column=Identifier(booked.column),
            type=SQL(must),
        )
        self._types_back[booked.column] = strange
        self._actual[booked.column] = replace(actual, type=must)
        self._lose(f"the column {booked.column} was changed to {actual.type}")

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
            self._actual[name] = Actual(type, None, False)
            self._lose(f"the column {name} was dropped, and is added again")

    def _strange(self, column: str, has: str, must: str) -> ConfigurationError:
        return ConfigurationError(
            f"Somebody gave the column {column!r} of {self._full_name} the type {has!r}, which "
            f"syncs do not write. Give it the type {must} again."
        )

    def _key(self) -> None:
        has = {column for column, it in self._actual.items() if it.key}
        booked = [self._found.booked.get(names.storable(key)) for key in self._table.keys]
        must = [it.column for it in booked if it is not None]
        if not has:
            raise ConfigurationError(
                f"Somebody dropped the primary key of {self._full_name}, by which syncs find its "
                f"rows. Add it again: ALTER TABLE {self._full_name} ADD PRIMARY KEY "
                f"({', '.join(must)})."
            )
        if has != set(must) or len(must) < len(booked):
            raise ConfigurationError(
                f"The table {self._full_name} has the key ({', '.join(sorted(has))}), and "
                f"{self._table.label} has the key ({', '.join(self._table.keys)}). Rename or drop "
                f"the table (after {PASSING}), then sync it in full."
            )

    def _read_anew(self) -> None:
        """Leave a full sync to be gone on with, of which nothing is done. Whatever ran is over."""
        schema = self._table.schema
        self._add("DROP TABLE IF EXISTS {seen}", seen=relation(schema, names.seen_name(self._name)))
        self._add(
            "INSERT INTO {book} (table_name, sync, mode, started_at, shape)"
            " VALUES ({name}, '', 'full', now(), '') ON CONFLICT (table_name) DO UPDATE SET"
            " sync = '', mode = 'full', since = NULL, until = NULL, started_at = now(), shape = '',"
            " position = NULL, seen = 0, updated_at = now()",
            book=relation(schema, "_progress"),
            name=Literal(self._name),
        )
