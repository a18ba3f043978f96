"""Columns: what type they have, how types widen, and how a row becomes a line of COPY text."""

import builtins
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sync_platform.destination import beside, cells
from sync_platform.destination.cells import MISFITS, NULL, cell_of
from sync_platform.destination.names import storable
from sync_platform.destination.page_cells import column_of
from sync_platform.destination.width import ROW_BYTES, SAFE_WIDTH, row_bytes
from sync_platform.spec import FieldType, Row, Unreadable
from sync_platform.spec.times import EpochUnit

POSTGRES: dict[FieldType, str] = {
    "text": "text",
    "integer": "bigint",
    "number": "numeric",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "json": "jsonb",
}
FIELD_TYPE: dict[str, FieldType] = {postgres: field for field, postgres in POSTGRES.items()}
NARROWER: dict[FieldType, tuple[FieldType, ...]] = {  # what fits into it as well
    "number": ("integer",),
    "timestamp": ("date",),
    "json": ("integer", "number", "boolean", "date", "timestamp"),
}

LONGEST_KEY = 2600  # bytes; an entry of a Postgres index holds 2,704
SHOWN = 100  # characters of a value in a message
NO_ROW = "No row can be made of the record"  # a reason begins so, where a connector cannot read it
NO_KEY = "The key field"  # and so, where the record has no value there


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that rows are written to; `type` is its own, whatever the field's; `epoch`, the
    unit of numbers since 1970, is the field's."""

    field: str
    name: str
    type: FieldType
    epoch: EpochUnit | None = None
    strict: bool = False  # its field has outgrown it: it takes what fits it without bending
    alone: bool = False  # and what does not fit is rejected, since no column stands beside it
    beside: FieldType | None = None  # it takes, as text, what a column of this type does not


def _cell(column: Column) -> Callable[[Any], str]:
    if column.beside is not None:
        return beside.others(column.beside)
    if column.alone:
        return beside.refusing(column.type)
    return beside.fitting(column.type) if column.strict else cell_of(column.type, column.epoch)


def _whole(column: Column) -> Callable[[Sequence[Any]], Sequence[str]]:
    if column.strict or column.beside is not None:
        return beside.each(_cell(column))
    return column_of(column.type, column.epoch)


class DoesNotFit(Exception):
    """A value has no place in its column. The message is a sentence for people."""


def wider(has: FieldType, wanted: FieldType) -> FieldType:
    """The type for a column that `has` one and gets values of another: the wider of the two, or
    text where neither holds the other."""
    if has == wanted or has == "text" or wanted in NARROWER.get(has, ()):
        return has
    if has in NARROWER.get(wanted, ()) and wanted != "json":
        return wanted
    return "text"


IDENTITY: dict[FieldType, Callable[[str], Hashable]] = {  # 1.0 and 1 are one key
    "number": Decimal,
    "timestamp": datetime.fromisoformat,
}


@dataclass(frozen=True, kw_only=True)
class Key:
    """A record's key: comparable as Postgres would, and as texts that Postgres can cast."""

    identity: Hashable
    texts: tuple[str, ...]


