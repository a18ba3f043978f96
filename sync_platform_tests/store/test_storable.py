from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.errors import Refused
from sync_platform.store.storable import as_given, exact_text, storable, text, text_back


def test_json_stays_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, "ü"], "b": {"c": "\\u0000"}}
    assert storable(value) == value


def test_what_postgres_cannot_keep_is_left_out_or_replaced() -> None:
    assert text("a\0b") == "ab"
    assert text("\ud800") == "?"
    assert storable({"k\0": ("x\0", {"\ud800"})}) == {"k": ["x", ["?"]]}


def test_what_is_no_json_becomes_text() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert storable([moment, float("nan"), float("-inf"), b"x"]) == [
        "2026-01-01 00:00:00+00:00",
        "nan",
        "-inf",
        "b'x'",
    ]


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("\0\x01\ud83d\ude00")))
def test_a_text_that_is_kept_exactly_comes_back(value: str) -> None:
    kept = exact_text(value)
    assert text(kept) == kept
    assert text_back(kept) == value


def test_an_ordinary_text_is_kept_as_it_is() -> None:
    assert exact_text("tbl1 é") == "tbl1 é"


@pytest.mark.parametrize("values", [{"a": "x\0"}, {"a": "\ud800"}, {"a\0": "x"}])
def test_what_a_person_says_is_kept_as_it_is_or_refused(values: dict[str, str]) -> None:
    with pytest.raises(Refused, match="holds a NUL or half a character"):
        as_given(values, "filter", Refused)
    assert as_given({"a": "é"}, "filter", Refused) == {"a": "é"}
