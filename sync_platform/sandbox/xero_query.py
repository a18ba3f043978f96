"""How Xero writes moments, and what `where`, `order` and If-Modified-Since ask for.

Of `where` there are clauses joined by `&&` or AND, of the shape `Field op value`; fields of what is
nested have dots, values are texts, numbers, true, false, DateTime(...) and Guid(...).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.xero_errors import bad_query

WRITTEN = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
CLAUSE = re.compile(r"\s*([\w.]+)\s*(==|!=|>=|<=|>|<)\s*(.+?)\s*", re.DOTALL)
JOINED = re.compile(r"\s*(?:&&|\bAND\b)\s*(?=[\w.]+\s*(?:==|!=|>=|<=|>|<))", re.IGNORECASE)
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": eq, "!=": ne, ">=": ge, "<=": le, ">": gt, "<": lt,
}  # fmt: skip
Test = Callable[[Json], bool]


def written(ms: int) -> str:
    """Milliseconds since 1970 as Xero writes them."""
    return f"/Date({ms}+0000)/"


def milliseconds(text: Any) -> int | None:
    """What Xero wrote; None where it is no moment."""
    found = WRITTEN.fullmatch(text) if isinstance(text, str) else None
    return int(found[1]) if found else None


def day(text: str) -> int:
    """The milliseconds of a day or moment that a caller wrote; raises ValueError."""
    if (already := milliseconds(text)) is not None:
        return already
    moment = datetime.fromisoformat(text)
    return _ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def since(header: str) -> int | None:
    """The milliseconds of If-Modified-Since, of which Xero heeds the whole second; UTC where it has
    no zone. None where there is no header."""
    if not header:
        return None
    try:
        return day(header) // 1000 * 1000
    except ValueError:
        pass
    try:
        return _ms(parsedate_to_datetime(header))
    except ValueError:
        raise bad_query(f"If-Modified-Since cannot be read: {header}") from None


def where(text: str) -> Test:
    """Whether a record fits."""
    tests = [_clause(clause) for clause in JOINED.split(text)] if text.strip() else []
    return lambda record: all(test(record) for test in tests)


def ordered(records: list[Json], text: str) -> list[Json]:
    """The records by a field, `Name ASC` or `Name DESC`; without one as they are."""
    if not text.strip():
        return records
    name, _, way = text.strip().partition(" ")
    if way.strip().upper() not in ("", "ASC", "DESC"):
        raise bad_query(f"Order by '{text}' cannot be parsed.")

    def place(record: Json) -> tuple[bool, Any]:
        value = _value(record, name)
        return value is not None, "" if value is None else value

    return sorted(records, key=place, reverse=way.strip().upper() == "DESC")


def _clause(text: str) -> Test:
    found = CLAUSE.fullmatch(text)
    if not found:
        raise bad_query(f"The where clause '{text}' cannot be parsed.")
    name, operator, wanted = found[1], OPERATORS[found[2]], _literal(found[3])

    def test(record: Json) -> bool:
        value = _value(record, name)
        if value is None or wanted is None:
            return bool(operator(value, wanted)) if operator in (eq, ne) else False
        if type(value) is not type(wanted) and not _numbers(value, wanted):
            raise bad_query(f"'{name}' cannot be compared with {found[3]}.")
        return bool(operator(value, wanted))

    return test


def _numbers(*values: Any) -> bool:
    return all(isinstance(it, int | float) and not isinstance(it, bool) for it in values)


def _literal(text: str) -> Any:
    if quoted := re.fullmatch(r'(?:Guid\(\s*)?"([^"]*)"\s*\)?', text):
        return quoted[1]
    if parts := re.fullmatch(r"DateTime\(([\d\s,]+)\)", text):
        try:
            return _ms(datetime(*map(int, parts[1].split(",")), tzinfo=UTC))  # type: ignore[misc, arg-type]
        except (ValueError, TypeError) as error:
            raise bad_query(f"'{text}' is no moment.") from error
    if text.lower() in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text.lower()]
    try:
        return float(text)
    except ValueError:
        raise bad_query(f"'{text}' cannot be parsed.") from None


def _value(record: Json, name: str) -> Any:
    value: Any = record
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    ms = milliseconds(value)
    return value if ms is None else ms


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
