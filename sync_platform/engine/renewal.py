"""When a sign-in is to be renewed: all the arithmetic of tokens' lives. Moments are in seconds
since 1970, as secrets keep them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

EARLY = 300.0  # seconds before an access token ends
SHARE = 0.1  # of its life; the smaller of the two counts
EARLY_UNKNOWN = 60.0  # seconds, where it is not known how long it lives
IDLE_SHARE = 0.5  # of a refresh token's life, after which it is used though nobody needs it


def ended(secret: Mapping[str, Any], now: float) -> bool:
    """Whether the access token is over, as far as the vendor said when it ends."""
    expires_at = _moment(secret, "expires_at")
    return not secret.get("access_token") or (expires_at is not None and now >= expires_at)


def due(secret: Mapping[str, Any], now: float) -> bool:
    """Whether the access token is missing, over, or soon to be."""
    if ended(secret, now):
        return True
    expires_at, renewed_at = _moment(secret, "expires_at"), _moment(secret, "renewed_at")
    if expires_at is None:
        return False
    early = EARLY_UNKNOWN if renewed_at is None else min(EARLY, SHARE * (expires_at - renewed_at))
    return now >= expires_at - early


def idle_due(secret: Mapping[str, Any], refresh_lasts: timedelta | None, now: float) -> bool:
    """Whether half of the refresh token's life has passed without it being used.

    The vendor's own word on that life, where the token's answer had one, counts more than
    `refresh_lasts`; without either it lasts for ever.
    """
    renewed_at = _moment(secret, "renewed_at")
    if not secret.get("refresh_token") or renewed_at is None:
        return bool(secret.get("refresh_token")) and refresh_lasts is not None
    ends = _moment(secret, "refresh_expires_at")
    if ends is None:
        if refresh_lasts is None:
            return False
        ends = renewed_at + refresh_lasts.total_seconds()
    return now >= renewed_at + IDLE_SHARE * (ends - renewed_at)


def _moment(secret: Mapping[str, Any], name: str) -> float | None:
    value = secret.get(name)
    return float(value) if isinstance(value, int | float) else None
