"""What vendors send may hold what Postgres cannot: here it is made to fit. What people say is kept
as it is, or refused."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sync_platform.errors import SyncPlatformError

NUMBERS = "\x01"  # what begins so is followed by the numbers of a text's characters


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


def exact_text(value: str) -> str:
    """The text as one that Postgres takes and `text_back` makes the same of: itself, or its
    characters' numbers where Postgres cannot keep it."""
    kept = exact(value)
    if isinstance(kept, str) and not kept.startswith(NUMBERS):
        return kept
    return NUMBERS + json.dumps([ord(each) for each in value])


def text_back(kept: str) -> str:
    """The text that `exact_text` was given."""
    return read_back(json.loads(kept[1:])) if kept.startswith(NUMBERS) else kept


def as_given(
    values: Mapping[str, str], what: str, refusal: type[SyncPlatformError]
) -> dict[str, str]:
    """What a person said, if Postgres keeps all of it; raises `refusal`, which calls one of the
    values a `what`."""
    for name, value in values.items():
        if storable({name: value}) != {name: value}:
            raise refusal(
                f"The {what} {name!r} holds a NUL or half a character, which cannot be kept. "
                "Leave that out."
            )
    return dict(values)


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
