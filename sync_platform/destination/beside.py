"""Values of a field that has outgrown its column, where that had to keep its type: what fits it
without bending goes into it, and all else as text into a column beside it."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sync_platform.destination import cells
from sync_platform.destination.cells import MISFITS, NULL, Cell
from sync_platform.spec import FieldType

PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")  # Postgres writes it just so
PLAIN_NUMBER = re.compile(r"(?!-[0.]*\Z)-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,100})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(
    DAY.pattern + r"[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,6})?)?"
    r"(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


def _written_like(pattern: re.Pattern[str], cell: Cell) -> Cell:
    """`cell`, for texts of this pattern and what is no text."""

    def strict(value: Any) -> str:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise ValueError("it is written otherwise")
        return cell(value)

    return strict


def _boolean(value: Any) -> str:
    if isinstance(value, bool) or value in ("true", "false"):
        return cells.boolean(value)
    raise ValueError("it is neither true nor false")


def _day(value: Any) -> str:
    if isinstance(value, str) or (isinstance(value, date) and not isinstance(value, datetime)):
        return cells.day(value)
    raise ValueError("it is no day")


def _moment(value: Any) -> str:
    if isinstance(value, str | datetime):
        return cells.timestamp(value)
    raise ValueError("it is no moment")


STRICT: dict[FieldType, Cell] = {
    "integer": _written_like(PLAIN_INTEGER, cells.integer),
    "number": _written_like(PLAIN_NUMBER, cells.number),
    "boolean": _boolean,
    "date": _written_like(DAY, _day),
    "timestamp": _written_like(MOMENT, _moment),
    "json": cells.json_value,
}


def fitting(type: FieldType) -> Cell:
    """For a column of that type: NULL where a value does not fit it as it is."""
    strict = STRICT[type]

    def cell(value: Any) -> str:
        if value is None or value == "":
            return NULL
        try:
            return strict(value)
        except MISFITS:
            return NULL

    return cell


def refusing(type: FieldType) -> Cell:
    """For a column that has none beside it; raises where a value does not fit it as it is."""
    strict = STRICT[type]
    return lambda value: NULL if value is None or value == "" else strict(value)


def others(type: FieldType) -> Cell:
    """For the column of text beside it: NULL where `fitting` is not."""
    if type == "text":
        return _nothing
    strict = STRICT[type]

    def cell(value: Any) -> str:
        if value is None or value == "":
            return NULL
        try:
            strict(value)
        except MISFITS:
            return cells.text_cell(value)
        return NULL

    return cell


def _nothing(value: Any) -> str:
    return NULL


def each(cell: Cell) -> Callable[[Any], list[str]]:
    """A page's cells, one by one: only few columns need it."""
    return lambda values: [cell(value) for value in values]
