from datetime import timedelta
from email.utils import format_datetime

import pytest

from sync_platform.transport.pace import asked_to_wait, until_reset
from sync_platform_tests.fakes import NOON


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 1.5 ", 1.5),
        ("0", 0),
        ("-3", 0),
        (format_datetime(NOON + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOON - timedelta(minutes=2), usegmt=True), 0),
        ("99999999999", 86_400),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 +9999999999999999", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert asked_to_wait({"retry-after": text}, NOON) == seconds


def test_no_retry_after_asks_for_nothing() -> None:
    assert asked_to_wait({}, NOON) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (
            {
                "x-hubspot-ratelimit-remaining": "0",
                "x-hubspot-ratelimit-interval-milliseconds": "10000",
            },
            10,
        ),
        (
            {
                "x-hubspot-ratelimit-remaining": "1",
                "x-hubspot-ratelimit-interval-milliseconds": "10000",
            },
            None,
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON.timestamp() + 45)}, 45),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON.timestamp() * 1000)}, 0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "5"}, 5),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9e8"}, 86_400),
        ({"ratelimit-remaining": "0"}, None),
        ({"ratelimit-remaining": "none", "ratelimit-reset": "5"}, None),
        ({}, None),
    ],
)
def test_headers_tell_how_long_nothing_is_left(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert until_reset(headers, NOON) == seconds
