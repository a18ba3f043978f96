"""What the headers of an answer say about pace, in seconds from now. What is no number is ignored.

Vendors differ: HubSpot tells the length of its window in milliseconds, GitHub and others the second
of the reset since 1970, the IETF's draft the seconds until then.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

A_DAY = 86_400.0  # no vendor's window is longer; what says so is garbage
SINCE_1970 = 1e9  # a greater number is a moment, not a span
SINCE_1970_MS = 1e11  # and beyond this one, in milliseconds


def asked_to_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """The vendor's `Retry-After`, as seconds or as a date; None where there is none."""
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None and text:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return None if seconds is None else min(max(0.0, seconds), A_DAY)


def until_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """The time until calls are allowed again, where the headers say that none are left."""
    for remaining, reset, seconds_of in SHAPES:
        if remaining not in headers:
            continue
        left = _number(headers[remaining])
        if left is None or left >= 1:
            continue
        number = _number(headers.get(reset, ""))
        if number is not None:
            return min(max(0.0, seconds_of(number, now)), A_DAY)
    return None


def _milliseconds(number: float, now: datetime) -> float:
    return number / 1000


def _span_or_moment(number: float, now: datetime) -> float:
    if number >= SINCE_1970_MS:
        return number / 1000 - now.timestamp()
    return number - now.timestamp() if number >= SINCE_1970 else number


SHAPES: tuple[tuple[str, str, Callable[[float, datetime], float]], ...] = (
    (
        "x-hubspot-ratelimit-remaining",
        "x-hubspot-ratelimit-interval-milliseconds",
        _milliseconds,
    ),
    ("x-ratelimit-remaining", "x-ratelimit-reset", _span_or_moment),
    ("ratelimit-remaining", "ratelimit-reset", _span_or_moment),
)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
