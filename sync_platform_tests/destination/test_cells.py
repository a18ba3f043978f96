from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_platform.destination import cells
from sync_platform.destination.cells import MISFITS, NULL
from sync_platform.destination.columns import wider
from sync_platform.destination.page_cells import COLUMNS
from sync_platform.spec import Field, FieldType
from sync_platform.transport.answers import decoded
from sync_platform_tests.destination.tables import load, select

FIT: list[tuple[Callable[[Any], str], Any, str]] = [
    (cells.integer, 5, "5"),
    (cells.integer, 5.0, "5"),
    (cells.integer, "007", "7"),
    (cells.integer, "-12", "-12"),
    (cells.integer, " 12 ", "12"),
    (cells.integer, "5.0", "5"),
    (cells.integer, "9223372036854775807", "9223372036854775807"),
    (cells.integer, -(2**63), "-9223372036854775808"),
    (cells.integer, "", NULL),
    (cells.integer, None, NULL),
    (cells.number, 1.5, "1.5"),
    (cells.number, "1.10", "1.10"),
    (cells.number, Decimal("1E+3"), "1E+3"),
    (cells.number, 10**30, str(10**30)),
    (cells.number, "5.", "5"),
    (cells.number, "-.5E2", "-5E+1"),
    (cells.number, Decimal("7" * 900), "7" * 900),
    (cells.number, "", NULL),
    (cells.boolean, True, "true"),
    (cells.boolean, "FALSE", "false"),
    (cells.boolean, 0, "false"),
    (cells.boolean, "1", "true"),
    (cells.boolean, "", NULL),
    (cells.day, "2024-02-29", "2024-02-29"),
    (cells.day, date(2024, 1, 2), "2024-01-02"),
    (cells.day, "2024-01-02T23:30:00-05:00", "2024-01-03"),
    (cells.day, 1_728_000_000, "2024-10-04"),
    (cells.day, "1728000000", "2024-10-04"),
    (partial(cells.day, epoch="ms"), 86_400_000, "1970-01-02"),
    (partial(cells.day, epoch="ms"), "-86400000", "1969-12-31"),
    (partial(cells.day, epoch="ms"), "2024-02-29", "2024-02-29"),
    (partial(cells.day, epoch="s"), "20240101", "1970-08-23"),
    (partial(cells.day, epoch="s"), "", NULL),
    (cells.day, 1704067200, "2024-01-01"),
    (cells.day, "1704067200", "2024-01-01"),
    (cells.day, 1704067200.5, "2024-01-01"),
    (cells.day, 10**18, "2001-09-09"),
    (cells.day, "2024", "2024-01-01"),
    (cells.day, "2024-01", "2024-01-01"),
    (cells.day, "2024-001", "2024-01-01"),
    (cells.day, "2024-W05-3", "2024-01-31"),
    (cells.day, "2024-01-01T24:00:00Z", "2024-01-02"),
    (cells.day, "", NULL),
    (cells.timestamp, "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z"),
    (cells.timestamp, "2024-01-01 02:00+02:00", "2024-01-01T00:00:00+00:00"),
    (cells.timestamp, "2024-W01-1T00:00:00.000Z", "2024-01-01T00:00:00+00:00"),
    (cells.timestamp, 1704067200000, "2024-01-01T00:00:00+00:00"),
    (cells.timestamp, 1704067200000000, "2024-01-01T00:00:00+00:00"),
    (cells.timestamp, "1704067200.5", "2024-01-01T00:00:00.500000+00:00"),
    (cells.timestamp, "2024", "2024-01-01T00:00:00+00:00"),
    (cells.timestamp, "2024-01-01T24:00:00.000Z", "2024-01-02T00:00:00+00:00"),
    (cells.timestamp, "2024-01-01t00:00:00.000z", "2024-01-01T00:00:00+00:00"),
    (cells.timestamp, datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+00:00"),
    (cells.timestamp, date(2024, 1, 1), "2024-01-01T00:00:00+00:00"),
    (partial(cells.timestamp, epoch="ms"), 86_400_000, "1970-01-02T00:00:00+00:00"),
    (partial(cells.timestamp, epoch="ms"), "-1", "1969-12-31T23:59:59.999000+00:00"),
    (partial(cells.timestamp, epoch="s"), 1_728_000_000, "2024-10-04T00:00:00+00:00"),
    (partial(cells.timestamp, epoch="s"), date(2024, 1, 1), "2024-01-01T00:00:00+00:00"),
    (partial(cells.timestamp, epoch="s"), None, NULL),
    (cells.timestamp, "", NULL),
    (cells.json_value, {"a": [1, None]}, '{"a":[1,null]}'),
    (cells.json_value, 2**70, str(2**70)),
    (cells.json_value, {"a": Decimal("1234567890123456.78")}, '{"a":1234567890123456.78}'),
    (cells.json_value, ['é"', Decimal("1E+3"), 2**70], f'["é\\\\"",1000,{2**70}]'),
    (cells.json_value, "a\\u0000b", '"a' + "\\" * 4 + 'u0000b"'),
    (cells.json_value, "", NULL),
    (cells.text_cell, "", ""),
    (cells.text_cell, "\\N", "\\\\N"),
    (cells.text_cell, "a\tb\nc\rd", "a\\tb\\nc\\rd"),
    (cells.text_cell, {"a": 1}, '{"a":1}'),
    (cells.text_cell, True, "true"),
    (cells.text_cell, 1.0, "1.0"),
    (cells.text_cell, Decimal("0.000000012345678901234567"), "0.000000012345678901234567"),
    (cells.text_cell, None, NULL),
]

MISFIT: list[tuple[Callable[[Any], str], Any]] = [
    (cells.integer, 2**63),
    (cells.integer, "9223372036854775808"),
    (cells.integer, 1.5),
    (cells.integer, True),
    (cells.integer, "1_000"),
    (cells.integer, "٣"),
    (cells.integer, [1]),
    (cells.integer, float("nan")),
    (cells.number, float("inf")),
    (cells.number, "NaN"),
    (cells.number, "Infinity"),
    (cells.number, "1e99999"),
    (cells.number, "1e-99999"),
    (cells.number, "1,5"),
    (cells.number, False),
    (cells.number, Decimal("7" * 5000)),
    (cells.number, "."),
    (cells.json_value, [Decimal("7" * 5000)]),
    (cells.json_value, [2**70, Decimal("7" * 5000)]),
    (cells.json_value, Decimal("1e-999999999")),
    (cells.json_value, Decimal("Infinity")),
    (cells.text_cell, Decimal("1e999999999")),
    (cells.day, "2024-02-30"),
    (cells.day, "2024-W1-1"),
    (cells.day, 10**20),
    (cells.day, "0000"),
    (cells.day, "0000-01-01"),
    (cells.day, True),
    (cells.timestamp, "2024-01-01T00:00:00.000X"),
    (cells.timestamp, "10000-01-01T00:00:00Z"),
    (cells.timestamp, "0001-01-01T00:00:00+05:00"),
    (cells.timestamp, 10**20),
    (cells.timestamp, "0000"),
    (cells.timestamp, "9999-12-31T24:00:00.000Z"),
    (cells.timestamp, "soon"),
    (cells.timestamp, "infinity"),
    (partial(cells.timestamp, epoch="s"), 1_728_000_000_000),
    (partial(cells.day, epoch="ms"), 1_728_000_000_000_000),
    (cells.json_value, {"a": "\0"}),
    (cells.json_value, "\ud800"),
    (cells.json_value, [float("nan")]),
    (cells.json_value, object()),
    (cells.text_cell, "a\0"),
    (cells.text_cell, "\udfff"),
    (cells.text_cell, b"bytes"),
    (cells.text_cell, float("nan")),
]


@pytest.mark.parametrize(("cell", "value", "written"), FIT)
def test_a_value_that_fits_is_written(cell: Callable[[Any], str], value: Any, written: str) -> None:
    assert cell(value) == written


@pytest.mark.parametrize(("cell", "value"), MISFIT)
def test_a_value_that_does_not_fit_is_told(cell: Callable[[Any], str], value: Any) -> None:
    with pytest.raises(MISFITS):
        cell(value)


@pytest.mark.parametrize("value", ["yes", 2, [], {}, 0.5])
def test_what_is_neither_true_nor_false_is_told_so(value: Any) -> None:
    with pytest.raises(ValueError, match="it is neither true nor false"):
        cells.boolean(value)


def test_json_nested_too_deeply_is_told() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for cell in (cells.json_value, cells.text_cell):
        with pytest.raises(ValueError, match="nested more than 1,000 levels deep"):
            cell(deep)


def test_json_with_more_values_than_jsonb_holds_is_told() -> None:
    assert cells.json_value([0] * 2**23) == f"[{'0,' * (2**23 - 1)}0]"
    for many in ([0] * (2**23 + 1), ["x" * 2**28]):
        with pytest.raises(ValueError, match="more than jsonb holds"):
            cells.json_value(many)
        with pytest.raises(ValueError, match="more than jsonb holds"):
            COLUMNS["json"]([many])


@pytest.mark.parametrize("value", ["9" * 10**6 + "x", "." + "9" * 10**6 + ".", "9" * 10**6 + "e1e"])
def test_a_long_text_that_is_nearly_a_number_is_told_in_a_moment(value: str) -> None:
    for cell in (cells.integer, cells.number):
        with pytest.raises(ValueError, match="it is not a number"):
            cell(value)


KEPT = [Field("id"), Field("n", "number"), Field("t"), Field("j", "json")]


def kept(database: str, numbers: Sequence[str]) -> list[Any]:
    """What a table has of numbers that came as JSON: (number, text, JSON), each as it is shown."""
    rows = [f'{{"id": "{n}", "n": {it}, "t": {it}, "j": [{it}]}}' for n, it in enumerate(numbers)]
    page = decoded(f"[{','.join(rows)}]".encode())
    assert load(database, *page, fields=KEPT).rejected == 0
    table = "acme.contacts WHERE id::int < %s ORDER BY id::int"
    return select(database, f"SELECT n::text, t, (j -> 0)::text FROM {table}", [len(numbers)])


def test_numbers_with_a_point_come_to_the_table_as_they_were_written(database: str) -> None:
    numbers = ["1234567890123456.78", "12345678901234567890.5", "-0.00000000123456789012345678"]
    numbers += ["0.12345678901234567", "9007199254740993.0", "33.333333333333336"]
    assert kept(database, numbers) == [(it, it, it) for it in numbers]


DECIMALS = st.from_regex(r"-?(0|[1-9][0-9]{0,19})\.[0-9]{1,20}", fullmatch=True)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(numbers=st.lists(DECIMALS, min_size=1, max_size=50))
def test_any_number_of_up_to_40_digits_is_the_same_in_the_table(
    database: str, numbers: list[str]
) -> None:
    for number, found in zip(numbers, kept(database, numbers), strict=True):
        assert [Decimal(it) for it in found] == [Decimal(number)] * 3


@pytest.mark.parametrize(
    ("has", "wanted", "then"),
    [
        ("integer", "number", "number"),
        ("number", "integer", "number"),
        ("integer", "text", "text"),
        ("text", "integer", "text"),
        ("date", "timestamp", "timestamp"),
        ("timestamp", "date", "timestamp"),
        ("json", "number", "json"),
        ("json", "text", "text"),
        ("boolean", "integer", "text"),
        ("date", "number", "text"),
        ("number", "json", "text"),
    ],
)
def test_types_widen_and_never_narrow(has: FieldType, wanted: FieldType, then: FieldType) -> None:
    assert wider(has, wanted) == then
