"""What a value becomes in a column: one function a type, from JSON to a cell of COPY's text format.

Each raises ValueError, TypeError, ArithmeticError or RecursionError where the value does not fit,
so that nothing unfit reaches COPY. In all columns but text, "" means NULL: vendors that send forms
around (HubSpot) write it for a field that nobody filled in. Text keeps "".
"""

import json
import re
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, partial
from itertools import chain
from typing import Any

import orjson

from sync_platform.spec import FieldType, moment
from sync_platform.spec.times import EpochUnit, day_of

NULL = "\\N"
GREATEST_INTEGER = 2**63 - 1
LARGEST_EXPONENT = 1000  # numeric would hold 131,072 digits; nobody means them
MOST_LEVELS = 1000  # of JSON: Python writes so many, and Postgres' own stack has an end, too
LARGE_JSON = 2**24  # characters; what is shorter has its place in jsonb
MOST_IN_JSON = 2**23 - 1  # values
LARGEST_JSONB = 2**28 - 1  # bytes
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?")
# Each digit has one place in it: else a text of a million of them is tried in all ways, for hours.
ANY_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

MISFITS = (ValueError, TypeError, ArithmeticError, RecursionError, AttributeError)

Cell = Callable[[Any], str]


def integer(value: Any) -> str:
    """64 bits: an int, a float without a fraction, or the digits of one."""
    if type(value) is not int:
        if value is None or value == "":
            return NULL
        if type(value) is str and len(value) < 19 and value.isdecimal() and value.isascii():
            return value if value[0] != "0" else str(int(value))
        exact = _decimal(value)
        value = int(exact)
        if value != exact:
            raise ValueError("it has a fraction")
    if not -GREATEST_INTEGER - 1 <= value <= GREATEST_INTEGER:
        raise ValueError("it is beyond 64 bits")
    return str(value)


def number(value: Any) -> str:
    """Any finite number, exactly as it was written."""
    if type(value) is float:
        if value - value != 0:
            raise ValueError("it is not finite")
        return repr(value)
    if value is None or value == "":
        return NULL
    if type(value) is str and PLAIN_NUMBER.fullmatch(value):
        return value
    if type(value) is int and -GREATEST_INTEGER <= value <= GREATEST_INTEGER:
        return str(value)
    return str(_decimal(value))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str):
        value = value.strip()
        if not ANY_NUMBER.fullmatch(value):
            raise ValueError("it is not a number")
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("it is not a number")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    _, digits, exponent = exact.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("it is not finite")
    if max(len(digits), abs(exponent), len(digits) + exponent) > LARGEST_EXPONENT:
        raise ValueError(f"it has more than {LARGEST_EXPONENT} digits")
    return exact


BOOLEANS: dict[Any, str] = {
    None: NULL, "": NULL, True: "true", False: "false",  # 1 and 0 are equal to True and False
    "true": "true", "false": "false", "1": "true", "0": "false",
}  # fmt: skip


def boolean(value: Any) -> str:
    """true, false, 1, 0, or one of these as text, in any case."""
    if isinstance(value, str):
        value = value.lower()
    cell = BOOLEANS.get(value) if isinstance(value, Hashable) else None
    if cell is None:
        raise ValueError("it is neither true nor false")
    return cell


def day(value: Any, epoch: EpochUnit | None = None) -> str:
    """A date, however spec.times.day_of can read it; of a moment, its day in UTC. `epoch` is the
    unit of numbers since 1970."""
    if type(value) is str and len(value) == 10 and value[4:8:3] == "--":
        date.fromisoformat(value)
        return value
    if value is None or value == "":
        return NULL
    return day_of(value, epoch).isoformat()


def timestamp(value: Any, epoch: EpochUnit | None = None) -> str:
    """A moment between the years 1 and 9999, however spec.moment can read it; UTC. `epoch` is the
    unit of numbers since 1970."""
    if type(value) is str and len(value) == 24:
        if value[4:20:3] == "--T::." and value[23] == "Z":  # 2024-01-01T00:00:00.000Z
            try:
                datetime.fromisoformat(value)
            except ValueError:  # it may be at 24:00
                return moment(value).isoformat()
            return value
    elif value is None or value == "":
        return NULL
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return moment(value, epoch).isoformat()


