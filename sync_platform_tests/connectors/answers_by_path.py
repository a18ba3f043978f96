"""An Api that has an answer for each path."""

from collections.abc import Mapping
from typing import Any

from sync_platform import spec
from sync_platform.spec import Json


class Answers:
    """An Api that has an answer for each path, and remembers what was asked."""

    def __init__(self, answers: Mapping[str, Any], **settings: str) -> None:
        self.answers, self.settings = answers, settings
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent: list[spec.Request] = []
        self.refusal: Exception | None = None  # of all that is sent

    def get(self, path: str, **params: str) -> Json:
        self.asked.append((path, params))
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer(**params) if callable(answer) else answer

    def send(self, request: spec.Request, asked: object = None) -> Json:
        self.sent.append(request)
        if self.refusal is not None:
            raise self.refusal
        return {}

    def ask(self, request: spec.Request, asked: object = None) -> spec.Answer:
        raise AssertionError("not asked")

    def pause(self, seconds: float) -> None:
        raise AssertionError("not asked")