class RowEncoder:
    """Turns rows into lines of COPY's text format, in the order of `columns`. Made once a table."""

    def __init__(self, columns: Sequence[Column], keys: Sequence[str], more: Sequence[str] = ()):
        """`keys` are fields among the columns'; `more` the fields that share the column _more."""
        self._columns = tuple(columns)
        self._fields = [column.field for column in columns]
        # The two at the end make it a tuple, however few there are; they are cut off.
        self._get = itemgetter(*self._fields, self._fields[0], self._fields[0])
        self._more = [(field, storable(field)) for field in more]
        self.order = [column.name for column in columns] + (["_more"] if more else [])
        self._wide = len(self.order) > SAFE_WIDTH
        self._types: list[FieldType] = [column.type for column in columns]
        self._types += ["json"] if more else []
        self._cells = [(it.field, _cell(it)) for it in columns]
        self._whole = [_whole(it) for it in columns]
        self._key_places = [self._fields.index(key) for key in keys]
        self._keys = [self._columns[it] for it in self._key_places]

    def together(self, rows: Sequence[Row]) -> tuple[Sequence[Hashable], bytes] | None:
        """The keys' identities and the lines of these rows, in their order and with their ends, for
        a fifth of the price of one by one. None where one of them does not fit, or a key is out of
        the ordinary: then one by one tells which."""
        try:
            columns = self._values(rows)
            cells = [encode(values) for encode, values in zip(self._whole, columns, strict=True)]
            if self._more:
                cells.append([self._shared(row) for row in rows])
            lines = "\n".join([*map("\t".join, zip(*cells, strict=True)), ""]).encode()
            if self._wide:
                for line in lines.split(b"\n")[:-1]:
                    self._check_width(line)
            keys = [self._identities(columns[it], cells[it], it) for it in self._key_places]
        except (*MISFITS, DoesNotFit):
            return None
        return (keys[0] if len(keys) == 1 else list(zip(*keys, strict=True))), lines

    def _values(self, rows: Sequence[Row]) -> list[list[Any]]:
        """The rows' values, a list for each column. Row after row, since each row is somewhere else
        in memory."""
        try:
            flat = list(chain.from_iterable(map(self._get, rows)))
        except KeyError:  # a field that is not there is NULL
            if any(isinstance(row, Unreadable) for row in rows):  # it has a `get`, too
                raise DoesNotFit from None
            return [[row.get(field) for row in rows] for field in self._fields]
        width = len(self._fields) + 2
        return [flat[place::width] for place in range(len(self._fields))]

    def _identities(
        self, values: Sequence[Any], cells: Sequence[str], place: int
    ) -> Sequence[Hashable]:
        """One part of each key, as `key` has it; raises DoesNotFit where it needs a closer look."""
        type = self._columns[place].type
        if type == "text":
            if not (all(values) and {str}.issuperset(map(builtins.type, values))):
                raise DoesNotFit
            if max(map(len, values)) > LONGEST_KEY // 4 // len(self._keys):
                raise DoesNotFit
            return values
        if NULL in cells:
            raise DoesNotFit
        return list(map(IDENTITY[type], cells)) if type in IDENTITY else cells

    def __call__(self, row: Row) -> tuple[Hashable, bytes]:
        """The key's identity and the line, without its newline; raises DoesNotFit."""
        if isinstance(row, Unreadable):
            raise DoesNotFit(f"{NO_ROW} ({shown_plain(row.why)}).")
        try:
            cells = [cell(row.get(field)) for field, cell in self._cells]
            if self._more:
                cells.append(self._shared(row))
            line = "\t".join(cells).encode()
        except MISFITS as error:
            raise self._misfit(row) from error
        key = self.key_of(row).identity
        if self._wide:
            self._check_width(line)
        return key, line

    def key(self, values: Sequence[Any]) -> Key:
        """The key of these values, in the order of the key's fields; raises DoesNotFit, with NO_KEY
        where one of them is not there."""
        if len(values) != len(self._keys):
            raise DoesNotFit(f"The key {shown(values)} has not {len(self._keys)} parts.")
        texts, identity = [], []
        for column, value in zip(self._keys, values, strict=True):
            if value is None:
                raise DoesNotFit(f"{NO_KEY} {shown(column.field)} is missing or null.")
            if value == "" and column.type != "text":
                raise DoesNotFit(f"{NO_KEY} {shown(column.field)} is empty.")
        for column, value in zip(self._keys, values, strict=True):
            try:
                it = cells.text(value) if column.type == "text" else _cell(column)(value)
            except MISFITS as error:
                raise _misfit(column.field, value, column.type, error) from error
            texts.append(it)
            identity.append(IDENTITY.get(column.type, str)(it))
        if not any(texts):
            raise DoesNotFit(f"{NO_KEY} {shown(self._keys[0].field)} is empty.")
        if sum(len(it.encode()) for it in texts) > LONGEST_KEY:
            raise DoesNotFit(f"The key {shown(values[0])} is longer than {LONGEST_KEY} bytes.")
        return Key(identity=identity[0] if len(identity) == 1 else tuple(identity), texts=(*texts,))

    def key_of(self, row: Any) -> Key:
        """The key of a row; raises DoesNotFit."""
        if not isinstance(row, Mapping | Unreadable):
            raise DoesNotFit(f"{shown(row)} is not a record.")
        return self.key([row.get(column.field) for column in self._keys])

    def _shared(self, row: Row) -> str:
        held = {name: row[field] for field, name in self._more if row.get(field) is not None}
        return cells.json_value(held) if held else NULL

    def _misfit(self, row: Row) -> DoesNotFit:
        """Which value it was, found by going through them one by one."""
        try:
            self.key_of(row)
        except DoesNotFit as misfit:
            return misfit
        shared = [Column(field=field, name="_more", type="json") for field, _ in self._more]
        for column in (*self._columns, *shared):
            value = row.get(column.field)
            try:
                _cell(column)(value)
            except MISFITS as error:
                return _misfit(column.field, value, column.type, error)
        return DoesNotFit(f"{shown(row)} is not a record.")

    def _check_width(self, line: bytes) -> None:
        """Rows of very many columns may be too wide for a Postgres page, which COPY would say."""
        each = zip(self._types, line.split(b"\t"), strict=True)
        filled = [(type, it) for type, it in each if it != b"\\N"]
        if len(filled) > SAFE_WIDTH and row_bytes(filled) > ROW_BYTES:
            raise DoesNotFit(
                f"The record fills {len(filled)} columns, more than one row of Postgres can hold."
            )


