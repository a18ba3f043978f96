from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync_platform import spec

THINGS = spec.ConnectorObject(
    name="things",
    fields=[spec.Field("id"), spec.Field("changed", "timestamp")],
    read=spec.get("/things"),
    cursor="changed",
)
ACME = spec.Connector(
    name="acme",
    label="Acme",
    base_url="https://acme.test",
    auth=[spec.BearerToken()],
    objects=[THINGS],
    check=spec.get("/me"),
)
LIMIT = spec.RateLimit(name="burst", calls=1, seconds=1)


def test_a_sound_declaration_has_no_faults() -> None:
    assert spec.faults(ACME) == []


@pytest.mark.parametrize("unit", ["s", "ms", None])
@pytest.mark.parametrize("type", ["date", "timestamp"])
def test_dates_may_have_a_unit(type: Any, unit: Any) -> None:
    dated = replace(THINGS, fields=[spec.Field("id"), spec.Field("changed", type, epoch=unit)])
    assert spec.faults(replace(ACME, objects=[dated])) == []


def test_a_connector_that_only_discovers_is_sound() -> None:
    def lists(api: spec.Api) -> list[spec.Discovered]:
        return []

    def makes(found: spec.Discovered) -> spec.ConnectorObject:
        return THINGS

    assert spec.faults(replace(ACME, objects=[], discover=lists, discovered=makes)) == []
    (fault,) = spec.faults(replace(ACME, objects=[], discover=lists))
    assert fault.startswith("discover, discovered: ")


def test_counted_pages_may_be_read_side_by_side() -> None:
    pages = spec.offset_pages("skip", limit=100, total="total")
    counted = replace(THINGS, read=spec.get("/things", pages=pages), side_by_side=8)
    assert spec.faults(replace(ACME, objects=[counted])) == []


def test_fields_that_are_discovered_are_not_judged() -> None:
    discovered = replace(THINGS, fields=lambda api: [], key="nothing", cursor="neither")
    assert spec.faults(replace(ACME, objects=[discovered])) == []


@pytest.mark.parametrize(
    ("slots", "fault"),
    [
        ({"name": "Acme CRM"}, "name: 'Acme CRM' must be a lower-case word"),
        ({"name": None}, "name: None must be a lower-case word"),
        ({"label": ""}, "label: say how people call it"),
        ({"base_url": "acme.test"}, "base_url: 'acme.test' must start with https://"),
        ({"auth": []}, "auth: at least one way to sign in is needed."),
        ({"auth": ["token"]}, "auth: 'token' is none of OAuth2, ClientCredentials, JwtBearer,"),
        ({"check": "/me"}, "check: '/me' is not a Request; write spec.get(...), spec.post(...)."),
        ({"check": spec.get("me")}, "check: the path 'me' must start with '/'."),
        ({"limits": [LIMIT, LIMIT]}, "limits: the name 'burst' stands there twice."),
        ({"limits": [replace(LIMIT, calls=0)]}, "limits: 'burst' must allow at least one call"),
        ({"limits": [replace(LIMIT, seconds=0)]}, "limits: 'burst' must allow at least one call"),
        ({"interval": spec.Interval(default=spec.minutes(1))}, "interval: it must hold 0 < short"),
        ({"objects": []}, "objects: there are none, and no `discover` to find them."),
        (
            {"object_settings": "tab."},
            "object_settings: without `misfits`, nobody notices one that is mistyped.",
        ),
        ({"objects": ["things"]}, "objects: 'things' is not a ConnectorObject."),
        ({"objects": [THINGS, replace(THINGS, name="Things")]}, "objects: 'Things' stands there"),
        ({"objects": None}, "A slot holds what it cannot, so what follows it was not read: "),
    ],
)
def test_a_connectors_fault_is_told_with_its_slot(slots: dict[str, Any], fault: str) -> None:
    found = spec.faults(replace(ACME, **slots))
    assert [each for each in found if each.startswith(fault)], found


@pytest.mark.parametrize(
    ("slots", "fault"),
    [
        ({"name": "my things"}, "name: 'my things' must be letters, digits and _, at most 63."),
        ({"read": "/things"}, "read: '/things' is neither a Request nor a function."),
        ({"read": spec.post("/find")}, "read: a POST that only reads must say safe_to_repeat=True"),
        ({"deletes": spec.get("gone")}, "deletes: the path 'gone' must start with '/'."),
        ({"read": spec.get("/t", pages="next")}, "read: pages must be a paginator"),
        ({"read": spec.get("/t", pages=spec.numbered_pages(limit=0))}, "read: pages must have a l"),
        (
            {"read": spec.get("/t", pages=spec.numbered_pages(total="n"))},
            "read: pages with a total",
        ),
        ({"side_by_side": 0}, "side_by_side: it must be a number of calls from 1 to 32."),
        ({"side_by_side": 33}, "side_by_side: it must be a number of calls from 1 to 32."),
        ({"side_by_side": 4}, "side_by_side: only pages by offset_pages or numbered_pages, and"),
        ({"key": ""}, "key: '' must be a field's name, or a tuple of them."),
        ({"key": ()}, "key: () must be a field's name, or a tuple of them."),
        ({"key": "uuid"}, "key: 'uuid' is not among its fields."),
        ({"key": ("id", "uuid")}, "key: 'uuid' is not among its fields."),
        ({"cursor": "updated"}, "cursor: 'updated' is not among its fields."),
        ({"lookback": timedelta(-1)}, "lookback: it must not be negative."),
        ({"step": timedelta(0)}, "step: it must be a positive span of time."),
        ({"cursor": None, "step": spec.hours(1)}, "lookback, step: they mean nothing without a"),
        ({"row": "record"}, "row: it must be a function from a record to a row."),
        ({"fields": ["id"]}, "fields: 'id' is not a Field."),
        ({"fields": [spec.Field("id", "uuid")]}, "fields: 'id' has type 'uuid'; there are text, "),  # type: ignore[arg-type]
        (
            {"fields": [spec.Field("id"), spec.Field("changed", "date", epoch="us")]},  # type: ignore[arg-type]
            "fields: 'changed' has epoch 'us'; there are s, ms.",
        ),
        (
            {"fields": [spec.Field("id", epoch="s"), spec.Field("changed", "timestamp")]},
            "fields: 'id' has an epoch, which only a date or timestamp can have.",
        ),
        ({"fields": [*THINGS.fields, spec.Field("id")]}, "fields: 'id' stands there twice."),  # type: ignore[misc]
        ({"create": "/things"}, "create: '/things' is not a Request"),
        ({"update": spec.patch("/things")}, "update: neither its path has {key} nor its json"),
        ({"delete": spec.delete("/things")}, "delete: neither its path has {key} nor its json"),
    ],
)
def test_an_objects_fault_is_told_with_object_and_slot(slots: dict[str, Any], fault: str) -> None:
    found = spec.faults(replace(ACME, objects=[replace(THINGS, **slots)]))
    assert [each for each in found if each.startswith(f"objects['things'].{fault}")] or [
        each for each in found if each.startswith(f"objects['my things'].{fault}")
    ], found


def test_a_change_may_carry_its_key_in_the_body() -> None:
    update = spec.post("/graphql", json=lambda change: {"id": change.key})
    assert spec.faults(replace(ACME, objects=[replace(THINGS, update=update)])) == []


def test_all_faults_are_told_at_once() -> None:
    wrong = replace(THINGS, key="uuid", lookback=timedelta(-1))
    assert len(spec.faults(replace(ACME, label="", objects=[wrong]))) == 3
