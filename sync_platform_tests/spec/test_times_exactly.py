"""Which texts and digits are moments, exactly: what is nearly one is refused, and never another."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timezone
from decimal import Decimal
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from sync_platform import spec
from sync_platform.spec.times import day_of
from sync_platform_tests.spec.slow_times import slowly


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-01-31T12.5Z", "2024-01-31T12:30:00"),
        ("2024-01-31T12,25", "2024-01-31T12:15:00"),
        ("2024-01-31T12:30.5Z", "2024-01-31T12:30:30"),
        ("20240131T1230,5Z", "2024-01-31T12:30:30"),
        ("2024-01-31T12:59.99", "2024-01-31T12:59:59.400000"),
        ("2024-01-31T12:30:15,5Z", "2024-01-31T12:30:15.500000"),
        ("2024-01-31T12:30:15.123456789Z", "2024-01-31T12:30:15.123456"),
        ("2024-01-31T23.9999999999999999999999999", "2024-01-31T23:59:59.999999"),
        ("2024-01-31T24.0Z", "2024-02-01T00:00:00"),
    ],
)
def test_a_fraction_is_of_the_last_part(written: str, read: str) -> None:
    assert spec.moment(written) == at(read)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-01-31T12+02", "2024-01-31T10:00:00"),
        ("2024-01-31T12:00 +0200", "2024-01-31T10:00:00"),
        ("2024-01-31 12:00:00 +02:00", "2024-01-31T10:00:00"),
        ("2024-01-31T12:00:00 Z", "2024-01-31T12:00:00"),
        ("1893-03-31T12:00:00+00:53:28", "1893-03-31T11:06:32"),
        ("18930331T120000+005328", "1893-03-31T11:06:32"),
        ("2024-W05-3T12-02:30", "2024-01-31T14:30:00"),
    ],
)
def test_a_zone_may_be_written_in_several_ways(written: str, read: str) -> None:
    assert spec.moment(written) == at(read)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("20240131123000", "2024-01-31T12:30:00"),
        ("19700823062211", "1970-08-23T06:22:11"),
        ("99991231235959", "9999-12-31T23:59:59"),
        ("20240131123000.5", "2024-01-31T12:30:00.500000"),
        ("202401311230", "2024-01-31T12:30:00"),
        ("202401311230.5", "2024-01-31T12:30:30"),
        ("20240131123000Z", "2024-01-31T12:30:00"),  # LDAP
        ("20240131123000.0Z", "2024-01-31T12:30:00"),
        ("20240131123000+0100", "2024-01-31T11:30:00"),
        ("202401311230Z", "2024-01-31T12:30:00"),
        ("2024031", "2024-01-31T00:00:00"),
        (202401311230, "2024-01-31T12:30:00"),
        (202401311230.5, "2024-01-31T12:30:30"),
        (20240131123000.5, "2024-01-31T12:30:00.500000"),
        (99991231, "9999-12-31T00:00:00"),  # which many write for "never"
        (99991231235959, "9999-12-31T23:59:59"),
        (Decimal(99991231235959), "9999-12-31T23:59:59"),
        (9999, "9999-01-01T00:00:00"),
        ("21991231235959", "2199-12-31T23:59:59"),
        (18000101, "1800-01-01T00:00:00"),
        (21991231, "2199-12-31T00:00:00"),
        ("2024031T1230Z", "2024-01-31T12:30:00"),
        ("20240131.0", "2024-01-31T00:00:00"),
        (20240131, "2024-01-31T00:00:00"),
        (20240131.0, "2024-01-31T00:00:00"),
        (Decimal(20240131), "2024-01-31T00:00:00"),
        (20991231, "2099-12-31T00:00:00"),
        (1800, "1800-01-01T00:00:00"),
        (2199, "2199-01-01T00:00:00"),
        (2024, "2024-01-01T00:00:00"),
        (2024.0, "2024-01-01T00:00:00"),
        (20240131123000, "2024-01-31T12:30:00"),
    ],
)
def test_digits_of_a_calendar_are_no_count(written: Any, read: str) -> None:
    assert spec.moment(written) == at(read)
    assert day_of(written) == date.fromisoformat(read[:10])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (20240231, "1970-08-23T06:17:11"),
        (20240131.5, "1970-08-23T06:15:31.500000"),
        (17991231, "1970-07-28T05:33:51"),
        (22000101, "1970-09-12T15:08:21"),
        (99001231, "1973-02-19T20:20:31"),
        (9950, "1970-01-01T02:45:50"),
        (2024031, "1970-01-24T10:13:51"),  # a whole day in seconds may be 1987200
        (1987200, "1970-01-24T00:00:00"),
        (-20240131, "1969-05-11T17:44:29"),
        ("202400000000", "1976-05-31T14:13:20"),
        (202400000000, "1976-05-31T14:13:20"),
        (210001010000, "1976-08-27T13:36:50"),
        ("210001010000", "1976-08-27T13:36:50"),
        (99001231235959, "5107-03-24T14:00:35.959000"),
        ("99001231235959", "5107-03-24T14:00:35.959000"),
        ("32503680000000", "3000-01-01T00:00:00"),
        ("946684800000", "2000-01-01T00:00:00"),
    ],
)
def test_digits_that_no_calendar_has_count_since_1970(written: Any, read: str) -> None:
    assert spec.moment(written) == at(read)


@given(
    some.one_of(
        some.datetimes(datetime(1800, 1, 1), datetime(2199, 12, 31)),  # noqa: DTZ001
        some.datetimes(datetime(9999, 1, 1)),  # noqa: DTZ001
    )
)
def test_a_number_is_read_as_the_text_of_its_digits(moment: datetime) -> None:
    forms = ["%Y", "%Y%m%d", "%Y%m%d%H%M%S"]
    for form in [*forms, "%Y%m%d%H%M"] if 1900 <= moment.year < 2100 else forms:
        text = moment.strftime(form)
        assert spec.moment(int(text)) == spec.moment(float(text)) == slowly(text)
        assert spec.moment(text) == slowly(text)
        assert day_of(int(text)) == day_of(text)


@pytest.mark.parametrize("written", [20240131126000, 20240231123000, 202402301230])
def test_many_digits_that_look_like_a_calendars_are_refused_as_their_text_is(written: int) -> None:
    for given_ in (written, str(written), float(written)):
        for read in (spec.moment, day_of):
            with pytest.raises(ValueError):  # noqa: PT011 - whose words may be Python's
                read(given_)


@pytest.mark.parametrize(
    ("written", "day", "moment"),
    [
        ("2024-01-31+05:00", "2024-01-31", "2024-01-30T19:00:00"),
        ("2024-01-31-08:00", "2024-01-31", "2024-01-31T08:00:00"),
        (" 2024-01-31z ", "2024-01-31", "2024-01-31T00:00:00"),
    ],
)
def test_a_day_of_a_zone_is_that_day_and_begins_there(written: str, day: str, moment: str) -> None:
    assert day_of(written) == date.fromisoformat(day)
    assert spec.moment(written) == at(moment)


def test_a_day_of_a_zone_is_a_day_also_where_it_begins_before_all_years() -> None:
    assert day_of("0001-01-01+05:00") == date(1, 1, 1)
    with pytest.raises(ValueError, match="not within the years 1 to 9999"):
        spec.moment("0001-01-01+05:00")


@pytest.mark.parametrize(
    "written",
    [
        "2024-01-31-10",
        "2024-01-31-1230",
        "2024-01-31.12",
        "2024-01-31.5",
        "2024-01-01123",
        "2024-01-31x12:00:00",
        "2024-01-31_12:00:00",
        "2024-01-31T",
        "2024-01-31 +05:00",
        "2024-01-31+0500",
        "2024-02-30+05:00",
        "20240131+0500",
        "20240131Z",
        "20240231123000",
        "20240131246000",
        "20240231",
        "2024000",
        "2023366",
        "2024013112Z",
        "2024-01-31T1",
        "2024-01-31T12:3",
        "2024-01-31T12:00:00.",
        "2024-01-31T12.",
        "2024-01-31T12:00:00.5.5",
        "2024-01-31T12:0000",
        "2024-01-31T1200:00",
        "2024-0131",
        "2024-W053",
        "2024W05-3",
        "2024-W05-8",
        "2023-W53-1",
        "2024-01-31T24.5",
        "2024-01-31T24:00:00.0000000000000000000001",
        "2024-01-31T12:60",
        "2016-12-31T23:59:60Z",
        "2024-01-31T12:00:00+5",
        "2024-01-31T12:00:00+24:00",
        "2024-01-31T12:00:00+05:99",
        "2024-01-31T12:00:00+05:30.5",
        "2024-01-31T12:00:00  Z",
        "2024-01-31T12:00:00 UTC",
        "2024-01-31T12:00:00+01:00Z",
        "٢٠٢٤-01-31",
        "٢٠٢٤٠١٣١",
    ],
)
def test_what_is_nearly_a_moment_is_refused(written: str) -> None:
    for read in (spec.moment, day_of):
        with pytest.raises(ValueError):  # noqa: PT011 - whose words may be Python's
            read(written)


@pytest.mark.parametrize(
    "long",
    [
        "2024-01-31T{}",
        "2024-01-31T12.{}",
        "2024-01-31T12.{}x",
        "2024-01-31T12:00:00.{}-",
        "2024-01-31T24:00.{}",
        "20240131123000.{}",
        "20240131123000.{}-",
        "{}",
        "{}.5",
        "1.{}",
    ],
)
def test_a_text_of_millions_of_digits_is_told_in_a_moment(long: str) -> None:
    text = long.format("1" * 2_000_000)
    before = process_time()
    for read in (spec.moment, day_of):
        try:
            read(text)
        except ValueError as error:
            assert len(str(error)) < 200  # noqa: PT017 - some of them are moments
    assert process_time() - before < 2


ZONES = some.sampled_from(
    [UTC, *map(ZoneInfo, ("Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"))]
)
WRITERS: list[Callable[[datetime], str]] = [
    lambda it: it.isoformat(),
    lambda it: it.isoformat(" "),
    lambda it: it.isoformat(timespec="microseconds"),
    lambda it: it.isoformat().replace(".", ",").lower(),
    lambda it: it.strftime("%Y%m%dT%H%M%S.%f%z"),
    lambda it: it.strftime("%Y%m%d%H%M%S.%f%z"),
    lambda it: it.strftime("%G-W%V-%uT%H:%M:%S.%f %z"),
    lambda it: it.strftime("%GW%V%uT%H%M%S.%f%z"),
    lambda it: it.strftime("%Y-%j %H:%M:%S.%f%z"),
    lambda it: it.astimezone(UTC).isoformat().replace("+00:00", "Z"),
]


@given(
    some.datetimes(datetime(1000, 1, 3), datetime(9999, 12, 29), timezones=ZONES),  # noqa: DTZ001
    some.sampled_from(WRITERS),
)
def test_every_moment_comes_back_from_iso(
    moment: datetime, write: Callable[[datetime], str]
) -> None:
    zone = moment.utcoffset()
    assert zone is not None
    moment = moment.replace(tzinfo=timezone(zone))  # one that summer time skips has one meaning
    assert spec.moment(write(moment)) == slowly(write(moment)) == moment


@given(some.dates(date(1, 1, 4)))
def test_every_day_comes_back_from_iso(day: date) -> None:
    year, week, weekday = day.isocalendar()
    nth = day.toordinal() - date(day.year, 1, 1).toordinal() + 1
    for text in [
        day.isoformat(),
        day.isoformat().replace("-", ""),
        f"{year:04}-W{week:02}-{weekday}",
        f"{year:04}W{week:02}{weekday}",
        f"{day.year:04}-{nth:03}",
        f"{day.year:04}{nth:03}",
        f"{day.isoformat()}Z",
        f"{day.isoformat()}T00",
    ]:
        assert day_of(text) == spec.moment(text).date() == day
    assert day_of(f"{day.isoformat()}+14:00") == day_of(f"{day.isoformat()}-11:30") == day


FORMS = """2024-01-31T12:34:56.789Z 2024-01-31T12:34:56+05:30 20240131T123456.5-0800 20240131123456Z
    2024-W05-3T12:34 2024W053T12 2024-031T12.5 2024031T1230,5Z 2024-01-31+05:00 2024-02 2024-01-31
    2024-12-31T24:00:00Z 0001-01-01T00:00:00+01:00 9999-12-31T24:00 1893-04-01T00:00:00+00:53:28"""
SIGNS = "0123456789TtZzWw-+:., x\u0663"


@some.composite
def nearly_iso(draw: some.DrawFn) -> str:
    text = draw(some.sampled_from(FORMS.split()))
    for _ in range(draw(some.integers(0, 3))):
        at = draw(some.integers(0, len(text)))
        signs = draw(some.text(SIGNS, max_size=2))
        text = text[:at] + signs + text[at + draw(some.integers(0, 2)) :]
    return text


@settings(max_examples=1500, deadline=None)
@given(nearly_iso().filter(lambda text: not text.strip().lstrip("-").replace(".", "").isdecimal()))
@example("2024-01-31T12:00:00+0530:")
@example("2024-01-31T12:00+0530 ")
def test_what_is_nearly_iso_is_refused_or_means_what_it_says(text: str) -> None:
    try:
        expected = slowly(text)
    except (ValueError, OverflowError):
        with pytest.raises(ValueError):  # noqa: PT011 - whose words may be Python's
            spec.moment(text)
    else:
        assert spec.moment(text) == spec.moment(text, "ms") == expected
