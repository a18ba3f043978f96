"""Values in words."""

from datetime import UTC, datetime, timedelta

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.overview import Condition
from sync_platform.engine.requested import AskedStatus
from sync_platform.engine.results import SyncStatus
from sync_platform.web import showing

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "past", "future"),
    [
        (-5, "just now", "due now"),
        (3, "just now", "due now"),
        (60, "a minute ago", "in a minute"),
        (12 * 60, "12 minutes ago", "in 12 minutes"),
        (5400, "2 hours ago", "in 2 hours"),
        (86_400, "yesterday", "tomorrow"),
        (3 * 86_400, "3 days ago", "in 3 days"),
        (40 * 86_400, "2026-10-12", "in 40 days"),
    ],
)
def test_moments_are_told_by_their_distance(seconds: int, past: str, future: str) -> None:
    assert showing.age(NOON - timedelta(seconds=seconds), NOON) == past
    assert showing.ahead(NOON + timedelta(seconds=seconds), NOON) == future


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, ""),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float | None, told: str) -> None:
    assert showing.duration(seconds) == told


def test_spans_counts_and_sizes() -> None:
    assert showing.span(timedelta(minutes=15)) == "15 minutes"
    assert showing.span(timedelta(days=1, hours=2)) == "1 day 2 hours"
    assert showing.minutes(timedelta(seconds=90)) == "1.5"
    assert showing.counted(1, "record") == "1 record"
    assert showing.counted(1500, "record") == "1,500 records"
    assert [showing.size(each) for each in (0, 830, 1234, 117_000, 2.5e9)] == [
        "0 B",
        "830 B",
        "1.2 kB",
        "117 kB",
        "2.5 GB",
    ]


def test_every_state_has_a_word() -> None:
    states = [*Condition, *SyncStatus, *AskedStatus]
    assert all(showing.shown(state).word for state in states)
    assert showing.shown(Condition.NEEDS_REAUTH).word == "Needs a new sign-in"


def test_what_a_sync_reads() -> None:
    assert showing.asked(SyncMode.FULL, None) == "Everything"
    assert showing.asked(SyncMode.INCREMENTAL, None, NOON) == "Everything"
    assert showing.asked(SyncMode.INCREMENTAL, NOON) == "What changed"
    assert showing.asked(SyncMode.COMPUTED, None) == "Computed fields"
    assert showing.asked(SyncMode.FROM_DATE, NOON) == "From 2026-11-21"
