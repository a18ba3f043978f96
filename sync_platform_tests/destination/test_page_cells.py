"""Cells of a whole column are the cells of its values one by one, whatever the values are."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.destination.cells import CELLS, MISFITS, NULL, cell_of
from sync_platform.destination.columns import Column, DoesNotFit, RowEncoder
from sync_platform.destination.page_cells import COLUMNS, column_of
from sync_platform.spec import FieldType, moment
from sync_platform.spec.times import EpochUnit, day_of

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("")
TEXTS = """7 -1.50 true FALSE 2024-02-29 2024-02-30 20240229 2024-W01-1 2024-01-01T00:00:00.000Z
    2024-01-01T25:00:00.000Z 2024-W01-1T00:00:00.000Z 2024-01-01T24:00:00.000Z
    9999-12-31T24:00:00.000Z 2024-01-01t00:00:00.000z 2024 0000 2024-01 2024-001 2024-W05-3
    2024-01-31+05:00 2024-01-31T12.5Z 2024-01-31-10 2024031 20240131123000 202401311230Z
    1704067200 1704067200.5 1704067200000000 86400000 a\\nb \\N null " é🎉"""
written = st.sampled_from([*TEXTS.split(), "a\tb", "\x1e", "a\r\n", "\0", "\ud800"])
values: st.SearchStrategy[Any] = plain | written | st.lists(plain | written, max_size=2)
values |= st.dictionaries(st.text(max_size=3), plain | written, max_size=2)
alike = [  # columns as vendors send them
    st.none() | st.integers(-(2**53), 2**53),
    st.none() | st.integers() | st.floats(),
    st.none() | st.text() | written,
    st.none() | st.booleans(),
    st.none() | st.integers(-(10**13), 10**13),  # moments since 1970
    st.sampled_from([None, 2024, 99991231, 20240231, 202401311230, 99991231235959, 20240131126000]),
    st.sampled_from([None, ""]) | st.integers(-(10**13), 10**13).map(str),
    st.sampled_from([None, ""]) | st.dates().map(str),
    st.sampled_from([None, ""])
    | st.datetimes().map(lambda it: it.isoformat(timespec="milliseconds") + "Z"),
    st.dictionaries(st.text(max_size=3), plain | written, max_size=2),
]
columns = st.one_of(
    *[st.lists(each, min_size=1, max_size=5) for each in alike],
    *[st.lists(each | values, min_size=1, max_size=5) for each in alike],
)


def encoded(cells: Callable[[], Sequence[str]]) -> Sequence[str] | None:
    """The cells; None where a value does not fit, which half a character says when encoded."""
    with suppress(*MISFITS):
        written = cells()
        "\t".join(written).encode()
        return written
    return None


def same(type: FieldType, cell: str) -> Any:
    return Decimal(cell) if type == "number" and cell != NULL else cell


@pytest.mark.parametrize(
    ("type", "epoch"),
    [*((it, None) for it in CELLS), *product(("date", "timestamp", "text"), ("s", "ms"))],
)
@settings(max_examples=300, deadline=None, derandomize=True)
@given(column=columns)
def test_a_column_at_once_is_its_values_one_by_one(
    type: FieldType, epoch: EpochUnit | None, column: list[Any]
) -> None:
    one_by_one = encoded(lambda: [cell_of(type, epoch)(value) for value in column])
    at_once = encoded(lambda: column_of(type, epoch)(tuple(column)))
    assert (at_once is None) == (one_by_one is None)
    assert [same(type, it) for it in at_once or ()] == [same(type, it) for it in one_by_one or ()]


