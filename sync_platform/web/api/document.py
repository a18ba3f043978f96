"""The OpenAPI document of the API, made out of its routes."""

import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from sync_platform import __version__
from sync_platform.web.api.answers import Problem, Wrong

ABOUT = """\
Connect accounts by key, choose what is synced, start syncs and follow them.

Make an API key on the platform's pages (Settings, API keys) and send it as `Authorization: Bearer
sp_…`. A key has scopes: `read` sees, `sync` starts and cancels syncs, `write` connects, changes and
disconnects; `admin` may do all of it. A key for some workspaces sees only their connections.

Lists come in pages: follow `next` until it is null. Moments are ISO 8601 in UTC, intervals are
minutes. What goes wrong is a problem document (RFC 9457); its `code` is stable. A POST with an
`Idempotency-Key` may be sent again within 24 hours and is done once.
"""
METHODS = ("get", "post", "patch", "put", "delete")
SCHEMA = "#/components/schemas/"


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the API's routes, made once."""
    made: dict[str, Any] | None = getattr(app.state, "api_document", None)
    if made is None:
        made = get_openapi(
            title="sync_platform",
            version=__version__,
            description=ABOUT,
            routes=app.routes,  # the pages keep themselves out of it
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        for model in (Problem, Wrong):
            schema = TypeAdapter(model).json_schema(ref_template=SCHEMA + "{model}")
            schema.pop("$defs", None)
            schemas[model.__name__] = schema
        app.state.api_document = made
    return made


def methods_at(app: FastAPI, path: str) -> list[str]:
    """What may be done at an address of the API; nothing where there is none."""
    for template, operations in document(app)["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return [each.upper() for each in METHODS if each in operations]
    return []
