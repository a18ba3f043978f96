"""Salesforce's query language, as much of it as connectors use: a query as text becomes a value.

SELECT fields or COUNT() FROM one object, WHERE with AND, OR, parentheses, comparisons, IN and LIKE,
ORDER BY, LIMIT. As in SOQL, AND and OR do not mix without parentheses, moments stand without
quotes, text compares without regard to case (ids with), and `!=` finds nulls (SOQL Reference).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sync_platform.sandbox.salesforce_errors import malformed, no_such_field, no_such_object
from sync_platform.sandbox.salesforce_kinds import SField, SObject

LONGEST = 100_000  # characters of a query
Matches = Callable[[Mapping[str, Any]], bool]
TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:\\.|[^'\\])*')"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w.]*)|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query that was understood."""

    text: str
    object: SObject
    fields: list[SField] = field(default_factory=list)
    counts: bool = False
    matches: Matches = lambda record: True
    order: list[tuple[str, bool]] = field(default_factory=list)  # field, descending
    limit: int | None = None


def moment(when: float) -> str:
    """Seconds since 1970 as Salesforce writes a datetime: whole seconds."""
    return datetime.fromtimestamp(int(when), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def parsed(text: str, objects: Mapping[str, SObject]) -> Query:
    """The query; raises Refusal in Salesforce's words."""
    if len(text) > LONGEST:
        raise malformed(f"SOQL statements cannot be longer than {LONGEST} characters.")
    return _Parser(text, objects).query()


class _Parser:
    def __init__(self, text: str, objects: Mapping[str, SObject]) -> None:
        self.text, self.objects = text, objects
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = TOKEN.match(text, place)
            if found is None:
                raise malformed(f"unexpected token: '{text[place:].strip()[:1]}'")
            assert found.lastgroup
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        self.place = 0

    def query(self) -> Query:
        self.word("select")
        names = [self.name()]
        counts = names[0].lower() == "count" and self.takes("(")
        if counts:
            self.needs(")")
        while not counts and self.takes(","):
            names.append(self.name())
        self.word("from")
        wanted = self.name()
        known = {name.lower(): it for name, it in self.objects.items() if "q" in it.flags}
        if wanted.lower() not in known:
            raise no_such_object(wanted)
        self.object = known[wanted.lower()]
        fields = [] if counts else [self.field(name) for name in names]
        matches: Matches = self.condition() if self.takes("where") else (lambda record: True)
        order = []
        if self.takes("order"):
            self.word("by")
            order.append(self.ordering())
            while self.takes(","):
                order.append(self.ordering())
        limit = int(self.next()[1]) if self.takes("limit") else None
        if self.place < len(self.tokens):
            raise malformed(f"unexpected token: '{self.tokens[self.place][1]}'")
        twice = {it.name for it in fields if fields.count(it) > 1}
        if twice:
            raise malformed(f"duplicate field selected: {min(twice)}")
        return Query(
            text=self.text,
            object=self.object,
            fields=fields,
            counts=counts,
            matches=matches,
            order=order,
            limit=limit,
        )

    def ordering(self) -> tuple[str, bool]:
        name = self.field(self.name()).name
        down = self.takes("desc")
        return name, down or (self.takes("asc") and False)

    def condition(self) -> Matches:
        parts, joint = [self.term()], ""
        while (found := self.peek().lower()) in ("and", "or"):
            if joint and found != joint:
                raise malformed(f"unexpected token: '{found.upper()}'")
            joint = found
            self.next()
            parts.append(self.term())
        if joint == "or":
            return lambda record: any(part(record) for part in parts)
        return lambda record: all(part(record) for part in parts)

    def term(self) -> Matches:
        if self.takes("("):
            inside = self.condition()
            self.needs(")")
            return inside
        if self.takes("not"):
            opposite = self.term()
            return lambda record: not opposite(record)
        known = self.field(self.name())
        if not known.described()["filterable"]:
            raise malformed(f"field '{known.name}' can not be filtered in a query call")
        name = known.name
        negated = self.takes("not")
        kind, sign = self.next()
        if sign.lower() == "in":
            self.needs("(")
            values = [self.value(known)]
            while self.takes(","):
                values.append(self.value(known))
            self.needs(")")
            return lambda record: (_folded(known, record[name]) in values) is not negated
        if sign.lower() == "like":
            like = re.escape(str(self.value(known))).replace("%", ".*").replace("_", ".")
            pattern = re.compile(like, re.IGNORECASE | re.DOTALL)
            return lambda record: pattern.fullmatch(str(record[name] or "")) is not None
        if kind != "sign" or sign not in COMPARISONS:
            raise malformed(f"unexpected token: '{sign}'")
        compare, value = COMPARISONS[sign], self.value(known)
        return lambda record: compare(_folded(known, record[name]), value)

    def value(self, known: SField) -> Any:
        kind, text = self.next()
        if kind == "word":
            if text.lower() in ("true", "false"):
                return text.lower() == "true"
            if text.lower() == "null":
                return None
        if kind == "string" and known.type not in ("date", "datetime", "boolean"):
            return _folded(known, re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "moment" and known.type == "datetime":
            exact = datetime.fromisoformat(text).astimezone(UTC)
            return exact.strftime("%Y-%m-%dT%H:%M:%S.") + f"{exact.microsecond // 1000:03d}+0000"
        if kind == "date" and known.type == "date":
            return text
        if kind == "number" and known.type in ("int", "double", "currency", "percent"):
            return float(text)
        raise malformed(f"value of filter criterion for field '{known.name}' must be of type "
                        f"{known.type} and should not be enclosed in quotes")  # fmt: skip

    def field(self, name: str) -> SField:
        known = {each.lower(): it for each, it in self.object.fields.items()}
        if name.lower() not in known:
            raise no_such_field(self.text, name, self.object.name)
        return known[name.lower()]

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def next(self) -> tuple[str, str]:
        if self.place >= len(self.tokens):
            raise malformed("unexpected token: '<EOF>'")
        self.place += 1
        return self.tokens[self.place - 1]

    def takes(self, word: str) -> bool:
        found = self.peek().lower() == word
        self.place += found
        return found

    def needs(self, sign: str) -> None:
        if not self.takes(sign):
            raise malformed(f"expecting '{sign}', found '{self.peek() or '<EOF>'}'")

    word = needs

    def name(self) -> str:
        kind, text = self.next()
        if kind != "word":
            raise malformed(f"unexpected token: '{text}'")
        return text


def _folded(known: SField, value: Any) -> Any:
    if isinstance(value, str) and known.type not in ("id", "reference", "date", "datetime"):
        return value.lower()
    return value


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: a is not None and bool(a < b),
    "<=": lambda a, b: a is not None and bool(a <= b),
    ">": lambda a, b: a is not None and bool(a > b),
    ">=": lambda a, b: a is not None and bool(a >= b),
}
