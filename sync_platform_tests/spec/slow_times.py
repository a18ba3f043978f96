"""What a text says as ISO 8601, read sign by sign with plain arithmetic: what spec.times is held
against. It knows neither regular expressions nor Python's own reader."""

from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction

DIGITS = "0123456789"
LENGTHS = (3600, 60, 1)  # of hours, minutes and seconds, in seconds


class Text:
    """A text that is taken apart from its beginning."""

    def __init__(self, text: str) -> None:
        self.left = text

    def takes(self, signs: str) -> str:
        """The next sign, where it is one of these."""
        taken = self.left[:1] if self.left and self.left[0] in signs else ""
        self.left = self.left[len(taken) :]
        return taken

    def number(self, width: int) -> int:
        taken = self.left[:width]
        if len(taken) != width or any(it not in DIGITS for it in taken):
            raise ValueError("no digits")
        self.left = self.left[width:]
        return int(taken)

    def digits(self) -> int:
        """How many come next."""
        return next((at for at, it in enumerate(self.left) if it not in DIGITS), len(self.left))


def slowly(written: str) -> datetime:
    """The moment in UTC; raises ValueError or OverflowError."""
    text = Text(written.strip())
    year, dash = text.number(4), text.takes("-")
    if not text.left and not dash:
        return datetime(year, 1, 1, tzinfo=UTC)
    if dash and len(text.left) == text.digits() == 2:
        return datetime(year, text.number(2), 1, tzinfo=UTC)
    day, plain = _day(text, year, dash)
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - its zone comes last
    if not text.left:
        return start.replace(tzinfo=UTC)
    if plain and dash and text.left[0] in "Zz+-":  # a day of a zone
        if text.left in ("Z", "z"):
            return start.replace(tzinfo=UTC)
        if len(text.left) != 6 or text.left[3] != ":":
            raise ValueError("a day's zone has hours and minutes")
        return _at(start, timedelta(0), text)
    unparted = plain and not dash and text.digits() >= 4
    if not text.takes("Tt ") and not unparted:
        raise ValueError("neither T nor a space")
    return _at(start, _time(text), text)


def _day(text: Text, year: int, dash: str) -> tuple[date, bool]:
    """The day, and whether it is one of a month."""
    first = date(year, 1, 1)
    if text.takes("Ww"):
        week, weekday = text.number(2), 1
        if dash and text.left[:1] == "-":
            text.takes("-")
            weekday = text.number(1)
        elif not dash and text.digits():
            weekday = text.number(1)
        if not 1 <= week <= 53 or not 1 <= weekday <= 7:
            raise ValueError("no week has it")
        fourth = date(year, 1, 4)  # is always in the first week
        monday = fourth - timedelta(fourth.weekday()) + timedelta(7 * (week - 1))
        if (monday + timedelta(3)).year != year:
            raise ValueError("the year has no such week")
        return monday + timedelta(weekday - 1), False
    if text.digits() == 3 or (not dash and text.digits() < 4):
        day = first + timedelta(text.number(3) - 1)
        if day.year != year:
            raise ValueError("the year has no such day")
        return day, False
    month = text.number(2)
    if dash and not text.takes("-"):
        raise ValueError("a dash is missing")
    return date(year, month, text.number(2)), True


def _time(text: Text) -> timedelta:
    numbers, colon = [text.number(2)], ""
    while len(numbers) < 3:
        if len(numbers) == 1:
            colon = text.takes(":")
            if not colon and not text.digits():
                break
        elif colon:
            if not text.takes(":"):
                break
        elif not text.digits():
            break
        numbers.append(text.number(2))
    parts = [*numbers, 0, 0][:3]
    exact = Fraction(sum(part * length for part, length in zip(parts, LENGTHS, strict=True)))
    if text.takes(".,"):
        width = text.digits()
        part = Fraction(text.number(width), 10**width) if width else None
        if part is None:
            raise ValueError("a fraction has digits")
        exact += part * LENGTHS[len(numbers) - 1]
    if parts[0] > 24 or parts[1] > 59 or parts[2] > 59 or exact > 86_400:
        raise ValueError("no day has it")
    return timedelta(microseconds=int(exact * 1_000_000))


def _at(start: datetime, time: timedelta, text: Text) -> datetime:
    """What is left is a zone."""
    if not text.left:
        return (start + time).replace(tzinfo=UTC)
    if text.left[0] == " ":
        text.takes(" ")
    if text.left in ("Z", "z"):
        return (start + time).replace(tzinfo=UTC)
    sign = text.takes("+-")
    if not sign:
        raise ValueError("no zone")
    hours, colon, rest = text.number(2), text.takes(":"), [0, 0]
    if colon or text.left:
        rest[0] = text.number(2)
        if text.left:
            if colon and not text.takes(":"):
                raise ValueError("a colon is missing")
            rest[1] = text.number(2)
    if text.left or hours > 23 or max(rest) > 59:
        raise ValueError("no zone has it")
    zone = timedelta(hours=hours, minutes=rest[0], seconds=rest[1])
    return (start + time).replace(tzinfo=timezone(-zone if sign == "-" else zone)).astimezone(UTC)
