"""What vendors send may hold what Postgres cannot: here it is made to fit."""

from collections.abc import Mapping
from typing import Any


def storable(value: Any) -> Any:
    """The value as JSON that Postgres takes: without NUL and lone surrogates; text for the rest."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {text(str(name)): storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [storable(each) for each in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    return text(str(value))


def text(value: str) -> str:
    """The text without what Postgres cannot keep."""
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
