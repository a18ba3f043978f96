"""HubSpot's properties: what each object has, and how a value given becomes a value stored.

All values are text, as in HubSpot's answers: moments as ISO with milliseconds, true as "true".
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sync_platform.sandbox.calls import Json

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "bool": "booleancheckbox",
    "datetime": "date",
    "date": "date",
    "enumeration": "select",
    "phone_number": "phonenumber",
}


class InvalidValue(Exception):
    """A value that its property does not take; `code` is HubSpot's word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(kw_only=True)
class Property:
    """One property of an object."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = ""
    description: str = ""
    options: list[Json] | None = None
    order: int = -1
    calculated: bool = False
    read_only: bool = False
    unique: bool = False
    hidden: bool = False
    built_in: bool = False
    external_options: bool = False
    created_at: str = "2019-08-06T02:41:08.000Z"
    updated_at: str = "2019-08-06T02:41:08.000Z"
    archived_at: str | None = None

    def __post_init__(self) -> None:
        self.values = {option["value"] for option in self.options or ()}

    def shown(self) -> Json:
        """The property as HubSpot describes it."""
        shown: Json = {
            "updatedAt": self.updated_at,
            "createdAt": self.created_at,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": self.options or [],
            "displayOrder": self.order,
            "calculated": self.calculated,
            "externalOptions": self.external_options,
            "archived": self.archived_at is not None,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": self.built_in,
            "modificationMetadata": {
                "archivable": not self.built_in,
                "readOnlyDefinition": self.built_in,
                "readOnlyOptions": self.built_in,
                "readOnlyValue": self.read_only or self.calculated,
            },
            "formField": not (self.hidden or self.read_only or self.calculated),
            "dataSensitivity": "non_sensitive",
        }
        if self.external_options:
            shown["referencedObjectType"] = "OWNER"
        if self.archived_at is not None:
            shown["archivedAt"] = self.archived_at
        return shown

    def stored(self, value: Any) -> str:
        """The text that HubSpot keeps for a value; nothing is "" whatever the type."""
        if value is None or value == "":
            return ""
        text = _as_text(value)
        if self.type == "number":
            return _number(text)
        if self.type == "datetime":
            return _moment_of(text)
        if self.type == "date":
            return _day(text)
        if self.type == "bool":
            if text.lower() not in ("true", "false"):
                raise InvalidValue(
                    "INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]"
                )
            return text.lower()
        if self.values:
            self._check_options(text)
        if self.name == "email":
            return _email(text)
        return text

    def _check_options(self, text: str) -> None:
        chosen = text.split(";") if self.field_type == "checkbox" else [text]
        for one in chosen:
            if one not in self.values:
                allowed = ", ".join(sorted(self.values))
                raise InvalidValue(
                    "INVALID_OPTION", f"{one} was not one of the allowed options: [{allowed}]"
                )


def options(*values: str) -> list[Json]:
    """Options whose label is their value, said nicely."""
    return [
        {
            "label": value.replace("_", " ").capitalize(),
            "value": value,
            "description": "",
            "displayOrder": order,
            "hidden": False,
        }
        for order, value in enumerate(values)
    ]


def properties_by_name(properties: Iterable[Property]) -> dict[str, Property]:
    return {one.name: one for one in properties}


def moment(epoch_milliseconds: int) -> str:
    """Milliseconds since 1970 as HubSpot writes them."""
    when = EPOCH + timedelta(milliseconds=epoch_milliseconds)
    return when.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def milliseconds(text: str) -> int:
    """Milliseconds since 1970, from those or from ISO 8601."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue("INVALID_LONG", f"{text} was not a valid long.") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - EPOCH) // timedelta(milliseconds=1)


def _moment_of(text: str) -> str:
    try:
        return moment(milliseconds(text))
    except OverflowError:
        raise InvalidValue("INVALID_LONG", f"{text} was not a valid long.") from None


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float | str):
        return str(value)
    raise InvalidValue("INVALID_VALUE", "A property takes text, a number or a boolean.")


def _number(text: str) -> str:
    try:
        fits = math.isfinite(float(text)) and "_" not in text
    except ValueError:
        fits = False
    if not fits:
        raise InvalidValue("INVALID_DOUBLE", f"{text} was not a valid number.")
    return text.strip()


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        midnight = _moment_of(text)
    if not midnight.endswith("T00:00:00.000Z"):
        raise InvalidValue("INVALID_DATE", f"{text} is at no midnight UTC, so it is no date.")
    return midnight[:10]


def _email(text: str) -> str:
    text = text.strip().lower()
    name, at, domain = text.partition("@")
    if not (name and at and "." in domain) or " " in text or "@" in domain:
        raise InvalidValue("INVALID_EMAIL", f"Email address {text} is invalid")
    return text
