"""Reads what vendors answer: the JSON, and the sentence inside an error."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import orjson

from sync_platform.spec import Json
from sync_platform.transport.call import Answer
from sync_platform.transport.deep import decimal, read_deep

NO_CONTENT = 204
SENTENCE = 300  # characters
EVIDENCE = 500  # characters
REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-hubspot-correlation-id",
    "x-correlation-id",
    "x-amzn-requestid",
    "x-trace-id",
    "cf-ray",
)
WORDS = ("message", "error_description", "error_message", "detail", "description", "title")

LENIENT = json.JSONDecoder(parse_float=decimal, strict=False)
csv.field_size_limit(2**31 - 1)  # of the process; its own are 131,072 characters


def _as_0(signs: bytes) -> bytes:
    """The table for bytes.translate that makes each of them a 0."""
    return bytes.maketrans(signs, b"0" * len(signs))


# What orjson may shorten has 17 of these signs beside each other: at least 20 digits, a minus and
# 19, or 16 with a point or an exponent. Whether it is such a number, is looked at then.
LONG_RUN = b"0" * 17
RUN_TO_0 = _as_0(b"0123456789.eE")
EVERY = 4  # the bytes that a first look takes; even 16 signs hold at least so many of them, as 0s:
IN_16_SIGNS = b"0" * (16 // EVERY)
DIGITS_TO_0 = _as_0(b"0123456789.")
LONG = re.compile(
    rb"""(?<![^:,\[\s-])(?:  # what stands after anything else is none
        (?=[0-9]{20}) | (?<=-)(?=[0-9]{19})  # it may pass 64 bits
        | (?=[1-9][0-9.]{16})(?=[0-9]++\.)  # 16 digits around a point
        | (?=0\.0*+[0-9]{16})  # 16 after a point, and the zeros after that
        | (?=[0-9]{16,}+[eE])
    )[0-9]++(?:\.[0-9]*+)?(?:[eE][+-]?[0-9]++)?""",
    re.VERBOSE,
)


def decoded(body: bytes) -> Json:
    """The JSON of a body, None where it is empty; raises ValueError where it is none.

    Of what one record may hold, nothing makes the others unreadable: it may be nested as deeply as
    memory allows; numbers keep all their digits (orjson would make floats of integers beyond 64
    bits): integers of more than 4,300 are Decimals, and so are numbers with a point of more than
    15, where a float would be another number; control characters in texts stay; bytes that are no
    UTF-8 become half characters.
    """
    if not body.strip():
        return None
    if not _may_lose_digits(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # NaN, a byte order mark: what the standard library's more lenient one may take
    text = _text(body)
    try:
        return LENIENT.decode(text)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError):  # about 1,000 levels; an integer of 4,301 digits
        return read_deep(text)


def _text(body: bytes) -> str:
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        return body.decode(encoding, "surrogateescape")


def _may_lose_digits(body: bytes) -> bool:
    """Whether it holds a number that orjson would round; most bodies are seen through at a glance,
    and of the others only the numbers of many digits are looked at."""
    if IN_16_SIGNS not in body[::EVERY].translate(DIGITS_TO_0):
        return False
    runs = body.translate(RUN_TO_0)
    if runs.rfind(LONG_RUN) < 0:  # as find, but twice as quick where there is none
        return False
    at = runs.find(LONG_RUN)
    long: list[bytes] = []
    while at >= 0:
        if found := LONG.match(body, at):
            long.append(found[0])
        at = runs.find(LONG_RUN, at + len(LONG_RUN))
    return bool(long) and _any_rounded(long)


def _any_rounded(numbers: list[bytes]) -> bool:
    """Whether orjson makes another number of one of them. Most are what a double prints."""
    if any(map(bytes.isdigit, numbers)):  # integers beyond 64 bits
        return True
    written = b"[%b]" % b",".join(numbers)
    try:
        if orjson.dumps(orjson.loads(written)) == written:
            return False
    except ValueError:  # parts of texts that look like numbers
        pass
    return any(isinstance(decimal(each.decode()), Decimal) for each in numbers)


class NotCsv(ValueError):
    """A body is not the CSV that was asked for. The message goes on after "a body that"."""


def csv_of(answer: Answer, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of an answer, as of its body; a status of 204 says that there are none."""
    if answer.status == NO_CONTENT and not answer.body:
        return []
    kind = answer.headers.get("content-type", "").lower()
    return decoded_csv(answer.body, columns=columns, kind=kind)


def decoded_csv(
    body: bytes, *, columns: Sequence[str] = (), kind: str = ""
) -> list[dict[str, str]]:
    """The rows of a CSV body with a header line, by its names; raises NotCsv where it is none.

    `columns` are names that the header line must have. Without any, nothing but the body and its
    `kind` (the Content-Type) tells a page of HTML or an error in JSON from a list without rows.

    A row of another length than the header's is an error: half of an answer must not pass for all.
    So are names that are no UTF-8, or that come twice; in values, bytes that are no UTF-8 become
    half characters.
    """
    text = body.decode("utf-8-sig", "surrogateescape")
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = next(lines, [])
        lacking = [each for each in columns if each not in names]
        if (lacking or not columns) and (other := _other_than_csv(text)):
            raise NotCsv(f"is {other}, not CSV")
        if not columns and ("html" in kind or "json" in kind):
            raise NotCsv(f"is sent as {shortened(kind.partition(';')[0], SENTENCE)}, not as CSV")
        if lacking:
            raise NotCsv(_lacks(lacking, names))
        "".join(names).encode()
        called = [each for each in names if each]
        if len(set(called)) < len(called):
            twice = next(each for each in called if called.count(each) > 1)
            raise NotCsv(f"is CSV with two columns {shortened(twice, SENTENCE)!r}")
        return [dict(zip(names, line, strict=True)) for line in lines if line]
    except NotCsv:
        raise
    except (csv.Error, ValueError) as error:
        raise NotCsv("is not CSV") from error


def _other_than_csv(text: str) -> str | None:
    """What a body seems to be instead of CSV; None where it may well be CSV."""
    begins = text[:1000].lstrip()[:1]
    if begins == "<":
        return "HTML or XML"
    if begins in ("{", "["):
        return "JSON"
    return None


def _lacks(columns: Sequence[str], names: Sequence[str]) -> str:
    if not any(names):
        return "has no header line, as CSV has also where there are no records"
    return f"is CSV without a column {shortened(columns[0], SENTENCE)!r}"


def form_encoded(value: Mapping[str, Any]) -> bytes:
    """A value as an HTML form sends it; nested ones are named `a[b]`, those of lists `a[0]`. None
    is sent as empty, booleans as true and false."""
    return urlencode(list(_flat(value))).encode()


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{place}]")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, "" if value is None else str(value)


