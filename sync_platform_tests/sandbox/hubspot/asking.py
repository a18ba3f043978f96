"""What an app asks of the fake HubSpot."""

from collections.abc import Callable
from typing import Any

import httpx

CONTACTS = "/crm/v3/objects/contacts"


SIGNED = {"Authorization": "Bearer sandbox-token"}


Json = dict[str, Any]


Searcher = Callable[..., Json]


def where(property: str, operator: str, value: Any = None, **more: Any) -> Json:
    return {"propertyName": property, "operator": operator, "value": value, **more}


def ids(found: Json) -> list[str]:
    return [one["id"] for one in found["results"]]


def detail(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]
