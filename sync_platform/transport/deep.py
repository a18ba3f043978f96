"""JSON read without recursion: nested as deeply as memory allows, where other readers end at about
1,000 levels. Slower than those by far, so it is for what they do not take."""

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from json.scanner import make_scanner
from typing import Any

from sync_platform.spec import Json

Scan = Callable[[str, int], tuple[Any, int]]

SPACE = re.compile(r"[ \t\n\r]*")
CLOSES = {"[": "]", "{": "}"}
OF_A_FLOAT = 15  # digits: doubles keep so many of any number
NO_DECIMALS = (0.0, math.inf, -math.inf)


def integer(digits: str) -> int | Decimal:
    """The number; a Decimal beyond the digits that Python makes an int of (4,300)."""
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)


def decimal(written: str) -> float | Decimal:
    """The number; a Decimal where it has more than 15 digits and a float would be another number.

    Where floats end (beyond 1e308, nearer to 0 than 1e-323), it is the float: inf or 0.0.
    """
    number = float(written)
    if len(written) <= OF_A_FLOAT or number in NO_DECIMALS or repr(number) == written:
        return number
    mantissa = written.lower().partition("e")[0]
    if len(mantissa.replace(".", "").lstrip("-0")) <= OF_A_FLOAT:
        return number
    exact = Decimal(written)
    return number if exact == Decimal(repr(number)) else exact


# What json.JSONDecoder itself reads with: the value at a place, and where it ends.
DECODER: Any = json.JSONDecoder(parse_int=integer, parse_float=decimal, strict=False)
SCAN: Scan = make_scanner(DECODER)


def read_deep(text: str) -> Json:
    """What the JSON says; raises ValueError where it is none.

    Texts may hold control characters as they are. Numbers keep all their digits.
    """
    around: list[tuple[Any, str]] = []  # the lists and objects that are open, each with the name
    at = _past_space(text, 0)  # under which the value at hand goes into it
    value: Any
    while True:
        sign = text[at : at + 1]
        if sign in CLOSES:
            value, at = [] if sign == "[" else {}, _past_space(text, at + 1)
            if text[at : at + 1] != CLOSES[sign]:
                at = _open(text, at, value, around)
                continue
            at += 1
        else:
            value, at = _scalar(text, at)
        at = _past_space(text, at)
        while around:  # put it into what is around it; what ends with it is a value, too
            held, name = around.pop()
            if isinstance(held, list):
                held.append(value)
            else:
                held[name] = value
            sign = text[at : at + 1]
            if sign == ",":
                at = _open(text, _past_space(text, at + 1), held, around)
                break
            if sign != ("]" if isinstance(held, list) else "}"):
                raise json.JSONDecodeError("Expecting ',' or an end", text, at)
            value, at = held, _past_space(text, at + 1)
        else:
            if at != len(text):
                raise json.JSONDecodeError("Extra data", text, at)
            return value


def _open(text: str, at: int, held: Any, around: list[tuple[Any, str]]) -> int:
    """The list or object gets a value; where it begins, after its name in an object."""
    name = ""
    if isinstance(held, dict):
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting a name in double quotes", text, at)
        name, at = SCAN(text, at)
        at = _past_space(text, at)
        if text[at : at + 1] != ":":
            raise json.JSONDecodeError("Expecting ':'", text, at)
        at = _past_space(text, at + 1)
    around.append((held, name))
    return at


def _scalar(text: str, at: int) -> tuple[Any, int]:
    try:
        return SCAN(text, at)
    except StopIteration:
        raise json.JSONDecodeError("Expecting a value", text, at) from None


def _past_space(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    assert found is not None
    return found.end()
