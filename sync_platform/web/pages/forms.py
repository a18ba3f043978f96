"""What a form sent, whatever fields it has: filters and keys differ by connector."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from sync_platform.errors import ConfigurationError

LONGEST_INTERVAL = 525_600  # minutes: a year


class Sent:
    """The fields of a form. A file's content counts as text."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """The field, without blanks around it; empty where it was not sent."""
        return self._fields.get(name, [""])[-1].strip()

    def all(self, name: str) -> list[str]:
        """Every value of a field that may be sent several times, such as boxes to tick."""
        return [each.strip() for each in self._fields.get(name, []) if each.strip()]

    def has(self, name: str) -> bool:
        """Whether it was sent and is not empty."""
        return bool(self.text(name))

    def within(self, prefix: str, *, empty: bool = False) -> dict[str, str]:
        """The fields `prefix.…`, without the prefix; several values of one have commas between.
        Those that are empty only where they mean something."""
        start = f"{prefix}."
        found = {
            name.removeprefix(start): ",".join(self.all(name))
            for name in self._fields
            if name.startswith(start)
        }
        return {name: value for name, value in found.items() if value or empty}

    def minutes(self, name: str) -> timedelta | None:
        """A number of minutes; None for an empty field. Raises ConfigurationError."""
        text = self.text(name)
        if not text:
            return None
        if not text.isdecimal() or not 0 < int(text) <= LONGEST_INTERVAL:
            raise ConfigurationError(f"{text[:20]!r} is not a number of minutes.")
        return timedelta(minutes=int(text))


async def _sent(request: Request) -> Sent:
    fields: dict[str, list[str]] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                value = (await value.read()).decode("utf-8", "replace")
            fields.setdefault(name, []).append(value)
    return Sent(fields)


TheForm = Annotated[Sent, Depends(_sent)]
"""`form: TheForm` in a handler: what the page's form sent."""
