from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sync_platform import spec
from sync_platform.spec.times import EpochUnit, day_of

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
        "2024",
        "2024-01",
        "2024-001",
        "2024-W01-1",
        "2024-w01-1",
        "2024-W01",
        "2023-365T24:00",
        "2023-12-31T24:00:00Z",
        "2023-12-31T24:00:00.000Z",
        "2023-12-31 24:00:00",
        "2023-12-31t24:00:00z",
        "20231231T240000Z",
        "2023-12-31T24:00:00+00:00",
        "2024-01-01t00:00:00z",
        "2024-01-01T00:00:00.000z",
        " 2024-01-01T00:00:00Z ",
        "1704067200",
        "1704067200.0",
        "1704067200000",
        "1704067200000000",
        "1704067200000000000",
        1704067200,
        1704067200000,
        1704067200000000,
        1704067200000000000,
        1704067200.0,
        1.7040672e18,
        Decimal("1704067200.0000000001"),
        JAN_1,
        JAN_1.replace(tzinfo=None),
        JAN_1.astimezone(BERLIN),
    ],
)
def test_vendors_write_the_same_moment_in_many_ways(written: Any) -> None:
    assert spec.moment(written) == JAN_1
    assert spec.moment(written).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-366", "2024-12-31T00:00:00"),
        ("2024-060T12:30:00+01:00", "2024-02-29T11:30:00"),
        ("9999-365", "9999-12-31T00:00:00"),
        ("2024-W05-3", "2024-01-31T00:00:00"),
        ("2024-02-28T24:00:00Z", "2024-02-29T00:00:00"),
        ("2024-01-01T24:00:00+02:00", "2024-01-01T22:00:00"),
        ("1704067200.5", "2024-01-01T00:00:00.500000"),
        ("-0.5", "1969-12-31T23:59:59.500000"),
        ("1704067200000.5", "2024-01-01T00:00:00.000500"),
        ("1704067200000001", "2024-01-01T00:00:00.000001"),
        (1704067200000001999, "2024-01-01T00:00:00.000001"),
        (-1000000000000000, "1938-04-24T22:13:20"),
        ("-2024", "1969-12-31T23:26:16"),
        ("-1234567", "1969-12-17T17:03:53"),
        ("12345", "1970-01-01T03:25:45"),
        (1799, "1970-01-01T00:29:59"),
        (2200, "1970-01-01T00:36:40"),
        (2024.5, "1970-01-01T00:33:44.500000"),
        (99_999_999_999, "5138-11-16T09:46:39"),
        (100_000_000_000, "1973-03-03T09:46:40"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999000"),
        (253_402_214_399, "1978-01-11T21:30:14.399000"),
        (253_402_214_400, "9999-12-31T00:00:00"),  # which many write for "never", in seconds
        (253_402_300_799, "9999-12-31T23:59:59"),
        ("253402300799", "9999-12-31T23:59:59"),
        (253_402_300_799.5, "9999-12-31T23:59:59.500000"),
        (253_402_300_800, "1978-01-11T21:31:40.800000"),
        (10**15, "2001-09-09T01:46:40"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999"),
        (10**18, "2001-09-09T01:46:40"),
        (2**63 - 2, "2262-04-11T23:47:16.854775"),
    ],
)
def test_a_moment_is_read_to_the_microsecond(written: Any, read: str) -> None:
    assert spec.moment(written) == datetime.fromisoformat(f"{read}+00:00")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        (1704067200, "2024-01-01"),
        ("1704067200", "2024-01-01"),
        (1704067200.5, "2024-01-01"),
        (Decimal("1704067200.1234567891"), "2024-01-01"),
        ("1704067200.5", "2024-01-01"),
        (1704067200000, "2024-01-01"),
        (1704067200000000, "2024-01-01"),
        ("1704067200000000000", "2024-01-01"),
        (1704110400000, "2024-01-01"),  # noon
        (0, "1970-01-01"),
        ("0", "1970-01-01"),
        (1_728_000_000, "2024-10-04"),  # 20 days in milliseconds, but 20,000 in seconds
        ("1728000000", "2024-10-04"),
        (1_728_000_000.0, "2024-10-04"),
        ("172800000", "1975-06-24"),
        ("-86400000", "1967-04-07"),
        (86_400_000, "1972-09-27"),
        (86_400_001, "1972-09-27"),
        (-86_400, "1969-12-31"),
        (253_402_214_400_000, "9999-12-31"),
        ("2024", "2024-01-01"),
        ("1970", "1970-01-01"),
        ("2024-02", "2024-02-01"),
        ("2024-060", "2024-02-29"),
        ("2024-W05-3", "2024-01-31"),
        ("2024-01-01T24:00:00Z", "2024-01-02"),
        ("2024-01-01t23:30:00z", "2024-01-01"),
        ("2024-01-01T23:30:00-01:00", "2024-01-02"),
        ("20240101", "2024-01-01"),
        (" 2024-01-01 ", "2024-01-01"),
        (date(2024, 1, 1), "2024-01-01"),
        (datetime(2024, 1, 1, 23, 30, tzinfo=timezone(timedelta(hours=-1))), "2024-01-02"),
    ],
)
def test_vendors_write_a_day_in_many_ways(written: Any, day: str) -> None:
    assert day_of(written) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("written", "unit", "read"),
    [
        (1_728_000_000, "s", "2024-10-04T00:00:00"),
        (1_728_000_000, "ms", "1970-01-21T00:00:00"),
        ("1728000000", "s", "2024-10-04T00:00:00"),
        (" 1728000000 ", "ms", "1970-01-21T00:00:00"),
        ("1728000000.5", "s", "2024-10-04T00:00:00.500000"),
        (Decimal("1728000000.5"), "s", "2024-10-04T00:00:00.500000"),
        (1728000000000.5, "ms", "2024-10-04T00:00:00.000500"),
        (-315_619_200_000, "ms", "1960-01-01T00:00:00"),
        ("-86400000", "ms", "1969-12-31T00:00:00"),
        (0, "ms", "1970-01-01T00:00:00"),
        ("86400000", "ms", "1970-01-02T00:00:00"),  # eight digits, as many as a day has
        ("20240101", "s", "1970-08-23T06:15:01"),
        (20240101, "s", "1970-08-23T06:15:01"),
        ("2024", "s", "1970-01-01T00:33:44"),  # as many as a year has
        (2024, "s", "1970-01-01T00:33:44"),
        ("2024031", "s", "1970-01-24T10:13:51"),
        ("202401311230", "ms", "1976-05-31T14:35:11.230000"),
        ("20240131123000", "ms", "2611-05-21T18:38:43"),
        (20240131123000, "ms", "2611-05-21T18:38:43"),
        (253_402_300_799, "ms", "1978-01-11T21:31:40.799000"),
        (99_999_999_999, "ms", "1973-03-03T09:46:39.999000"),
        (100_000_000_000, "s", "5138-11-16T09:46:40"),
        (253_402_300_799_999, "ms", "9999-12-31T23:59:59.999000"),
        (-62_135_596_800, "s", "0001-01-01T00:00:00"),
        ("2024-10-04", "ms", "2024-10-04T00:00:00"),
        ("2024-10", "ms", "2024-10-01T00:00:00"),
        ("2024-10-04T02:00:00+02:00", "s", "2024-10-04T00:00:00"),
        ("20241004T000000Z", "s", "2024-10-04T00:00:00"),
        (datetime(2024, 10, 4, tzinfo=UTC), "s", "2024-10-04T00:00:00"),
    ],
)
def test_where_a_unit_is_declared_digits_count_it_and_nothing_else(
    written: Any, unit: EpochUnit, read: str
) -> None:
    assert spec.moment(written, unit) == datetime.fromisoformat(f"{read}+00:00")
    assert day_of(written, unit) == date.fromisoformat(read[:10])


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        (1_728_000_000_000, "s"),  # the year 56,728
        ("253402300800", "s"),
        (253_402_300_800_000, "ms"),
        (1_728_000_000_000_000, "ms"),
        (2**63, "s"),
        (10**4000, "ms"),
        (float("nan"), "s"),
        (float("-inf"), "ms"),
        (Decimal("1e400"), "s"),
        (True, "s"),
        ("", "ms"),
        ("soon", "ms"),
        (None, "ms"),
        (1, "us"),
    ],
)
def test_what_is_no_moment_in_its_unit_is_not_tried_in_another(written: Any, unit: Any) -> None:
    for read in (spec.moment, day_of):
        with pytest.raises(ValueError):  # noqa: PT011 - whose words may be Python's
            read(written, unit)