def json_value(value: Any) -> str:
    """Any JSON value; "" is NULL here, too."""
    if value is None or value == "":
        return NULL
    written = json_text(value)
    if len(written) > LARGE_JSON:
        _check_size(written)
    if "\\" not in written:
        return written
    if "\\u0000" in written and NUL_IN_JSON.search(written):
        raise ValueError("it holds a NUL character")
    return written.replace("\\", "\\\\")


def _check_size(written: str) -> None:
    """Raises ValueError where jsonb may not hold it: each value takes up to 12 bytes beside what is
    written of it, and of its work on one object Postgres allows 1 GB."""
    values = written.count(",")
    if values > MOST_IN_JSON or len(written.encode()) + 12 * values > LARGEST_JSONB:
        raise ValueError("it is more than jsonb holds")


def json_text(value: Any) -> str:
    """Compact JSON, numbers with all their digits; without the limits of orjson (64 bits, 254
    levels) where it meets them."""
    try:
        written = orjson.dumps(value, default=_fragment).decode()
    except TypeError:
        if _deeper_than(MOST_LEVELS, value):
            raise ValueError(f"it is nested more than {MOST_LEVELS:,} levels deep") from None
        written = _written_by_simplejson()(value)
        written.encode()  # a lone surrogate fails here
        return written
    if "null" in written:  # orjson writes NaN so
        json.dumps(value, allow_nan=False, default=str)
    return written


def _plain(value: Any) -> str:
    """A Decimal's digits without an exponent."""
    if not isinstance(value, Decimal):
        raise TypeError(f"a {type(value).__name__} is not JSON")
    return format(_decimal(value), "f")


def _fragment(value: Any) -> orjson.Fragment:
    return orjson.Fragment(_plain(value))


@cache
def _written_by_simplejson() -> Callable[[Any], str]:
    """Writes what orjson does not. Imported when that first comes: hardly ever."""
    from simplejson import JSONEncoder, RawJSON

    return JSONEncoder(
        default=lambda value: RawJSON(_plain(value)),
        use_decimal=False,  # it would write exponents of any size, which jsonb does not hold
        ensure_ascii=False,
        allow_nan=False,
        check_circular=False,  # what holds itself is too deep for us, too
        namedtuple_as_object=False,
        separators=(",", ":"),
        encoding=None,  # type: ignore[arg-type] # bytes are not JSON
    ).encode


def _deeper_than(most: int, value: Any) -> bool:
    level = [value]
    for _ in range(most + 1):
        held = [it.values() if isinstance(it, Mapping) else it for it in level if _holds(it)]
        if not held:
            return False
        level = list(chain.from_iterable(held))
    return True


def _holds(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def text(value: Any) -> str:
    """Anything, as JSON would write it; not escaped, and None is not for it."""
    if isinstance(value, str):
        pass
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, int):
        return str(value)
    elif isinstance(value, float):
        return repr(value) if value - value == 0 else str(_decimal(value))
    elif isinstance(value, Decimal):
        return _plain(value)
    elif isinstance(value, date):
        return value.isoformat()
    elif isinstance(value, Mapping | list | tuple):
        return json_text(value)
    else:
        raise ValueError("it is not JSON")
    if "\0" in value:
        raise ValueError("it holds a NUL character")
    value.encode()  # a lone surrogate fails here
    return value


def text_cell(value: Any) -> str:
    """`text`, escaped for COPY."""
    if value is None:
        return NULL
    written = text(value)
    if "\\" in written or "\n" in written or "\t" in written or "\r" in written:
        return written.translate(ESCAPES)
    return written


CELLS: dict[FieldType, Cell] = {
    "text": text_cell,
    "integer": integer,
    "number": number,
    "boolean": boolean,
    "date": day,
    "timestamp": timestamp,
    "json": json_value,
}


def cell_of(type: FieldType, epoch: EpochUnit | None = None) -> Cell:
    """The function for a column of that type, in which numbers since 1970 are of that unit."""
    if epoch is None or type not in ("date", "timestamp"):
        return CELLS[type]
    return partial(day if type == "date" else timestamp, epoch=epoch)
