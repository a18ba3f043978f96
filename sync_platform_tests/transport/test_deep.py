"""JSON read without recursion is what the standard library reads."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.transport.deep import decimal, read_deep

ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
WRITTEN = st.builds(json.dumps, ANY, indent=st.none() | st.just(1), ensure_ascii=st.booleans())
PIECES = st.lists(
    st.sampled_from([*'[]{},:"1-.e \n\t\\', "null", '"a"', '"a":', "NaN", "[1", "]]"])
)
LENIENT = json.JSONDecoder(parse_float=decimal, strict=False)


def read(written: str, reader: Any) -> Any:
    """What the reader makes of it, comparable; None where it is no JSON."""
    try:
        return repr(reader(written))
    except ValueError:
        return None


@given(WRITTEN)
def test_what_was_written_is_read(written: str) -> None:
    assert read_deep(written) == json.loads(written)


@given(PIECES.map("".join) | WRITTEN.map(lambda it: it[:-1]) | WRITTEN.map(lambda it: it + "]"))
def test_what_is_no_json_is_refused_as_ever(written: str) -> None:
    assert read(written, read_deep) == read(written, LENIENT.decode)


@pytest.mark.parametrize("end", ["", "]" * 99_999, "]" * 100_001, "," + "]" * 100_000, "}"])
def test_what_is_nested_deeply_and_no_json_is_refused(end: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        read_deep("[" * 100_000 + end)
