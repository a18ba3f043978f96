"""Airtable's formulas, as far as the sandbox understands them: in fields and in filterByFormula.

A formula becomes a function of a `Scope`, which knows one record. What cannot be read, and fields
and functions that are not there, raise FormulaError when it is read; values that do not go together
raise it when it is asked.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"|\{(?P<field>(?:\\.|[^}\\])+)\}|(?P<word>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<sign><=|>=|!=|[-+*/&=<>(),]))"
)
LEVELS = (("=", "!=", "<", ">", "<=", ">="), ("&",), ("+", "-"), ("*", "/"))


class FormulaError(Exception):
    """The formula cannot be read, or has no value for this record."""


class Scope(Protocol):
    """One record, as a formula sees it; moments are milliseconds since 1970."""

    @property
    def id(self) -> str: ...

    @property
    def created(self) -> int: ...

    @property
    def modified(self) -> int: ...

    def value(self, field: str) -> Any:
        """What a field of that id holds."""
        ...


Formula = Callable[[Scope], Any]


@dataclass
class _Reading:
    """A formula being read, from left to right. `fields` are the ids by name and by id."""

    tokens: list[tuple[str, str]]
    fields: dict[str, str]
    place: int = 0

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> tuple[str, str]:
        if self.place >= len(self.tokens) or (wanted and self.peek() != wanted):
            raise FormulaError(f"{wanted or 'a value'} is missing")
        self.place += 1
        return self.tokens[self.place - 1]

    def expression(self, level: int = 0) -> Formula:
        if level == len(LEVELS):
            return self.primary()
        left = self.expression(level + 1)
        while self.peek() in LEVELS[level] and self.tokens[self.place][0] == "sign":
            sign = self.take()[1]
            left = _joined(sign, left, self.expression(level + 1))
        return left

    def primary(self) -> Formula:
        kind, said = self.take()
        if kind == "number":
            return _constant(float(said) if "." in said else int(said))
        if kind == "text":
            return _constant(re.sub(r"\\(.)", r"\1", said[1:-1]))
        if said == "-":
            inner = self.primary()
            return lambda scope: -_number(inner(scope))
        if said == "(":
            inner = self.expression()
            self.take(")")
            return inner
        if kind == "word" and self.peek() == "(":
            return self.call(said.upper())
        if kind == "word" and said.upper() in ("TRUE", "FALSE"):
            return _constant(said.upper() == "TRUE")
        if kind not in ("field", "word"):
            raise FormulaError(f"{said} stands where it cannot")
        name = re.sub(r"\\(.)", r"\1", said)
        if name not in self.fields:
            raise FormulaError(f"Unknown field names: {name.lower()}")
        id = self.fields[name]
        return lambda scope: scope.value(id)

    def call(self, name: str) -> Formula:
        self.take("(")
        given: list[Formula] = []
        while self.peek() != ")":
            given.append(self.expression())
            if self.peek() != ")":
                self.take(",")
        self.take(")")
        if name == "IF":  # only one of the two is asked
            when, then, other = [*given, _constant(None)][:3]
            return lambda scope: then(scope) if truthy(when(scope)) else other(scope)
        if name in OF_RECORD:
            of_record = OF_RECORD[name]
            return lambda scope: of_record(scope)
        if name not in FUNCTIONS:
            raise FormulaError(f"there is no function {name}")
        function = FUNCTIONS[name]
        return lambda scope: _called(function, [each(scope) for each in given])


def read(formula: str, fields: dict[str, str]) -> Formula:
    """The formula as a function; raises FormulaError. `fields`: ids by names, and by themselves."""
    tokens, place = [], 0
    while formula[place:].strip():
        found = TOKEN.match(formula, place)
        if found is None or found.lastgroup is None:
            raise FormulaError(f"{formula[place:].strip()[:20]} cannot be read")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        place = found.end()
    reading = _Reading(tokens, fields)
    whole = reading.expression()
    if reading.place < len(tokens):
        raise FormulaError(f"{reading.peek()} is too much")
    return whole


def truthy(value: Any) -> bool:
    """What keeps a record in a filtered list."""
    return value not in (None, 0, "", False, []) and value == value  # NaN is not itself


def _constant(value: Any) -> Formula:
    return lambda scope: value


def _called(function: Callable[..., Any], given: Sequence[Any]) -> Any:
    try:
        return function(*given)
    except (TypeError, ValueError) as error:
        raise FormulaError(str(error)) from error


def _joined(sign: str, left: Formula, right: Formula) -> Formula:
    join = JOINS[sign]
    return lambda scope: _called(join, [left(scope), right(scope)])


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0
    if isinstance(value, str):
        return float(value)
    if isinstance(value, bool | int | float):
        return value
    raise FormulaError("it is not a number")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    raise FormulaError("it is not a date")


def _divided(left: Any, right: Any) -> float:
    if _number(right) == 0:
        raise FormulaError("division by zero")
    return _number(left) / _number(right)


def _compared(left: Any, right: Any) -> int:
    if isinstance(left, str) or isinstance(right, str):
        one, other = _text(left), _text(right)
        return (one > other) - (one < other)
    first, second = _number(left), _number(right)
    return (first > second) - (first < second)


def of(milliseconds: int) -> datetime:
    """The moment so many milliseconds after 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "&": lambda a, b: _text(a) + _text(b),
    "+": lambda a, b: _number(a) + _number(b),
    "-": lambda a, b: _number(a) - _number(b),
    "*": lambda a, b: _number(a) * _number(b),
    "/": _divided,
    "=": lambda a, b: _compared(a, b) == 0,
    "!=": lambda a, b: _compared(a, b) != 0,
    "<": lambda a, b: _compared(a, b) < 0,
    ">": lambda a, b: _compared(a, b) > 0,
    "<=": lambda a, b: _compared(a, b) <= 0,
    ">=": lambda a, b: _compared(a, b) >= 0,
}
OF_RECORD: dict[str, Callable[[Scope], Any]] = {
    "RECORD_ID": lambda scope: scope.id,
    "CREATED_TIME": lambda scope: of(scope.created),
    "LAST_MODIFIED_TIME": lambda scope: of(scope.modified),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "AND": lambda *given: all(map(truthy, given)),
    "OR": lambda *given: any(map(truthy, given)),
    "NOT": lambda value: not truthy(value),
    "BLANK": lambda: None,
    "IS_BEFORE": lambda a, b: _moment(a) < _moment(b),
    "IS_AFTER": lambda a, b: _moment(a) > _moment(b),
    "IS_SAME": lambda a, b: _moment(a) == _moment(b),
    "DATETIME_PARSE": lambda value, *_: _moment(value),
    "LEN": lambda value: len(_text(value)),
    "LOWER": lambda value: _text(value).lower(),
    "UPPER": lambda value: _text(value).upper(),
    "CONCATENATE": lambda *given: "".join(map(_text, given)),
    "FIND": lambda what, where: _text(where).find(_text(what)) + 1,
    "ROUND": lambda value, digits=0: round(_number(value), int(digits)),
    "SUM": lambda *given: sum(map(_number, given)),
    "ERROR": lambda *_: _called(_divided, [1, 0]),
}
