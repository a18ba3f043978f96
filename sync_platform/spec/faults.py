"""All that is wrong with a declaration, said in sentences, before anything runs."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, get_args

from sync_platform.spec.auth import Auth
from sync_platform.spec.connector import Connector, Interval, no_misfits
from sync_platform.spec.limits import RateLimit
from sync_platform.spec.objects import FIELD_TYPES, FILTER_KINDS, ConnectorObject, Field, Filter
from sync_platform.spec.pages import CountedPages
from sync_platform.spec.requests import Request
from sync_platform.spec.times import UNITS

CONNECTOR_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
OBJECT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
MOST_SIDE_BY_SIDE = 32  # each is a thread, and a page in memory


def faults(connector: Connector) -> list[str]:
    """What must be mended in `connector`, a sentence each, naming the slot; empty when sound."""
    found = []
    try:
        for fault in _connector(connector):
            found.append(fault)
    except (AttributeError, TypeError) as error:  # a slot of another type than it is declared to be
        found.append(f"A slot holds what it cannot, so what follows it was not read: {error}.")
    return found


def _connector(it: Connector) -> Iterator[str]:
    if not isinstance(it.name, str) or not CONNECTOR_NAME.fullmatch(it.name):
        yield f"name: {it.name!r} must be a lower-case word (letters, digits, _; starts with one)."
    if not it.label:
        yield "label: say how people call it, such as 'HubSpot'."
    if not callable(it.base_url) and not re.match(r"https?://[^/]", str(it.base_url)):
        yield f"base_url: {it.base_url!r} must start with https:// (or be a function of settings)."
    if not it.auth:
        yield "auth: at least one way to sign in is needed."
    for way in it.auth:
        if not isinstance(way, Auth):
            known = ", ".join(each.__name__ for each in get_args(Auth))
            yield f"auth: {way!r} is none of {known}."
    if not callable(it.check):
        yield from _request("check", it.check)
    names = [limit.name for limit in it.limits]
    for limit in it.limits:
        yield from _limit(limit)
        if names.count(limit.name) > 1:
            yield f"limits: the name {limit.name!r} stands there twice."
    yield from _interval(it.interval)
    if it.object_settings and it.misfits is no_misfits:
        yield "object_settings: without `misfits`, nobody notices one that is mistyped."
    if (it.discover is None) is not (it.discovered is None):
        yield "discover, discovered: one lists objects, the other makes them; say both or none."
    if not it.objects and it.discover is None:
        yield "objects: there are none, and no `discover` to find them."
    seen: set[str] = set()
    for obj in it.objects:
        if not isinstance(obj, ConnectorObject):
            yield f"objects: {obj!r} is not a ConnectorObject."
            continue
        if obj.name.lower() in seen:
            yield f"objects: {obj.name!r} stands there twice."
        seen.add(obj.name.lower())
        yield from (f"objects[{obj.name!r}].{fault}" for fault in _object(obj))


def _object(obj: ConnectorObject) -> Iterator[str]:
    if not OBJECT_NAME.fullmatch(obj.name):
        yield f"name: {obj.name!r} must be letters, digits and _, at most 63."
    yield from _reading("read", obj.read)
    if obj.deletes is not None:
        yield from _reading("deletes", obj.deletes)
    if not obj.keys or not all(isinstance(part, str) and part for part in obj.keys):
        yield f"key: {obj.key!r} must be a field's name, or a tuple of them."
    if not callable(obj.fields):
        yield from _fields(obj)
    for wanted in obj.filters:
        if not isinstance(wanted, Filter):
            yield f"filters: {wanted!r} is not a Filter."
        elif wanted.kind not in FILTER_KINDS:
            known = ", ".join(FILTER_KINDS)
            yield f"filters: {wanted.name!r} has kind {wanted.kind!r}; there are {known}."
    if obj.lookback < timedelta(0):
        yield "lookback: it must not be negative."
    if obj.step is not None and obj.step <= timedelta(0):
        yield "step: it must be a positive span of time."
    if obj.deletes_remembered is not None and obj.deletes is None:
        yield "deletes_remembered: it means nothing without `deletes`."
    if obj.deletes_begin is not None and obj.deletes is None:
        yield "deletes_begin: it means nothing without `deletes`."
    if not obj.incremental and (obj.lookback or obj.step):
        yield "lookback, step: they mean nothing without a `cursor` or `changes`."
    if obj.computed_every is not None and obj.computed_every <= timedelta(0):
        yield "computed_every: it must be a positive span of time."
    if obj.changes is not None and obj.changes.remembers <= obj.lookback:
        yield "changes: what the vendor remembers must reach further back than `lookback`."
    if obj.bulk is not None and obj.bulk.above < 0:
        yield "bulk: `above` must not be negative."
    yield from _side_by_side(obj)
    if not callable(obj.row):
        yield "row: it must be a function from a record to a row."
    for slot in ("create", "update", "delete"):
        request = getattr(obj, slot)
        if request is not None and not callable(request):
            yield from _request(slot, request)
            yield from _at_once(slot, request)
            late = callable(request.json) or callable(request.params)
            if slot != "create" and "{key}" not in request.path and not late:
                yield f"{slot}: neither its path has {{key}} nor its json is a function of the key."


def _at_once(slot: str, request: Request) -> Iterator[str]:
    if request.at_once < 1:
        yield f"{slot}: at_once must be a number of changes, at least one."
    elif request.at_once > 1 and "{key}" in request.path:
        yield f"{slot}: its path has {{key}}, so it cannot carry several changes at_once."


def _side_by_side(obj: ConnectorObject) -> Iterator[str]:
    if not 1 <= obj.side_by_side <= MOST_SIDE_BY_SIDE:
        yield f"side_by_side: it must be a number of calls from 1 to {MOST_SIDE_BY_SIDE}."
        return
    readings = [each for each in (obj.read, obj.deletes) if isinstance(each, Request)]
    counted = any(isinstance(it.pages, CountedPages) for it in readings)
    if obj.side_by_side > 1 and not counted and obj.step is None:
        yield (
            "side_by_side: only pages by offset_pages or numbered_pages, and the windows of a "
            "`step`, can be read side by side; other pages are known only when the page before "
            "them has come."
        )


def _fields(obj: ConnectorObject) -> Iterator[str]:
    declared = list(obj.fields)  # type: ignore[arg-type]
    names: list[str] = []
    for field in declared:
        if not isinstance(field, Field):
            yield f"fields: {field!r} is not a Field."
            continue
        if field.type not in FIELD_TYPES:
            known = ", ".join(FIELD_TYPES)
            yield f"fields: {field.name!r} has type {field.type!r}; there are {known}."
        if field.epoch is not None and field.epoch not in UNITS:
            units = ", ".join(UNITS)
            yield f"fields: {field.name!r} has epoch {field.epoch!r}; there are {units}."
        if field.epoch is not None and field.type not in ("date", "timestamp"):
            yield f"fields: {field.name!r} has an epoch, which only a date or timestamp can have."
        if field.name in names:
            yield f"fields: {field.name!r} stands there twice."
        names.append(field.name)
    called = [it.id for it in declared if isinstance(it, Field) and it.id] if obj.by_id else []
    for slot, name in [("key", part) for part in obj.keys] + [("cursor", obj.cursor)]:
        if name is not None and name not in names and name not in called:
            yield f"{slot}: {name!r} is not among its fields."


def _reading(slot: str, reading: Request | Callable[..., Any]) -> Iterator[str]:
    if isinstance(reading, Request):
        yield from _request(slot, reading)
        if reading.method == "POST" and not reading.repeatable:
            yield f"{slot}: a POST that only reads must say safe_to_repeat=True."
    elif not callable(reading):
        yield f"{slot}: {reading!r} is neither a Request nor a function."


def _request(slot: str, request: Any) -> Iterator[str]:
    if not isinstance(request, Request):
        yield f"{slot}: {request!r} is not a Request; write spec.get(...), spec.post(...)."
        return
    if not request.path.startswith("/"):
        yield f"{slot}: the path {request.path!r} must start with '/'."
    if not callable(request.pages):
        yield f"{slot}: pages must be a paginator, such as spec.cursor_pages(...)."
    elif isinstance(request.pages, CountedPages):
        if request.pages.limit is not None and request.pages.limit < 1:
            yield f"{slot}: pages must have a limit of at least one record."
        if request.pages.total is not None and request.pages.limit is None:
            yield f"{slot}: pages with a total need a limit; without it nobody knows how many."


def _limit(limit: RateLimit) -> Iterator[str]:
    if limit.calls < 1 or limit.seconds <= 0:
        yield f"limits: {limit.name!r} must allow at least one call in a positive time."


def _interval(it: Interval) -> Iterator[str]:
    if not timedelta(0) < it.shortest <= it.default <= it.longest:
        yield "interval: it must hold 0 < shortest <= default <= longest."
