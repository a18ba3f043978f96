"""What an app asks of the fake Airtable."""

from collections.abc import Callable
from typing import Any

import httpx

SIGNED = {"Authorization": "Bearer sandbox-token"}


Json = dict[str, Any]


Listing = Callable[..., Json]


def names(found: Json) -> list[str]:
    return [each["fields"]["Name"] for each in found["records"]]


def refused(response: httpx.Response) -> tuple[int, str]:
    said = response.json()["error"]
    return response.status_code, said if isinstance(said, str) else said["type"]
