"""Reads what vendors answer: the JSON, and the sentence inside an error."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import orjson

from sync_platform.spec import Json
from sync_platform.transport.deep import decimal, read_deep

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


# What orjson would shorten has 19 of these signs beside each other: at least 20 digits, a minus and
# 19, or 18 with a point or an exponent. Whether it is such a number, is looked at then.
LONG_RUN = b"0" * 19
RUN_TO_0 = _as_0(b"0123456789.eE")
EVERY = 4  # the bytes that a first look takes; even 18 signs hold at least so many of them, as 0s:
IN_18_SIGNS = b"0" * (18 // EVERY)
DIGITS_TO_0 = _as_0(b"0123456789.")
LONG = re.compile(
    rb"""(?<![^:,\[\s-])(?:  # what stands after anything else is none
        [0-9]{20} | (?<=-)[0-9]{19}  # it may pass 64 bits
        | (?=[1-9][0-9.]{18})[0-9]++\.  # 18 digits around a point
        | 0\.0*+[0-9]{18}  # 18 after a point, and the zeros after that
        | [0-9]{18,}+[eE]
    )""",
    re.VERBOSE,
)


def decoded(body: bytes) -> Json:
    """The JSON of a body, None where it is empty; raises ValueError where it is none.

    Of what one record may hold, nothing makes the others unreadable: it may be nested as deeply as
    memory allows; numbers keep all their digits (orjson would make floats of integers beyond 64
    bits): integers of more than 4,300 are Decimals, and so are numbers with a point of more than
    17, where a float would be another number; control characters in texts stay; bytes that are no
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
    """Whether it holds a number of so many digits; most bodies are seen through at a glance."""
    if IN_18_SIGNS not in body[::EVERY].translate(DIGITS_TO_0):
        return False
    runs = body.translate(RUN_TO_0)
    at = runs.find(LONG_RUN)
    while at >= 0:
        if LONG.match(body, at):
            return True
        at = runs.find(LONG_RUN, at + len(LONG_RUN))
    return False


def decoded_csv(body: bytes) -> list[dict[str, str]]:
    """The rows of a CSV body with a header line, by its names; raises ValueError where it is none.

    A row of another length than the header's is an error: half of an answer must not pass for all.
    So are names that are no UTF-8; in values, bytes that are none become half characters.
    """
    try:
        text = body.decode("utf-8-sig", "surrogateescape")
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = next(lines, [])
        "".join(names).encode()
        return [dict(zip(names, line, strict=True)) for line in lines if line]
    except csv.Error as error:
        raise ValueError(str(error)) from error


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
