from datetime import timedelta
from typing import Any

import pytest

from sync_platform.engine.renewal import due, ended, idle_due

NOW = 1_000_000.0
HOUR, DAY = 3600.0, 86_400.0


def token(renewed: float, ends: float | None, **more: Any) -> dict[str, Any]:
    """An access token that was renewed and ends so many seconds from now."""
    expires_at = None if ends is None else NOW + ends
    return {"access_token": "x", "renewed_at": NOW + renewed, "expires_at": expires_at, **more}


@pytest.mark.parametrize(
    ("secret", "is_due"),
    [
        (token(-HOUR, +HOUR), False),
        (token(-HOUR, 301.0), False),
        (token(-HOUR, 299.0), True),  # five minutes early
        (token(-540.0, 61.0), False),
        (token(-540.0, 59.0), True),  # a tenth of ten minutes
        (token(-9.0, 1.1), False),
        (token(-9.0, 0.9), True),
        (token(-HOUR, -1.0), True),
        (token(-HOUR, None), False),  # until the vendor refuses it
        ({"access_token": "x", "expires_at": NOW + 61}, False),
        ({"access_token": "x", "expires_at": NOW + 59}, True),
        ({"access_token": "x", "expires_at": "tomorrow"}, False),
        ({"refresh_token": "x"}, True),
    ],
)
def test_a_token_is_renewed_before_it_ends(secret: dict[str, Any], is_due: bool) -> None:
    assert due(secret, NOW) is is_due


def test_a_token_that_is_due_may_still_be_good() -> None:
    assert not ended(token(-HOUR, 1.0), NOW)
    assert ended(token(-HOUR, 0.0), NOW)


@pytest.mark.parametrize(
    ("secret", "days", "is_due"),
    [
        (token(-29 * DAY, 0, refresh_token="r"), 60, False),
        (token(-30 * DAY, 0, refresh_token="r"), 60, True),
        (token(-300 * DAY, 0, refresh_token="r"), None, False),
        (token(-300 * DAY, 0), 60, False),
        (token(-6 * DAY, 0, refresh_token="r", refresh_expires_at=NOW + 5 * DAY), 60, True),
        (token(-6 * DAY, 0, refresh_token="r", refresh_expires_at=NOW + 7 * DAY), None, False),
        ({"refresh_token": "r"}, 60, True),
        ({"refresh_token": "r"}, None, False),
        ({"token": "t"}, 60, False),
    ],
)
def test_a_refresh_token_is_used_at_half_of_its_life(
    secret: dict[str, Any], days: int | None, is_due: bool
) -> None:
    lasts = None if days is None else timedelta(days=days)
    assert idle_due(secret, lasts, NOW) is is_due
