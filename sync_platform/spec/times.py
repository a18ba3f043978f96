"""The few ways in which vendors write a moment. All moments here are aware; UTC goes out."""

from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_SECONDS = 100_000_000_000  # a number beyond it (year 5138) is milliseconds


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
    """The moment that a vendor wrote as ISO 8601 or as seconds or milliseconds since 1970, in UTC.

    A text without a zone is UTC. Raises ValueError where it is no moment between the years 1
    and 9999.
    """
    if isinstance(value, datetime):
        try:
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except OverflowError as error:  # year 1 east of Greenwich, the year 9999 west of it
            raise ValueError(f"{value} is not within the years 1 to 9999 in UTC") from error
    if isinstance(value, str):
        text = value.strip()
        if not text.lstrip("-").isdigit() or len(text) == 8:
            return moment(datetime.fromisoformat(text))
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a {type(value).__name__} is not a moment")
    try:
        if abs(value) >= LATEST_SECONDS:
            return EPOCH + timedelta(milliseconds=value)
        return EPOCH + timedelta(seconds=value)
    except OverflowError as error:
        raise ValueError(f"{value!r} is beyond the year 9999") from error
