"""Google's description of its Sheets API (OpenAPI, converted from its discovery document), to hold
answers and requests against. What it does not know is wrong, also where Google would pass over it.
"""

import copy
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).parents[3] / "shared" / "specs" / "google_sheets.json"
REASON = f"needs the description of Google's API at {DOCUMENT}"
PLACE = r"\{\w+\}"
Json = dict[str, Any]


class Contract:
    """Checks answers and requests; raises AssertionError or ValidationError."""

    def __init__(self) -> None:
        self.document = copy.deepcopy(orjson.loads(DOCUMENT.read_bytes()))
        for schema in self.document["components"]["schemas"].values():
            if "properties" in schema:
                schema["additionalProperties"] = False
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource("urn:document", resource)

    def answer(self, method: str, path: str, body: Any) -> None:
        """A success's body."""
        content = self.operation(method, path)["responses"]["200"]["content"]
        self._validate(content["application/json"]["schema"], body)

    def request(self, method: str, target: str, body: Any) -> None:
        """A call: path with query, and its decoded body (None where it has none)."""
        called = urlsplit(target)
        operation = self.operation(method, called.path)
        named = [*operation.get("parameters", ()), *self._shared(called.path)]
        known = {self._resolved(it)["name"] for it in named}
        given = {name for name, _ in parse_qsl(called.query, keep_blank_values=True)}
        assert given <= known, f"{target} has parameters that Google does not: {given - known}"
        described = operation.get("requestBody")
        if described is None:
            assert body is None, f"{method} {target} takes no body"
            return
        self._validate(described["content"]["application/json"]["schema"], body)

    def operation(self, method: str, path: str) -> Json:
        """The operation of the most literal path that fits."""
        fitting = [
            template
            for template, operations in self.document["paths"].items()
            if method.lower() in operations and self._pattern(template).fullmatch(path)
        ]
        assert fitting, f"Google has no {method} {path}"
        best = min(fitting, key=lambda it: (it.count("{"), -len(it)))
        found: Json = self.document["paths"][best][method.lower()]
        return found

    def _pattern(self, template: str) -> re.Pattern[str]:
        parts = [re.escape(part) for part in re.split(PLACE, template)]
        return re.compile("[^/]+".join(parts))

    def _shared(self, path: str) -> list[Json]:
        """Parameters that every call of a path may have."""
        found: list[Json] = []
        for template, operations in self.document["paths"].items():
            if self._pattern(template).fullmatch(path):
                found += operations.get("parameters", [])
        return found

    def _resolved(self, it: Json) -> Json:
        if "$ref" not in it:
            return it
        found: Json = self.document["components"]["parameters"][it["$ref"].rpartition("/")[2]]
        return found

    def _validate(self, schema: Json, body: Any) -> None:
        wanted = {"$ref": "urn:document" + schema["$ref"]}
        Draft202012Validator(wanted, registry=self.registry).validate(body)
