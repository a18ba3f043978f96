import json
import math
from typing import Any

import pytest

from sync_platform.transport.answers import decoded, encoded, request_id, vendor_sentence


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


@pytest.mark.parametrize("body", [b"{", b"<html>", b'"\xff"', b"[" * 100_000, b"[1] [2]"])
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
