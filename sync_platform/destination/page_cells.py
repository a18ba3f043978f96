"""A page's cells, a column at a time: what C can do for a whole column costs a third of doing it
value by value. One function a type; each gives what `cells.CELLS` gives for the values one by one,
and raises what that raises where one of them does not fit.

Each has a quick way for columns of the values that nearly all vendors send, and goes value by value
where it meets others. A number may be written differently; Postgres reads the same.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

import orjson

from sync_platform.destination.cells import LARGE_JSON, NULL, Cell, cell_of
from sync_platform.spec import FieldType
from sync_platform.spec.times import EpochUnit

NOTHING = type(None)
TEXTS: set[type] = {str, NOTHING}
INTEGERS: set[type] = {int, NOTHING}
NUMBERS: set[type] = {int, float, NOTHING}
BOOLS: set[type] = {bool, NOTHING}
ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}  # the backslash first
NUL = "\0"  # no text in Postgres may hold it
BETWEEN = "\x1e"  # separates the texts of a column, which hardly ever hold it
BETWEEN_IN_JSON = ',"\\u001e",'

Column = Callable[[Sequence[Any]], Sequence[str]]


def _texts(values: Sequence[Any]) -> Sequence[str]:
    try:
        written = BETWEEN.join(values)
    except TypeError:  # None, or no text
        if not TEXTS.issuperset(map(type, values)):
            return _each("text", values)
        texts = _texts([value or "" for value in values])
        return [NULL if it is None else text for it, text in zip(values, texts, strict=True)]
    if NUL in written:
        return _each("text", values)
    if not any(special in written for special in ESCAPED):
        return values
    if written.count(BETWEEN) >= len(values):
        return _each("text", values)
    for special, escaped in ESCAPED.items():
        written = written.replace(special, escaped)
    return written.split(BETWEEN)


def _literals(type_: FieldType, types: set[type], values: Sequence[Any]) -> Sequence[str]:
    """Numbers and booleans as JSON writes them."""
    if not types.issuperset(map(type, values)):
        return _each(type_, values)
    try:
        written = orjson.dumps(values, option=orjson.OPT_STRICT_INTEGER)
    except TypeError:  # beyond 53 bits
        return _each(type_, values)
    if (nulls := written.count(b"null")) == 0:
        return written[1:-1].decode().split(",")
    if nulls != values.count(None):  # one is not finite
        return _each(type_, values)
    return written[1:-1].replace(b"null", NULL.encode()).decode().split(",")


def _moments(
    type_: FieldType,
    pattern: str,
    read: Callable[[str], date],
    values: Sequence[Any],
    epoch: EpochUnit | None = None,
) -> Sequence[str]:
    """Days and moments that are written like the pattern; empty and None are NULL."""
    if not TEXTS.issuperset(map(type, values)):
        return _each(type_, values, epoch)
    given = list(filter(None, values))
    if not _written_like(pattern, given):
        return _each(type_, values, epoch)
    try:
        for _ in map(read, given):
            pass
    except ValueError:  # one is on no calendar, or at 24:00
        return _each(type_, values, epoch)
    return values if len(given) == len(values) else [value or NULL for value in values]


def _written_like(pattern: str, values: Sequence[str]) -> bool:
    """Whether they differ from the pattern only where it has zeros (and there in anything)."""
    width, count = len(pattern), len(values)
    if any(length != width for length in set(map(len, values))):
        return False
    written = "".join(values)
    return all(
        written[place::width] == sign * count for place, sign in enumerate(pattern) if sign != "0"
    )


def _json(values: Sequence[Any]) -> Sequence[str]:
    types = set(map(type, values))
    if NOTHING in types or (str in types and "" in values):
        return _each("json", values)
    spread: list[Any] = [BETWEEN] * (2 * len(values) - 1)
    spread[::2] = values
    try:
        written = orjson.dumps(spread)[1:-1].decode()
    except TypeError:
        return _each("json", values)
    if "null" in written or "\\u0000" in written or len(written) > LARGE_JSON:
        # NaN, perhaps, or what jsonb does not hold
        return _each("json", values)
    cells = written.split(BETWEEN_IN_JSON)
    if len(cells) != len(values):
        return _each("json", values)
    if written.count("\\") >= len(values):  # each separator has one
        return [it.replace("\\", "\\\\") for it in cells]
    return cells


def _each(type: FieldType, values: Sequence[Any], epoch: EpochUnit | None = None) -> Sequence[str]:
    cell: Cell = cell_of(type, epoch)
    return [cell(value) for value in values]


DAY = partial(_moments, "date", "0000-00-00", date.fromisoformat)
MOMENT = partial(_moments, "timestamp", "0000-00-00T00:00:00.000Z", datetime.fromisoformat)

COLUMNS: dict[FieldType, Column] = {
    "text": _texts,
    "integer": partial(_literals, "integer", INTEGERS),
    "number": partial(_literals, "number", NUMBERS),
    "boolean": partial(_literals, "boolean", BOOLS),
    "date": DAY,
    "timestamp": MOMENT,
    "json": _json,
}


def column_of(type: FieldType, epoch: EpochUnit | None = None) -> Column:
    """The function for a column of that type, in which numbers since 1970 are of that unit."""
    if epoch is None or type not in ("date", "timestamp"):
        return COLUMNS[type]
    return partial(DAY if type == "date" else MOMENT, epoch=epoch)
