"""The API's own description: the OpenAPI document, and a page made of it that needs no scripts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from sync_platform.web.access import AnyCaller
from sync_platform.web.api.document import ABOUT, METHODS, SCHEMA, document
from sync_platform.web.rendering import page

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A field or parameter, as a row of a table."""

    name: str
    type: str
    needed: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is sent or answered, by name."""

    name: str
    description: str
    entries: list[Entry]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    tag: str
    parameters: list[Entry]
    sends: str | None
    answers: list[tuple[str, str, str]]  # status, description, shape


@router.get("/openapi.json")
def openapi(request: Request, caller: AnyCaller) -> Response:
    """The document."""
    return JSONResponse(document(request.app))


@router.get("/reference")
def reference(request: Request, caller: AnyCaller) -> Response:
    """The document, readable."""
    told = document(request.app)
    shapes = list(_shapes(told))
    return page(
        request,
        "reference.html",
        title="API reference",
        about=ABOUT.strip().split("\n\n"),
        operations=list(_operations(told)),
        shapes=shapes,
        known={each.name for each in shapes},
    )


def _operations(told: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in told["paths"].items():
        for method in METHODS:
            if method not in methods:
                continue
            it = methods[method]
            body = it.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield Operation(
                id=it["operationId"],
                method=method.upper(),
                path=path,
                summary=it.get("summary", ""),
                description=it.get("description", ""),
                tag=(it.get("tags") or [""])[0],
                parameters=[
                    _entry(each["name"], each["schema"], each.get("required", False), each)
                    for each in it.get("parameters", ())
                ],
                sends=_type(body["schema"]) if body else None,
                answers=[
                    (status, each.get("description", ""), _answered(each))
                    for status, each in sorted(it["responses"].items())
                ],
            )


def _answered(response: dict[str, Any]) -> str:
    content = response.get("content", {})
    return next((_type(each.get("schema", {})) for each in content.values()), "")


def _shapes(told: dict[str, Any]) -> Iterator[Shape]:
    for name, schema in told["components"]["schemas"].items():
        needed = schema.get("required", ())
        values = ", ".join(str(each) for each in schema.get("enum", ()))
        yield Shape(
            name=name,
            description=schema.get("description", "") + (f" One of: {values}." if values else ""),
            entries=[
                _entry(each, it, each in needed, it)
                for each, it in schema.get("properties", {}).items()
            ],
        )


def _entry(name: str, schema: dict[str, Any], needed: bool, about: dict[str, Any]) -> Entry:
    return Entry(
        name=name,
        type=_type(schema),
        needed=needed,
        description=about.get("description") or schema.get("description") or "",
    )


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(SCHEMA)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[choice]))
    if "enum" in schema:
        return " or ".join(repr(each) for each in schema["enum"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") or kind)
