"""An Api that answers calls in turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sync_platform import spec


@dataclass
class Answers:
    """An Api that answers calls in turn, and remembers what was asked."""

    said: list[Any]
    settings: Mapping[str, str] = field(default_factory=dict)
    asked: list[spec.Request] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)

    def get(self, path: str, **params: str) -> spec.Json:
        return self.send(spec.get(path, params=params))

    def send(self, request: spec.Request, asked: object = None) -> spec.Json:
        return self.ask(request).body

    def ask(self, request: spec.Request, asked: object = None) -> spec.Answer:
        self.asked.append(request)
        said = self.said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, spec.Answer) else spec.Answer(said, {})

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
