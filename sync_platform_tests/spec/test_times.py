from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sync_platform import spec

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=1))


def test_moments_go_out_in_utc_with_milliseconds() -> None:
    assert spec.iso(datetime(2024, 1, 1, 1, 2, 3, 456_789, BERLIN)) == "2024-01-01T00:02:03.456Z"
    assert spec.epoch_ms(JAN_1 + timedelta(microseconds=1999)) == 1704067200001
    assert spec.epoch_s(JAN_1 + timedelta(milliseconds=1999)) == 1704067201


def test_times_before_1970_are_rounded_down_too() -> None:
    before = datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)
    assert spec.epoch_ms(before) == -1
    assert spec.epoch_s(before) == -1


@pytest.mark.parametrize(
    "written",
    [
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00.000Z",
        "2024-01-01T01:00:00+01:00",
        "2024-01-01 00:00:00",
        "2024-01-01",
        "20240101",
        " 2024-01-01T00:00:00Z ",
        "1704067200",
        "1704067200000",
        1704067200,
        1704067200000,
        1704067200.0,
        JAN_1,
        JAN_1.replace(tzinfo=None),
        JAN_1.astimezone(BERLIN),
    ],
)
def test_vendors_write_the_same_moment_in_many_ways(written: Any) -> None:
    assert spec.moment(written) == JAN_1
    assert spec.moment(written).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "written",
    [
        None,
        True,
        "",
        "yesterday",
        "²",
        {},
        [],
        float("nan"),
        float("inf"),
        1e30,
        "9" * 40,
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_what_is_no_moment_is_a_value_error(written: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whose words may be Python's
        spec.moment(written)


def test_what_is_nested_however_deeply_is_no_moment_either() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="a list is not a moment"):
        spec.moment(deep)


@given(some.timedeltas(timedelta(days=4 * 366), timedelta(days=3000 * 365)))
def test_what_goes_out_comes_back_to_the_millisecond(since_1970: timedelta) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + since_1970
    to_the_ms = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert spec.moment(spec.iso(moment)) == to_the_ms
    assert spec.moment(spec.epoch_ms(moment)) == to_the_ms
    assert spec.moment(spec.epoch_s(moment)) == moment.replace(microsecond=0)
