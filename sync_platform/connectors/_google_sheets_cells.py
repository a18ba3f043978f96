"""Cells of Google Sheets: what is loaded of each, and the type that a column of them has."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync_platform import spec

DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)  # the day that serial numbers count from
ERRORS = frozenset(
    ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#ERROR!", "Loading...")
)
FRACTIONS = ("PERCENT", "CURRENCY", "SCIENTIFIC", "DECIMAL")
DATED: dict[str, spec.FieldType] = {"DATE": "date", "DATE_TIME": "timestamp", "TIME": "text"}
FORMAT_OF: dict[spec.FieldType, str] = {"date": "DATE", "timestamp": "DATE_TIME"}
EXACT = 2**53  # greater numbers are no exact integers in a spreadsheet
NUMBERS = frozenset((int, float, Decimal))  # and no bool, which is an int to Python
OVERRIDES: tuple[spec.FieldType, ...] = (
    "text", "integer", "number", "boolean", "date", "timestamp",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a tab. `format` is how most of its numbers are shown, `pattern` the format as
    Google has it; `type` is what a person said it is."""

    place: int  # from 0 for A
    name: str
    label: str = ""
    format: str = ""
    pattern: spec.Row = field(default_factory=dict)
    computed: bool = False
    type: spec.FieldType | None = None


def letters(place: int) -> str:
    """A column as people call it: 0 is A, 26 is AA."""
    found, left = "", place + 1
    while left:
        left, digit = divmod(left - 1, 26)
        found = chr(ord("A") + digit) + found
    return found


def zone_of(name: str) -> tzinfo:
    """The spreadsheet's time zone: a name, or a `GMT-07:00` of its own; UTC where it is neither."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    try:
        offset = datetime.strptime(name.removeprefix("GMT"), "%z").utcoffset()
    except ValueError:
        return UTC
    return timezone(offset or timedelta(0))


def loaded(raw: Any, column: Column, zone: tzinfo) -> Any:
    """What is loaded of a cell: None for an empty one and for an error, ISO 8601 for numbers that
    are shown as dates, or that a person said are. Of the latter, one beyond the calendar is told as
    a text that no date is, so that it is rejected and not taken for seconds since 1970. What no
    cell holds, such as an object, is loaded as it is: whether it fits, its column knows."""
    if raw is None or raw == "" or (isinstance(raw, str) and raw in ERRORS):
        return None
    if column.format not in DATED or type(raw) not in NUMBERS:
        return raw
    try:
        return _dated(raw, column.format, zone)
    except (ArithmeticError, ValueError):  # not between the years 1 and 9999
        return f"day {raw}" if column.type in FORMAT_OF else raw


def _dated(serial: float, format: str, zone: tzinfo) -> str:
    if format == "TIME":
        seconds = round(serial * 86_400)
        minutes, second = divmod(abs(seconds), 60)
        hours, minute = divmod(minutes, 60)  # of a duration there may be more than 24
        return f"{'-' if seconds < 0 else ''}{hours:02}:{minute:02}:{second:02}"
    # A double holds about a microsecond of today's serials; people mean milliseconds at most.
    moment = DAY_ZERO + timedelta(milliseconds=round(serial * 86_400_000))
    if format == "DATE":
        return moment.date().isoformat()
    return spec.iso(moment.replace(tzinfo=zone))


def kind(raw: Any, value: Any, column: Column) -> spec.FieldType | None:
    """What a cell says of its column's type; None where it says nothing."""
    if value is None:
        return None
    if isinstance(raw, bool):
        return "boolean"
    if isinstance(raw, str):
        return "text"
    if type(raw) not in NUMBERS:  # an object: one of them must not change what the column is
        return None
    if value is not raw:
        return DATED[column.format]
    try:
        whole = abs(raw) <= EXACT and raw == int(raw)
    except ArithmeticError:  # not a number, as a Decimal
        whole = False
    return "integer" if whole and column.format not in FRACTIONS else "number"


def type_of(kinds: Iterable[spec.FieldType]) -> spec.FieldType:
    """The type that all of these fit into."""
    found = set(kinds)
    if len(found) == 1:
        return found.pop()
    return "number" if found == {"integer", "number"} else "text"


def common_format(cells: Iterable[spec.Row]) -> tuple[str, spec.Row]:
    """How most numbers among CellData are shown: a word for it, and Google's own."""
    counts: dict[str, int] = {}
    patterns: dict[str, spec.Row] = {}
    for cell in cells:
        if spec.at(cell, "effectiveValue.numberValue") is None:
            continue
        shown = spec.at(cell, "effectiveFormat.numberFormat")
        shown = shown if isinstance(shown, dict) else {}
        word = str(shown.get("type", ""))
        if word == "NUMBER" and "." in str(shown.get("pattern", "")):
            word = "DECIMAL"
        counts[word] = counts.get(word, 0) + 1
        patterns.setdefault(word, shown)
    if not counts:
        return "", {}
    word = max(counts, key=lambda each: counts[each])
    return word, patterns[word]


def is_formula(cell: spec.Row) -> bool:
    """Whether CellData is what a formula came to, in it or spilled into it from another."""
    entered = cell.get("userEnteredValue")
    if not entered:
        return cell.get("effectiveValue") is not None
    return isinstance(entered, dict) and "formulaValue" in entered


def written(value: Any, column: Column, zone: tzinfo) -> spec.Row:
    """A value as CellData to write; raises ValueError where a cell cannot hold it."""
    match value:
        case None | "":
            return {}
        case bool():
            return {"userEnteredValue": {"boolValue": value}}
        case int() | float() | Decimal():
            return {"userEnteredValue": {"numberValue": float(value)}}
        case str() | date() if column.format in FORMAT_OF.values():
            try:
                number = _serial(value, column.format, zone)
            except ValueError:
                return {"userEnteredValue": {"stringValue": str(value)}}
            return {"userEnteredValue": {"numberValue": number}}
        case str():
            return {"userEnteredValue": {"stringValue": value}}
        case date():
            return {"userEnteredValue": {"stringValue": value.isoformat()}}
    raise ValueError(f"a cell cannot hold {type(value).__name__}")


def _serial(value: str | date, format: str, zone: tzinfo) -> float:
    if format == "DATE":
        day = value if isinstance(value, date) else date.fromisoformat(value[:10])
        return float((datetime.combine(day, time(), UTC) - DAY_ZERO).days)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(), zone)
    local = spec.moment(value).astimezone(zone).replace(tzinfo=UTC)
    return (local - DAY_ZERO) / timedelta(days=1)


def as_key(value: Any) -> str:
    """A loaded cell as the text that a key is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
