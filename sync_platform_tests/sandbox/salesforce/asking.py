"""What an app asks of the fake Salesforce."""

from typing import Any

import httpx

V = "/services/data/v62.0"


Json = dict[str, Any]


A_DAY = 86_400.0


def query(client: httpx.Client, text: str, path: str = "query", **headers: str) -> Json:
    answer = client.get(f"{V}/{path}", params={"q": text}, headers=headers)
    found: Json = answer.raise_for_status().json()
    return found


def names(client: httpx.Client, where: str, path: str = "query") -> list[str]:
    found = query(client, f"SELECT Name FROM Account WHERE {where} ORDER BY Name", path)
    return [it["Name"] for it in found["records"]]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]
