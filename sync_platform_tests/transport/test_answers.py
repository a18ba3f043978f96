import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.transport.answers import (
    decoded,
    decoded_csv,
    encoded,
    request_id,
    vendor_sentence,
)


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_nothing_is_none(body: bytes) -> None:
    assert decoded(body) is None


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63) - 1, -(2**63), 10**40])
@pytest.mark.parametrize("before", range(8))  # characters: wherever in the body it begins
def test_integers_keep_every_digit(number: int, before: int) -> None:
    record = {"x" * before: number}
    assert decoded(json.dumps(record).encode()) == record
    assert decoded(encoded(record)) == record


LONG = (
    "1234567890123456.78",
    "12345678901234567890.5",
    "-1.23456789012345678",
    "0.00000000123456789012345678",
    "123456789012345678e1",
    "1.2345678901234567890E-25",
    "0.12345678901234567",  # as many as doubles print, but none prints these
    "9.032272079085833",
    "-9007199254740993.0",
    "1234567890123456.7",
    "9492518077892445e3",
)
PRINTED = (  # by doubles
    "33.333333333333336",
    "1.0000000000000000000",
    "1234567890123456E5",
    "-0.30000000000000004",
    "0.00012345678901234567",
    "1.2345678901234567e+19",
    "1.7976931348623157e+308",
    "5e-324",
    "-0.0",
)


@pytest.mark.parametrize("number", LONG)
@pytest.mark.parametrize("before", range(8))
def test_numbers_with_a_point_keep_every_digit(number: str, before: int) -> None:
    record = {"x" * before: Decimal(number)}
    body = f'{{"{"x" * before}":{number}}}'.encode()
    assert decoded(body) == record
    assert decoded(encoded(record)) == record


@pytest.mark.parametrize("number", PRINTED)
@pytest.mark.parametrize("beside", ["", *LONG])
def test_what_a_float_says_as_well_is_one(number: str, beside: str) -> None:
    found = decoded(f"[{number}{beside and ','}{beside}]".encode())[0]
    assert type(found) is float
    assert repr(found) == repr(float(number))


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
)
def test_a_number_is_the_same_whatever_is_beside_it(number: str) -> None:
    alone, other = (decoded(f"[{number}{more}]".encode())[0] for more in ("", f",{LONG[0]}"))
    assert (type(alone), alone) == (type(other), other)


@pytest.mark.parametrize("number", ["1e400", "-12345678901234567890.5e400", "1.5e999999999"])
def test_what_is_beyond_all_floats_is_infinite(number: str) -> None:
    assert abs(decoded(f"[{number}, {LONG[0]}]".encode())[0]) == math.inf
    assert abs(decoded(f"[{number}]".encode())[0]) == math.inf


def test_what_is_nearer_to_0_than_all_floats_is_0() -> None:
    found = decoded(b"[1.23456789012345678901e-999999999]")
    assert found == [0]
    assert type(found[0]) is float


def test_a_number_with_a_point_may_be_of_any_length() -> None:
    number = "0." + "0" * 300 + "9" * 10**6
    assert decoded(f"[{number}]".encode()) == [Decimal(number)]
    assert decoded(f"[{'9' * 10**6}.5]".encode()) == [math.inf]


@pytest.mark.parametrize(
    "number", ["1234567.8901234567.8", "00123456789.0123456", "1.2e1234567890123"]
)
def test_what_looks_like_a_number_in_a_text_stays_text(number: str) -> None:
    for beside in ("1", *LONG):
        body = f'["from {number} to -{number}", {beside}]'.encode()
        assert decoded(body) == [f"from {number} to -{number}", Decimal(beside)]


def test_a_decimal_that_is_no_number_is_no_json() -> None:
    with pytest.raises(TypeError):
        encoded(Decimal("NaN"))


def test_what_the_standard_library_takes_is_taken() -> None:
    assert math.isnan(decoded(b"[NaN]")[0])
    assert decoded(b"\xef\xbb\xbf[1]") == [1]


def test_an_integer_of_any_length_keeps_every_digit() -> None:
    digits = "7" * 1_000_000
    body = f'[{digits}, -{digits}, {{"a": {2**70}}}]'.encode()
    assert decoded(body) == [Decimal(digits), Decimal(f"-{digits}"), {"a": 2**70}]


@pytest.mark.parametrize("levels", [1_000, 1_100, 100_000])
def test_an_answer_may_be_nested_as_deeply_as_it_likes(levels: int) -> None:
    for number in (2**70, Decimal(LONG[0])):
        found = decoded(b'[{"a":' * levels + str(number).encode() + b"}]" * levels)
        for _ in range(levels):
            [inner] = found
            found = inner["a"]
        assert found == number


def test_what_one_text_holds_makes_the_others_no_less_readable() -> None:
    assert decoded(b'["a\tb\x00", "\xff", "\xc3\xa9"]') == ["a\tb\0", "\udcff", "é"]
    assert decoded_csv(b"a,b\n\xff,\xc3\xa9\n") == [{"a": "\udcff", "b": "é"}]


def test_a_text_in_csv_may_be_of_any_length() -> None:
    assert decoded_csv(b"a\n" + b"x" * 1_000_000) == [{"a": "x" * 1_000_000}]


@pytest.mark.parametrize("body", [b"{", b"<html>", b"\xff", b"[" * 100_000, b"[1] [2]"])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whose words are not ours
        decoded(body)


@pytest.mark.parametrize(
    "body",
    [
        {"message": "No."},
        {"Message": "No."},
        {"status": "error", "message": "No.", "category": "VALIDATION"},
        {"error": {"message": "No.", "code": 3}},
        {"error": {"errors": [{"message": "No."}]}},
        {"error": "invalid_grant", "error_description": "No."},
        {"error": "No."},
        {"errors": [{"message": "No."}, {"message": "Other."}]},
        {"errors": [{"detail": "No.", "title": "Bad"}]},
        {"errors": ["No."]},
        {"title": "No."},
        {"detail": "No.", "title": "Bad"},
        {"message": "", "error": {"message": "No."}},
        [{"message": "No.", "errorCode": "X"}],
        "No.",
    ],
)
def test_the_vendors_sentence_is_found(body: Any) -> None:
    assert vendor_sentence(json.dumps(body).encode()) == "No."


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b"3", b"null", b'{"error": 3}'])
def test_where_there_is_no_sentence_there_is_none(body: bytes) -> None:
    assert vendor_sentence(body) is None


def test_a_long_sentence_is_cut_and_stays_on_one_line() -> None:
    body = json.dumps({"message": "word\n " * 200}).encode()
    sentence = vendor_sentence(body)
    assert sentence is not None
    assert len(sentence) <= 300
    assert sentence.startswith("word word")
    assert sentence.endswith("…")


def test_the_request_id_is_the_first_that_is_known() -> None:
    assert request_id({"cf-ray": "b", "request-id": "a"}) == "a"
    assert request_id({}) is None
