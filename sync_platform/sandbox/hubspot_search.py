"""HubSpot's search: filters, one sort, ten thousand results at most.

What matches is kept, in order, per set of filters until a record changes; a bound on the id is cut
from it afterwards. So paging by `hs_object_id GT …` through 100,000 records costs one look at each.
"""

import fnmatch
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.hubspot_errors import invalid
from sync_platform.sandbox.hubspot_properties import (
    InvalidValue,
    Property,
    milliseconds,
    moment,
)
from sync_platform.sandbox.hubspot_records import Index, Record

MOST_RESULTS = 10_000
MOST_GROUPS = 6
MOST_FILTERS = 18
MOST_A_PAGE = 200
NO_BOUNDS = (0, 2**63)

Comparable = float | str
Test = Callable[[dict[str, str]], bool]
Properties = Mapping[str, Property]


@dataclass(frozen=True)
class Found:
    total: int
    records: list[Record]
    after: int | None


class Search:
    """Searches one object's index."""

    def __init__(self, index: Index, searched: Sequence[str]) -> None:
        self.index = index
        self.searched = searched
        self._kept: dict[bytes, list[int]] = {}
        self._kept_of = -1

    def find(self, asked: Json, properties: Properties) -> Found:
        """The page of results that a request body asks for."""
        limit = _whole_number(asked, "limit", 10)
        after = _whole_number(asked, "after", 0)
        if not 0 < limit <= MOST_A_PAGE:
            raise invalid(f"The limit must be between 1 and {MOST_A_PAGE}, not {limit}.")
        if after + limit > MOST_RESULTS:
            raise invalid("There was a problem with the request.", "PAGING_LIMIT_EXCEEDED")
        groups = _groups(asked, properties)
        query = asked.get("query") or ""
        sort = _sort(asked, properties)
        ids = self._ids(groups, query, sort, properties)
        page = ids[after : after + limit]
        more = after + limit < len(ids)
        records = [self.index.by_id[id] for id in page]
        return Found(len(ids), records, after + limit if more else None)

    def _ids(
        self, groups: list[list[Json]], query: str, sort: tuple[str, bool], properties: Properties
    ) -> list[int]:
        bounds, groups = _without_id_bounds(groups)
        matching = self._keep(
            ["match", groups, query], lambda: self._matching(groups, query, properties)
        )
        if bounds != NO_BOUNDS:
            matching = matching[
                bisect_left(matching, bounds[0]) : bisect_right(matching, bounds[1])
            ]
        name, descending = sort
        if name == "hs_object_id":
            return matching[::-1] if descending else matching
        return self._keep(
            ["sort", groups, query, bounds, sort],
            lambda: self._sorted(matching, properties[name], descending),
        )

    def _keep(self, key: object, find: Callable[[], list[int]]) -> list[int]:
        if self._kept_of != self.index.version or len(self._kept) > 20:
            self._kept = {}
            self._kept_of = self.index.version
        name = orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
        if name not in self._kept:
            self._kept[name] = find()
        return self._kept[name]

    def _matching(self, groups: list[list[Json]], query: str, properties: Properties) -> list[int]:
        tests = [[_test(filter, properties) for filter in group] for group in groups]
        if query:
            said = _said(query, self.searched)
            tests = [[said, *group] for group in tests] or [[said]]
        if not tests or any(not group for group in tests):
            return self.index.ids.copy()
        if len(tests) == 1 and len(tests[0]) == 1:
            only = tests[0][0]
            return [record.id for record in self.index if only(record.properties)]
        return [
            record.id
            for record in self.index
            if any(all(test(record.properties) for test in group) for group in tests)
        ]

    def _sorted(self, ids: list[int], property: Property, descending: bool) -> list[int]:
        """By value, those without one last, equal ones by id."""
        read = _reader(property)
        records = self.index.by_id
        valued = [
            (read(value), id) for id in ids if (value := records[id].properties.get(property.name))
        ]
        valued.sort(key=lambda pair: pair[0], reverse=descending)
        missing = [id for id in ids if not records[id].properties.get(property.name)]
        return [id for _, id in valued] + missing


def _whole_number(asked: Json, name: str, default: int) -> int:
    value = asked.get(name)
    if value is None or value == "":
        return default
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if isinstance(value, bool) or number < 0:
        raise invalid(f"{name} must be a whole number, not {value!r}.")
    return number


def _groups(asked: Json, properties: Properties) -> list[list[Json]]:
    groups = asked.get("filterGroups") or []
    if asked.get("filters"):  # the short form for a single group
        groups = [*groups, {"filters": asked["filters"]}]
    if not _are_objects(groups):
        raise invalid("filterGroups must be a list of objects.")
    if len(groups) > MOST_GROUPS:
        raise invalid(f"Number of filter groups exceeds the maximum of {MOST_GROUPS}.")
    listed = [group.get("filters") or [] for group in groups]
    if not all(_are_objects(filters) for filters in listed):
        raise invalid("filters must be a list of objects.")
    if sum(len(filters) for filters in listed) > MOST_FILTERS:
        raise invalid(f"Number of filters exceeds the maximum of {MOST_FILTERS}.")
    for filter in (filter for filters in listed for filter in filters):
        name = filter.get("propertyName")
        if not isinstance(name, str) or name not in properties:
            raise invalid(f"There is no property {name!r}.", "PROPERTY_DOESNT_EXIST")
    return listed


