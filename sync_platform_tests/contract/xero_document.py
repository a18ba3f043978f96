"""Xero's own description of its API (OpenAPI), as the contract tests read it."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).parents[3] / "shared" / "specs" / "xero.json"
ROOT = "/api.xro/2.0"
Json = dict[str, Any]


@dataclass(frozen=True)
class Document:
    """The description; `path`s are as they are called, with the accounting API's root."""

    json: Json = field(default_factory=lambda: orjson.loads(DOCUMENT.read_bytes()))

    @cached_property
    def registry(self) -> Registry[Any]:
        resource = Resource.from_contents(self.json, default_specification=DRAFT202012)
        registry: Registry[Any] = Registry().with_resource("urn:document", resource)
        return registry

    def operation(self, method: str, path: str) -> Json:
        """The operation of the most literal path that fits, with its parameters resolved. The
        identity API is described as `/Connections` and called `/connections`."""
        called = path.removeprefix(ROOT) if path != "/connections" else "/Connections"
        fitting = [
            template
            for template, operations in self.json["paths"].items()
            if method.lower() in operations
            and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), called)
        ]
        assert fitting, f"Xero describes no {method} {path}"
        template = min(fitting, key=lambda one: one.count("{"))
        found: Json = self.json["paths"][template][method.lower()]
        parameters = [self.resolved(each) for each in found.get("parameters", ())]
        return {**found, "parameters": parameters}

    def resolved(self, part: Json) -> Json:
        """What a reference means."""
        while "$ref" in part:
            target: Any = self.json
            for step in part["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            part = target
        return part

    def schema(self, name: str) -> Json:
        found: Json = self.json["components"]["schemas"][name]
        return found

    def validate(self, value: Any, schema: Json) -> None:
        """Raises ValidationError."""
        Draft202012Validator(
            _absolute(schema), registry=self.registry, format_checker=FormatChecker(["uuid"])
        ).validate(value)


def _absolute(schema: Any) -> Any:
    """A part of the document, with references that are good outside of it."""
    if isinstance(schema, list):
        return [_absolute(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: f"urn:document{each}" if name == "$ref" else _absolute(each)
        for name, each in schema.items()
    }
