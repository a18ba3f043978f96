from datetime import UTC, datetime

from sync_platform.store.storable import storable, text


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
