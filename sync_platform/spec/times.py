"""The few ways in which vendors write a moment. All moments here are aware; UTC goes out."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The size of a number since 1970 tells its unit. Between the year 10000 of one unit and the first
# of the next it is no moment: a year that somebody typed with five digits shall not become 1988.
# So 9999-12-31, which many write for "never", is read in milliseconds and in microseconds.
FIRST_MILLISECONDS = 100_000_000_000  # 1973-03-03; in seconds it is the year 5138
FIRST_MICROSECONDS = 10**15  # 2001-09-09; in milliseconds it is the year 33658
FIRST_NANOSECONDS = 10**18  # 2001-09-09; in microseconds it is the year 33658
NO_NANOSECONDS = 2**63 - 1  # the greatest of 64 bits: whoever writes it means "never", not 2262
A_DAY = 86_400_000  # milliseconds: of these HubSpot's dates are made, also those around 1970
A_DAY_WRITTEN = "86400000"  # eight digits, but no day of the calendar's

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
YEAR_OR_MONTH = re.compile(r"[0-9]{4}(?:-[0-9]{2})?")
DAY_OF_YEAR = re.compile(r"([0-9]{4})-([0-9]{3})(?=[T ]|\Z)")
END_OF_DAY = re.compile(r"(?<=[T ])24(?=(?::?00){0,2}(?:[.,]0+)?(?:[Z+-]|\Z))")


def iso(moment: datetime) -> str:
    """`2024-01-31T12:00:00.000Z`: milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    whole = int(moment.astimezone(UTC).replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000


def epoch_s(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return int(moment.astimezone(UTC).replace(microsecond=0).timestamp())


def moment(value: Any) -> datetime:
    """The moment that a vendor wrote as ISO 8601 or as a number since 1970, in UTC: of seconds,
    milliseconds, microseconds or nanoseconds, as its size tells.

    A text without a zone is UTC; four digits are a year, eight a day. Raises ValueError where it is
    no moment between the years 1 and 9999.
    """
    if isinstance(value, datetime):
        try:
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except OverflowError as error:  # year 1 east of Greenwich, the year 9999 west of it
            raise ValueError(f"{value} is not within the years 1 to 9999 in UTC") from error
    if isinstance(value, str):
        text = value.strip()
        value = _number(text)
        if value is None:
            return moment(_from_iso(text))
    elif isinstance(value, Decimal):  # a number of many digits
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a {type(value).__name__} is not a moment")
    try:
        return EPOCH + _since_1970(value)
    except OverflowError as error:
        raise ValueError(f"{value!r} is not within the years 1 to 9999") from error


def day_of(value: Any) -> date:
    """The date that a vendor wrote, or the day in UTC of what `moment` reads; but a whole number of
    days in milliseconds is that, however small it is. Raises ValueError where it is no day."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        text = value.strip()
        value = A_DAY if text == A_DAY_WRITTEN else _number(text)
        if value is None:
            return moment(_from_iso(text)).date()
    elif isinstance(value, Decimal):
        value = float(value)
    counted = isinstance(value, int | float) and not isinstance(value, bool)
    if counted and value % A_DAY == 0 and abs(value) < FIRST_MILLISECONDS:
        return (EPOCH + timedelta(milliseconds=value)).date()
    return moment(value).date()


def _number(text: str) -> int | float | None:
    """What a text of digits counts; None for any other, and for a year or a day without hyphens."""
    if text.find("-", 1) > 0 or not NUMBER.fullmatch(text):  # the first is quicker
        return None
    if len(text) in (4, 8) and text.isdecimal():
        return None
    return float(text) if "." in text else int(text)


def _since_1970(number: int | float) -> timedelta:
    size = abs(number)
    if size < FIRST_MILLISECONDS:
        return timedelta(seconds=number)
    if size < FIRST_MICROSECONDS:
        return timedelta(milliseconds=number)
    if size < FIRST_NANOSECONDS:
        return timedelta(microseconds=number)
    if size < NO_NANOSECONDS:
        return timedelta(microseconds=number // 1000)
    raise OverflowError("it is beyond 64 bits, or not finite")


def _from_iso(text: str) -> datetime:
    """Reads ISO 8601; also what Python leaves out of it: years, months, days of a year, lower case
    and the hour 24, which is the next day's first."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        text = text.upper()
    if YEAR_OR_MONTH.fullmatch(text):
        text += "-01-01"[len(text) - 4 :]
    elif found := DAY_OF_YEAR.match(text):
        first = date(int(found[1]), 1, 1)
        day = date.fromordinal(first.toordinal() + int(found[2]) - 1)
        if day.year != first.year:
            raise ValueError(f"{first.year} has no day {found[2]}")
        text = day.isoformat() + text[found.end() :]
    text, ended = END_OF_DAY.subn("00", text, count=1)
    try:
        return datetime.fromisoformat(text) + timedelta(days=ended)
    except OverflowError as error:
        raise ValueError(f"the end of {text} is not within the years 1 to 9999") from error
