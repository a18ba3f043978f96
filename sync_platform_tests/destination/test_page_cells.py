"""Cells of a whole column are the cells of its values one by one, whatever the values are."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.destination.cells import CELLS, MISFITS, NULL
from sync_platform.destination.columns import Column, DoesNotFit, RowEncoder
from sync_platform.destination.page_cells import COLUMNS
from sync_platform.spec import FieldType

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("")
TEXTS = """7 -1.50 true FALSE 2024-02-29 2024-02-30 20240229 2024-W01-1 2024-01-01T00:00:00.000Z
    2024-01-01T25:00:00.000Z 2024-W01-1T00:00:00.000Z 2024-01-01T24:00:00.000Z
    9999-12-31T24:00:00.000Z 2024-01-01t00:00:00.000z 2024 0000 2024-01 2024-001 2024-W05-3
    1704067200 1704067200.5 1704067200000000 86400000 a\\nb \\N null " é🎉"""
written = st.sampled_from([*TEXTS.split(), "a\tb", "\x1e", "a\r\n", "\0", "\ud800"])
values: st.SearchStrategy[Any] = plain | written | st.lists(plain | written, max_size=2)
values |= st.dictionaries(st.text(max_size=3), plain | written, max_size=2)
alike = [  # columns as vendors send them
    st.none() | st.integers(-(2**53), 2**53),
    st.none() | st.integers() | st.floats(),
    st.none() | st.text() | written,
    st.none() | st.booleans(),
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


@pytest.mark.parametrize("type", CELLS)
@settings(max_examples=300, deadline=None, derandomize=True)
@given(column=columns)
def test_a_column_at_once_is_its_values_one_by_one(type: FieldType, column: list[Any]) -> None:
    one_by_one = encoded(lambda: [CELLS[type](value) for value in column])
    at_once = encoded(lambda: COLUMNS[type](tuple(column)))
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