def _are_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _sort(asked: Json, properties: Properties) -> tuple[str, bool]:
    sorts = asked.get("sorts") or []
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid("Only one sort is allowed, in a list.")
    if not sorts:
        return "hs_object_id", False
    if isinstance(sorts[0], str):
        name, descending = sorts[0].lstrip("-"), sorts[0].startswith("-")
    else:
        if not _are_objects(sorts):
            raise invalid("A sort is a name, or an object with a propertyName.")
        name = sorts[0].get("propertyName")
        direction = sorts[0].get("direction", "ASCENDING")
        if direction not in ("ASCENDING", "DESCENDING"):
            raise invalid(f"{direction!r} is no direction to sort in.")
        descending = direction == "DESCENDING"
    if name not in properties:
        raise invalid(f"There is no property {name!r} to sort by.", "PROPERTY_DOESNT_EXIST")
    return name, descending


def _without_id_bounds(groups: list[list[Json]]) -> tuple[tuple[int, int], list[list[Json]]]:
    """Bounds on the id taken out of a single group, as lowest and highest id."""
    if len(groups) != 1:
        return NO_BOUNDS, groups
    low, high = NO_BOUNDS
    others = []
    for filter in groups[0]:
        value = str(filter.get("value", ""))
        if filter["propertyName"] != "hs_object_id" or not value.isdecimal():
            others.append(filter)
            continue
        match filter.get("operator"):
            case "GT":
                low = max(low, int(value) + 1)
            case "GTE":
                low = max(low, int(value))
            case "LT":
                high = min(high, int(value) - 1)
            case "LTE":
                high = min(high, int(value))
            case _:
                others.append(filter)
    return (min(low, NO_BOUNDS[1]), high), [others] if others else []


def _reader(property: Property) -> Callable[[str], Comparable]:
    """How a stored text of this property compares: numbers as numbers, words in lower case."""
    if property.type == "number":
        return float
    if property.type in ("datetime", "date", "enumeration"):
        return str
    return str.lower


def _wanted(property: Property, value: Any) -> Comparable:
    """A filter's value, made comparable with what is stored."""
    if value is None or isinstance(value, list | dict):
        raise invalid(f"The filter on {property.name} needs a value.")
    text = str(value)
    try:
        if property.type == "number":
            return float(text)
        if property.type == "datetime":
            return moment(milliseconds(text))
        if property.type == "date":
            return moment(milliseconds(text))[:10]
    except (ValueError, OverflowError, InvalidValue) as problem:
        raise invalid(f"{text!r} is no {property.type} to compare {property.name} with.") from (
            problem
        )
    return _reader(property)(text)


def _test(filter: Json, properties: Properties) -> Test:
    """One filter as a test of a record's properties."""
    property = properties[filter["propertyName"]]
    name, read = property.name, _reader(property)
    operator = filter.get("operator")
    if operator == "HAS_PROPERTY":
        return lambda values: bool(values.get(name))
    if operator == "NOT_HAS_PROPERTY":
        return lambda values: not values.get(name)
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        contains = _containing(str(filter.get("value", "")))
        if operator == "CONTAINS_TOKEN":
            return lambda values: contains(values.get(name) or "")
        return lambda values: not contains(values.get(name) or "")
    compare = _comparison(operator, filter, property)
    return lambda values: (value := values.get(name, "")) != "" and compare(read(value))


def _comparison(operator: Any, filter: Json, property: Property) -> Callable[[Any], bool]:
    if operator in ("IN", "NOT_IN"):
        listed = filter.get("values")
        if not isinstance(listed, list) or not listed:
            raise invalid(f"The {operator} filter on {property.name} needs a list of values.")
        wanted = {_wanted(property, value) for value in listed}
        return (lambda v: v in wanted) if operator == "IN" else (lambda v: v not in wanted)
    low: Any = _wanted(property, filter.get("value"))
    if operator == "BETWEEN":
        high: Any = _wanted(property, filter.get("highValue"))
        return lambda v: bool(low <= v <= high)
    comparisons: dict[str, Callable[[Any], bool]] = {
        "EQ": lambda v: bool(v == low),
        "NEQ": lambda v: bool(v != low),
        "LT": lambda v: bool(v < low),
        "LTE": lambda v: bool(v <= low),
        "GT": lambda v: bool(v > low),
        "GTE": lambda v: bool(v >= low),
    }
    if operator not in comparisons:
        raise invalid(f"{operator!r} is no operator.")
    return comparisons[operator]


def _containing(wanted: str) -> Callable[[str], bool]:
    """Whether a text has a word, or fits a pattern with `*`."""
    pattern = wanted.lower()
    if "*" in pattern:
        return lambda text: any(
            fnmatch.fnmatchcase(part, pattern) for part in (text.lower(), *_words(text))
        )
    words = _words(pattern)
    return lambda text: bool(words) and words <= _words(text)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _said(query: str, searched: Sequence[str]) -> Test:
    """Whether a text occurs in the properties that HubSpot looks in."""
    wanted = query.lower()
    return lambda values: any(wanted in values.get(name, "").lower() for name in searched)
