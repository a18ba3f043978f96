"""What an app asks of the fake Stripe."""

from typing import Any

import httpx

SIGNED = {"Authorization": "Bearer sandbox-token"}


Json = dict[str, Any]


def listed(client: httpx.Client, path: str, **params: Any) -> list[Json]:
    found: list[Json] = client.get(path, params=params).raise_for_status().json()["data"]
    return found


def told(client: httpx.Client, **params: Any) -> list[str]:
    return [it["type"] for it in listed(client, "/v1/events", limit=100, **params)]


def error(response: httpx.Response) -> tuple[int, Json]:
    return response.status_code, response.json()["error"]