def encoded(value: Json) -> bytes:
    """A value as JSON; raises TypeError where it cannot be."""
    try:
        return orjson.dumps(value, default=_written)
    except TypeError:
        return json.dumps(value).encode()  # integers beyond 64 bits


def _written(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"a {type(value).__name__} is no JSON")


def vendor_sentence(body: bytes, scrub: Callable[[str], str] = str) -> str | None:
    """The vendor's own words in an error body, scrubbed of secrets and then cut to 300 characters;
    None where it has none."""
    try:
        words = _words(decoded(body))
    except ValueError:
        return None
    return shortened(scrub(words), SENTENCE) if words else None


def shortened(text: str, most: int) -> str:
    """On one line, and cut after `most` characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def request_id(headers: Mapping[str, str]) -> str | None:
    """How the vendor's support finds the call, if it says."""
    return next((headers[name] for name in REQUEST_IDS if name in headers), None)


def _words(value: Any, depth: int = 0) -> str | None:
    """The first text that the common error shapes hold: message, error.message, errors[0].…"""
    if isinstance(value, str):
        return value.strip() or None
    if depth > 4:
        return None
    if isinstance(value, list):
        return _words(value[0], depth + 1) if value else None
    if not isinstance(value, Mapping):
        return None
    lower = {str(name).lower(): inner for name, inner in value.items()}
    for name in WORDS:
        if isinstance(lower.get(name), str) and lower[name].strip():
            return str(lower[name]).strip()
    for name in ("error", "errors", "fault"):
        if found := _words(lower.get(name), depth + 1):
            return found
    return None