def _misfit(field: str, value: Any, type: FieldType, error: Exception) -> DoesNotFit:
    why = str(error)
    if isinstance(error, UnicodeError):
        why = "it holds half a character"
    elif isinstance(error, RecursionError):
        why = "it is nested too deeply"
    return DoesNotFit(
        f"The field {shown(field)} holds {shown(value)}, which does not fit a column of type "
        f"{POSTGRES[type]} ({shown_plain(why)})."
    )


def shown(value: Any) -> str:
    """A value for a message: ASCII JSON, shortened."""
    return shown_plain(ascii_json(value))


def shown_plain(written: str) -> str:
    """A text for a message: shortened, ASCII."""
    written = written.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")
    return written if len(written) <= SHOWN else f"{written[: SHOWN - 1]}..."


def ascii_json(value: Any) -> str:
    """JSON in ASCII, which any Postgres text can hold, or a word on why there is none."""
    try:
        return _ascii()(value)
    except RecursionError:
        return _deep_json(value)
    except MISFITS as error:
        return f"({type(value).__name__} that cannot be written as JSON: {type(error).__name__})"


@cache
def _ascii() -> Callable[[Any], str]:
    """Writes Decimals as numbers, which json does not. Imported when it is first needed."""
    from simplejson import JSONEncoder

    return JSONEncoder(
        default=str,
        allow_nan=True,
        namedtuple_as_object=False,
        encoding=None,  # type: ignore[arg-type] # bytes by default
    ).encode


def _deep_json(value: Any) -> str:
    """The same JSON without recursion, which Python allows about 1,000 levels deep."""
    written: list[str] = []
    coming: list[tuple[bool, Any]] = [(False, value)]  # whether it is written already, and it
    while coming:
        ready, it = coming.pop()
        if ready:
            written.append(it)
        elif isinstance(it, Mapping):
            coming.append((True, "}"))
            for n, (name, inner) in reversed(list(enumerate(it.items()))):
                coming += [(False, inner), (True, f"{', ' * (n > 0)}{_ascii()(str(name))}: ")]
            coming.append((True, "{"))
        elif isinstance(it, list | tuple):
            coming.append((True, "]"))
            for n, inner in reversed(list(enumerate(it))):
                coming += [(False, inner), (True, ", " * (n > 0))]
            coming.append((True, "["))
        else:
            written.append(_ascii()(it))
    return "".join(written)
