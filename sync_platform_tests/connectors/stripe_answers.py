"""An Api that answers as Stripe does, and reads through it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sync_platform import spec
from sync_platform.connectors._stripe_reads import VERSION
from sync_platform.connectors.stripe import connector
from sync_platform.errors import UnexpectedResponse

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
JAN_2 = datetime(2024, 1, 2, tzinfo=UTC)
SECOND = int(JAN_1.timestamp())
Json = dict[str, Any]


class Answers:
    """An Api with an answer for each path, one after the other; remembers what was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = {
            path: iter(it if isinstance(it, list) else [it]) for path, it in answers.items()
        }
        self.asked: list[tuple[str, Json]] = []
        self.settings: Mapping[str, str] = {}

    def get(self, path: str, **params: str) -> Any:
        return self.send(spec.get(path, params=params))

    def send(self, request: spec.Request, asked: object = None) -> Any:
        params = request.params
        assert isinstance(params, Mapping)
        self.asked.append((request.path, {k: v for k, v in params.items() if v is not None}))
        if request.path not in self.answers:
            raise not_found('{"error": {"code": "resource_missing", "param": "id"}}')
        said = next(self.answers[request.path])
        if isinstance(said, Exception):
            raise said
        return said

    def pause(self, seconds: float) -> None:
        raise AssertionError("not waited for")

    def ask(self, request: spec.Request, asked: object = None) -> spec.Answer:
        raise AssertionError("not asked")


def not_found(body: str) -> UnexpectedResponse:
    return UnexpectedResponse("There is none.", evidence={"status": 404, "body": body})


def page(*data: Any, more: bool = False) -> Json:
    return {"object": "list", "data": list(data), "has_more": more, "url": "/v1/things"}


def event(at: int, type: str, about: Json, version: str = VERSION, **before: Any) -> Json:
    return {
        "id": f"evt_{at}_{about['id']}",
        "created": SECOND + at,
        "type": type,
        "api_version": version,
        "data": {"object": about} | ({"previous_attributes": before} if before else {}),
    }


def customer(id: str, **about: Any) -> Json:
    return {"id": id, "object": "customer", "created": SECOND, "metadata": {}, **about}


def read(api: Answers, name: str, **asked: Any) -> list[spec.Page]:
    reading = connector[name].read
    assert callable(reading)
    return list(reading(api, spec.Read(**asked)))


def changes(api: Answers, name: str, **asked: Any) -> list[spec.Page]:
    feed = connector[name].changes
    assert feed is not None
    return list(feed.read(api, spec.Read(since=JAN_1, until=JAN_2, **asked)))


def rows(pages: list[spec.Page]) -> Iterator[spec.Row]:
    for each in pages:
        yield from each.rows
