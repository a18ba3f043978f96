"""What vendors send may hold what Postgres cannot: here it is made to fit."""

import json
from collections.abc import Callable, Mapping
from typing import Any


def storable(value: Any) -> Any:
    """The value as JSON that Postgres takes: without NUL and lone surrogates; text for the rest."""
    return _as_json(value, text)


def exact_mapping(value: Mapping[str, Any]) -> dict[str, Any] | str:
    """The mapping as JSON that Postgres takes and `mapping_back` makes the same of, but for what
    is no JSON: itself, or its text where Postgres cannot keep it. No mapping looks like a text."""
    whole = _as_json(value, str)
    kept: dict[str, Any] = storable(value)
    return kept if kept == whole else json.dumps(whole)


def mapping_back(kept: dict[str, Any] | str) -> dict[str, Any]:
    """The mapping that `exact_mapping` was given."""
    if not isinstance(kept, str):
        return kept
    read: dict[str, Any] = json.loads(kept)
    return read


def exact(value: str) -> str | list[int]:
    """The text as JSON that Postgres takes and `read_back` makes the same text of: itself, or its
    characters' numbers where Postgres cannot keep it. No text looks like these."""
    return value if text(value) == value else [ord(each) for each in value]


def read_back(kept: str | list[int]) -> str:
    """The text that `exact` was given."""
    return kept if isinstance(kept, str) else "".join(map(chr, kept))


def text(value: str) -> str:
    """The text without what Postgres cannot keep."""
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _as_json(value: Any, kept: Callable[[str], str]) -> Any:
    """The value as JSON, of each text in it what is kept."""
    if isinstance(value, str):
        return kept(value)
    if isinstance(value, Mapping):
        return {kept(str(name)): _as_json(each, kept) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_json(each, kept) for each in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    return kept(str(value))