@pytest.mark.parametrize(
    "written",
    [
        None,
        True,
        "86400000",  # eight digits are a day, and this is none
        "",
        "yesterday",
        "²",
        {},
        [],
        float("nan"),
        float("inf"),
        1e30,
        Decimal("9" * 5000),
        Decimal("1E+999999"),
        Decimal("NaN"),
        Decimal("sNaN"),
        "9" * 40,
        "9" * 5000,
        "9" * 5000 + ".5",
        253_402_300_800_000,  # the year 10000 in milliseconds, and 1978 in microseconds
        10**15 - 1,
        253_402_300_800_000_000,
        10**18 - 1,
        2**63 - 1,
        -(2**63),
        -(10**14),  # before the year 1, in milliseconds
        "0000",
        "0000-01",
        "0000-001",
        "0000-01-01",
        "00000000",
        "2024-13",
        "2024-000",
        "2023-366",
        "9999-366",
        "2024-1",
        "2024-0010",
        "2024-W54-1",
        "2024-01-01T24:00:01Z",
        "2024-01-01T24:01Z",
        "2024-01-01T25:00Z",
        "2024-02-30T24:00Z",
        "9999-12-31T24:00:00Z",
        "1704067200.",
        ".5",
        "--5",
        "1.7e9",
        "٢٠٢٤",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_what_is_no_moment_is_a_value_error(written: Any) -> None:
    for read in (spec.moment, day_of):
        with pytest.raises(ValueError):  # noqa: PT011 - whose words may be Python's
            read(written)


def test_what_is_nested_however_deeply_is_no_moment_either() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="a list is not a moment"):
        spec.moment(deep)


@given(some.timedeltas(timedelta(days=10 * 366), timedelta(days=570 * 365)))
def test_what_goes_out_comes_back_to_the_millisecond(since_1970: timedelta) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + since_1970
    to_the_ms = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert spec.moment(spec.iso(moment)) == to_the_ms
    assert spec.moment(spec.epoch_ms(moment)) == to_the_ms
    assert spec.moment(spec.epoch_s(moment)) == moment.replace(microsecond=0)


@given(some.datetimes(timezones=some.just(UTC)))
def test_in_a_declared_unit_every_moment_comes_back(moment: datetime) -> None:
    to_the_ms = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    to_the_s = moment.replace(microsecond=0)
    for ms, s in [
        (spec.epoch_ms(moment), spec.epoch_s(moment)),
        (f"{spec.epoch_ms(moment)}", f"{spec.epoch_s(moment)}"),
    ]:
        assert spec.moment(ms, "ms") == to_the_ms
        assert spec.moment(s, "s") == to_the_s
        assert day_of(ms, "ms") == day_of(s, "s") == moment.date()
    assert spec.moment(spec.iso(moment), "s") == to_the_ms


@given(some.integers(-719_162, 1_157_407))  # from the year 1 on; more are milliseconds
def test_whole_days_in_seconds_are_days_without_a_unit_too(days: int) -> None:
    assert day_of(days * 86_400) == day_of(days * 86_400, "s")
    assert day_of(days * 86_400) == spec.moment(days * 86_400).date()
