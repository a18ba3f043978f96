"""Stripe's own description of its API (OpenAPI 3.0), as the tests read it.

The trimmed copy lacks the paths of some objects (their schemas are there): see UNDESCRIBED.
"""

import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).parents[3] / "shared" / "specs" / "stripe.json"
UNDESCRIBED = ("coupons", "promotion_codes", "setup_intents", "subscription_items")
Json = dict[str, Any]


def as_json_schema(schema: Any) -> Any:
    """OpenAPI's `nullable`, in the words of JSON Schema."""
    if isinstance(schema, list):
        return [as_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: as_json_schema(one) for name, one in schema.items()}
    if schema.pop("nullable", False) is not True:
        return schema
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


class Document:
    """The description, its schemas ready to validate with."""

    def __init__(self, document: Json) -> None:
        self.schemas: Json = document["components"]["schemas"]
        self.paths: Json = document["paths"]
        made = as_json_schema(document)
        resource = Resource.from_contents(made, default_specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource("urn:document", resource)

    def operation(self, method: str, path: str) -> Json:
        """The operation of the most literal path that fits."""
        fitting = [
            template
            for template, operations in self.paths.items()
            if method in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        assert fitting, f"Stripe has no {method.upper()} {path}"
        template = min(fitting, key=lambda one: one.count("{"))
        found: Json = {"parameters": [], "at": f"{template}/{method}"} | self.paths[template][
            method
        ]
        return found

    def validate(self, value: Any, *pointer: str) -> None:
        """Hold a value against the schema at a place of the document; raises ValidationError."""
        steps = (step.replace("~", "~0").replace("/", "~1") for step in pointer)
        place = "/".join(step.replace("{", "%7B").replace("}", "%7D") for step in steps)
        wanted = {"$ref": f"urn:document#/{place}"}
        Draft202012Validator(wanted, registry=self.registry).validate(value)

    def validate_object(self, name: str, value: Any) -> None:
        """Hold one object against its schema."""
        self.validate(value, "components", "schemas", name)

    def properties(self, object: str) -> Json:
        """The object's properties that are not deprecated."""
        found: Json = self.schemas[object]["properties"]
        return {name: it for name, it in found.items() if not it.get("deprecated")}
