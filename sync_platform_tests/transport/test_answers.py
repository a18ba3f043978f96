import json
import math
from decimal import Decimal
from typing import Any

import pytest

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


def test_what_the_standard_library_takes_is_taken() -> None:
    assert math.isnan(decoded(b"[NaN]")[0])
    assert decoded(b"\xef\xbb\xbf[1]") == [1]


def test_an_integer_of_any_length_keeps_every_digit() -> None:
    digits = "7" * 1_000_000
    body = f'[{digits}, -{digits}, {{"a": {2**70}}}]'.encode()
    assert decoded(body) == [Decimal(digits), Decimal(f"-{digits}"), {"a": 2**70}]


@pytest.mark.parametrize("levels", [1_000, 1_100, 100_000])
def test_an_answer_may_be_nested_as_deeply_as_it_likes(levels: int) -> None:
    number = 2**70
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
