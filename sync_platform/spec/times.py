"""The few ways in which vendors write a moment. All moments here are aware; UTC goes out."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EpochUnit = Literal["s", "ms"]
UNITS: dict[EpochUnit, timedelta] = {"s": timedelta(seconds=1), "ms": timedelta(milliseconds=1)}

# The size of a number since 1970 tells its unit, where none is declared. Between the year 10000 of
# one unit and the first of the next it is no moment: a year that somebody typed with five digits
# shall not become 1988. 9999-12-31, which many write for "never", is read in all units: its seconds
# would be a minute and a half of 1978 in milliseconds.
FIRST_MILLISECONDS = 100_000_000_000  # 1973-03-03; in seconds it is the year 5138
FIRST_MICROSECONDS = 10**15  # 2001-09-09; in milliseconds it is the year 33658
FIRST_NANOSECONDS = 10**18  # 2001-09-09; in microseconds it is the year 33658
NO_NANOSECONDS = 2**63 - 1  # the greatest of 64 bits: whoever writes it means "never", not 2262
NEVER = range(253_402_214_400, 253_402_300_800)  # the seconds of 9999-12-31

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
CENTURIES = ("18", "19", "20", "21", "99")  # in which digits may be of a calendar
# YYYYMMDDHHMM and YYYYMMDDHHMMSS. The shorter are milliseconds of 1976, too, so that all of one
# must look like it; the longer would be milliseconds of the year 2540 or later.
SPELLED_OUT = re.compile(
    r"(?:(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9]"
    r"|(?:(?:1[89]|2[01])[0-9]{2}|9999)[0-9]{10})(?:\.[0-9]++)?"
)
IN_YEARS = re.compile("1[89]|2[01]|9999")  # of the numbers that are years and days

# What is read of ISO 8601, said exactly: Python's own reader also takes 2024-01-31-10 for a time,
# and half an hour for half a second. Each digit has one place, so that a long text costs no more.
HOURS = r"(?:[01]\d|2[0-3])"  # of a zone
ZONE = rf"(?:[Zz]|[+-]{HOURS}(?:(?P<zoned>:?)[0-5]\d(?:(?P=zoned)[0-5]\d)?)?)"
USUAL_ZONE = rf"(?:Z|[+-]{HOURS}(?::?[0-5]\d)?)"
_is_usual = re.compile(  # what Python reads as it is meant, and nearly all vendors write
    rf"\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d++)?)?{USUAL_ZONE}?)?"
    rf"|\d{{8}}T\d{{4}}(?:\d\d(?:\.\d++)?)?{USUAL_ZONE}?",
    re.ASCII,
).fullmatch
YEAR_OR_MONTH = re.compile(r"\d{4}(?:-\d\d)?", re.ASCII)
ZONED_DAY = re.compile(rf"(\d{{4}}-\d\d-\d\d)([Zz]|[+-]{HOURS}:[0-5]\d)", re.ASCII)
ZONED_DAYS = (len("2024-01-31Z"), len("2024-01-31+05:00"))
ISO = re.compile(
    r"(?P<year>\d{4})(?P<dash>-?)"
    r"(?:(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"|[Ww](?P<week>\d\d)(?:(?P=dash)(?P<weekday>\d))?"
    r"|(?P<day_of_year>\d{3}))"
    r"(?:(?:[Tt ]|(?<=\d{8})(?=\d{4}))"  # YYYYMMDDHHMM needs nothing between
    r"(?P<hour>\d\d)(?:(?P<colon>:?)(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d))?)?"
    rf"(?:[.,](?P<fraction>\d++))?(?: ?(?P<zone>{ZONE}))?)?",
    re.ASCII,
)
DIGITS = 18  # of a fraction; more are beyond any microsecond


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


def moment(value: Any, unit: EpochUnit | None = None) -> datetime:
    """The moment that a vendor wrote as ISO 8601 or as a number since 1970, in UTC: of the unit, or
    of seconds, milliseconds, microseconds or nanoseconds, as its size tells.

    A text without a zone is UTC, a day its first moment. Digits may be a calendar's, too: in a text
    four are a year, seven YYYYDDD, eight YYYYMMDD, and nothing else. As text or number, fourteen of
    the years 1800 to 2199 or 9999 ("never") are YYYYMMDDHHMMSS, twelve that look like YYYYMMDDHHMM
    of 1900 to 2099 just that, and nothing else. A number of four digits is one of these years (not
    9900 to 9998), one of eight a day of them where the calendar has it: since 1970 they would count
    to an hour, to the years 1970 or 1973. But with a unit, digits are always a number of it,
    however few or many. Raises ValueError where it is no moment between the years 1 and 9999.
    """
    if isinstance(value, str):
        text = value.strip()
        if not text.isdecimal() and _is_usual(text):
            try:
                found = datetime.fromisoformat(text)
            except ValueError:  # it may be at 24:00
                found = _from_iso(text)
            return found if found.tzinfo is UTC else _in_utc(found)
        value = _number(text, unit)
        if value is None:
            return _in_utc(_from_iso(text))
    elif isinstance(value, datetime):
        return _in_utc(value)
    elif isinstance(value, Decimal):  # a number of many digits
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a {type(value).__name__} is not a moment")
    try:
        if unit is not None:
            return EPOCH + value * _span(unit)
        return _spelled_out(value) or EPOCH + _by_size(value)
    except OverflowError as error:
        raise ValueError(f"{value!r} is not within the years 1 to 9999") from error


def day_of(value: Any, unit: EpochUnit | None = None) -> date:
    """The date that a vendor wrote, whatever the zone beside it, or the day in UTC of what `moment`
    reads. Raises ValueError where it is no day."""
    if isinstance(value, str):
        text = value.strip()
        if len(text) in ZONED_DAYS and (found := ZONED_DAY.fullmatch(text)):
            return date.fromisoformat(found[1])
    elif isinstance(value, date) and not isinstance(value, datetime):
        return value
    return moment(value, unit).date()


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError as error:  # year 1 east of Greenwich, the year 9999 west of it
        raise ValueError(f"{value} is not within the years 1 to 9999 in UTC") from error


def _number(text: str, unit: EpochUnit | None) -> int | float | None:
    """What a text of digits counts; None for any other, and, without a unit, for digits of a
    calendar."""
    if text.find("-", 1) > 0 or not NUMBER.fullmatch(text):  # the first is quicker
        return None
    if unit is None:
        if len(text) in (4, 7, 8) and text.isdecimal():
            return None
        if text[:2] in CENTURIES and SPELLED_OUT.fullmatch(text):
            return None
    return float(text) if "." in text else int(text)


def _spelled_out(number: int | float) -> datetime | None:
    """The year, day, minute or second that the digits of a number are; None where they are none.
    Raises ValueError where twelve or fourteen only look like it, as of a text of them."""
    if 19 * 10**10 <= number < 21 * 10**10 or 18 * 10**12 <= number < 10**14:
        digits = str(number)
        return _in_utc(_from_iso(digits)) if SPELLED_OUT.fullmatch(digits) else None
    if not 1800 <= number < 10**8:
        return None
    digits = str(number).removesuffix(".0")
    if len(digits) not in (4, 8) or not IN_YEARS.match(digits):
        return None
    try:
        return _from_iso(digits).replace(tzinfo=UTC)
    except ValueError:
        return None


def _span(unit: EpochUnit) -> timedelta:
    if unit not in UNITS:  # an own connector's, which nobody may have checked the types of
        raise ValueError(f"{unit!r} is no unit of numbers since 1970")
    return UNITS[unit]


def _by_size(number: int | float) -> timedelta:
    size = abs(number)
    if size < FIRST_MILLISECONDS or NEVER.start <= number < NEVER.stop:
        return timedelta(seconds=number)
    if size < FIRST_MICROSECONDS:
        return timedelta(milliseconds=number)
    if size < FIRST_NANOSECONDS:
        return timedelta(microseconds=number)
    if size < NO_NANOSECONDS:
        return timedelta(microseconds=number // 1000)
    raise OverflowError("it is beyond 64 bits, or not finite")


def _from_iso(text: str) -> datetime:
    """Reads ISO 8601: years, months, days, weeks and days of a year, and times of a day with what
    fraction their last part has; the hour 24 is the next day's first."""
    if len(text) == 8 and text.isdecimal():
        return datetime.fromisoformat(text)
    if YEAR_OR_MONTH.fullmatch(text):
        return datetime.fromisoformat(text + "-01-01"[len(text) - 4 :])
    if found := ZONED_DAY.fullmatch(text):
        return datetime.fromisoformat(f"{found[1]}T00:00{found[2].upper()}")
    found = ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not ISO 8601")
    hour, minute, second, fraction = found.group("hour", "minute", "second", "fraction")
    unit = 1 if second else 60 if minute else 3600
    digits = (fraction or "0")[:DIGITS]
    into = timedelta(microseconds=int(digits) * unit * 10**6 // 10 ** len(digits))
    if hour == "24":
        if f"{minute or ''}{second or ''}{fraction or ''}".strip("0"):
            raise ValueError("a day ends at 24:00")
        hour, into = "00", timedelta(days=1)
    clock = f"{hour or '00'}:{minute or '00'}:{second or '00'}"
    zone = (found["zone"] or "").upper()
    try:
        return datetime.fromisoformat(f"{_day(found)}T{clock}{zone}") + into
    except OverflowError as error:
        raise ValueError(f"the end of {text[:40]} is not within the years 1 to 9999") from error


def _day(found: re.Match[str]) -> date:
    year = int(found["year"])
    if found["month"]:
        return date(year, int(found["month"]), int(found["day"]))
    if found["week"]:
        return date.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
    first = date(year, 1, 1)
    day = date.fromordinal(first.toordinal() + int(found["day_of_year"]) - 1)
    if day.year != year:
        raise ValueError(f"{year} has no day {found['day_of_year']}")
    return day