@pytest.mark.parametrize("types", [("text",), ("integer",), ("boolean",), ("text", "timestamp")])
@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data())
def test_rows_together_are_the_rows_one_by_one(types: tuple[FieldType, ...], data: Any) -> None:
    names = [f"key_{place}" for place in range(len(types))]
    encoder = RowEncoder(
        [
            *(
                Column(field=name, name=name, type=type)
                for name, type in zip(names, types, strict=True)
            ),
            Column(field="text", name="text", type="text"),
        ],
        names,
        more=("other",),
    )
    fields = st.sampled_from([*names, "text", "other", "no field of ours"])
    row = st.dictionaries(fields, plain | written, max_size=4)
    keys = st.fixed_dictionaries({name: written | st.integers(0, 9) for name in names})
    rows = data.draw(st.lists(st.tuples(row, keys).map(lambda it: it[0] | it[1]), min_size=1))
    together = encoder.together(rows)
    one_by_one = []
    with suppress(DoesNotFit):
        one_by_one = [encoder(row) for row in rows]
    if together is not None:
        found, lines = together
        assert lines.endswith(b"\n")
        assert list(zip(found, lines[:-1].split(b"\n"), strict=True)) == one_by_one


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.data())
def test_what_goes_the_quick_way_is_what_is_read_of_it(data: Any) -> None:
    kinds: dict[FieldType, str] = {"date": "2024-01-31", "timestamp": "2024-01-31T00:00:00.000Z"}
    for type, plain_text in kinds.items():
        signs = list(plain_text)
        for place in data.draw(st.sets(st.integers(0, len(signs) - 1), max_size=4)):
            signs[place] = data.draw(st.sampled_from("0123456789+-Z:.,TW x\u0663"))
        text = "".join(signs)
        column = encoded(lambda: column_of(type)([text]))  # noqa: B023 - called at once
        if column is None:
            with pytest.raises(ValueError):  # noqa: PT011 - whose words may be Python's
                moment(text)
        else:
            assert datetime.fromisoformat(column[0]).replace(tzinfo=UTC) == (
                moment(text) if type == "timestamp" else moment(day_of(text).isoformat())
            )


@pytest.mark.parametrize(
    ("type", "column", "cells"),
    [
        (
            "date",
            ["2024-01-01", 1704067200, None, "2024"],
            ["2024-01-01"] * 2 + [NULL, "2024-01-01"],
        ),
        ("date", ["2024-W05-3", "2024-001"], ["2024-01-31", "2024-01-01"]),
        (
            "timestamp",
            ["2024-01-01T00:00:00.000Z", "2024-01-01T24:00:00.000Z", ""],
            ["2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00+00:00", NULL],
        ),
    ],
)
def test_a_column_may_be_written_in_several_ways(
    type: FieldType, column: list[Any], cells: list[str]
) -> None:
    assert COLUMNS[type](column) == cells


@pytest.mark.parametrize(
    ("epoch", "days"),
    [
        (None, ["1972-09-27", "2024-10-04", "2024-01-01"]),
        ("s", ["1972-09-27", "2024-10-04", "2024-01-01"]),
        ("ms", ["1970-01-02", "1970-01-21", "2024-01-01"]),
    ],
)
def test_numbers_are_of_their_columns_unit_together_and_one_by_one(
    epoch: EpochUnit | None, days: list[str]
) -> None:
    day = Column(field="day", name="day", type="date", epoch=epoch)
    at = Column(field="at", name="at", type="timestamp", epoch=epoch)
    encoder = RowEncoder([day, at], ["at"])
    written = [86_400_000, "1728000000", "2024-01-01"]
    rows = [{"day": it, "at": it} for it in written]
    lines = [f"{it}\t{it}T00:00:00+00:00" for it in days]
    together = encoder.together(rows)
    assert together is not None
    assert together[1].decode().splitlines() == lines
    assert [encoder(row)[1].decode() for row in rows] == lines
    assert [encoder.key([it]).identity for it in written] == list(together[0])


def test_a_pages_texts_in_iso_go_the_quick_way_whatever_the_unit() -> None:
    column = ["2024-01-01T00:00:00.000Z", "2024-02-29T12:00:00.000Z"]
    assert column_of("timestamp", "ms")(column) is column
    assert column_of("date", "s")(days := ["2024-01-01", "2024-02-29"]) is days


def test_a_number_beyond_its_unit_is_told_as_what_does_not_fit() -> None:
    at = Column(field="at", name="at", type="timestamp", epoch="s")
    encoder = RowEncoder([Column(field="id", name="id", type="text"), at], ["id"])
    row = {"id": "1", "at": 1_728_000_000_000}
    assert encoder.together([row]) is None
    with pytest.raises(DoesNotFit, match=r'"at" holds 1728000000000, .* years 1 to 9999'):
        encoder(row)


def test_plain_rows_go_together() -> None:
    columns = [Column(field=it, name=it, type="text") for it in ("id", "name")]
    together = RowEncoder(columns, ["id"]).together([{"id": "1", "name": "a\tb"}, {"id": "2"}])
    assert together is not None
    assert [*together[0]] == ["1", "2"]
    assert together[1] == b"1\ta\\tb\n2\t\\N\n"


def test_long_keys_do_not_go_together() -> None:
    encoder = RowEncoder([Column(field="id", name="id", type="text")], ["id"])
    assert encoder.together([{"id": "x" * 2_000}]) is None
    assert encoder({"id": "x" * 2_000})[0] == "x" * 2_000
