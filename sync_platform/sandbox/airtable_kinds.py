"""What may be written into each kind of Airtable's fields, and how it is kept."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from sync_platform.sandbox import airtable_errors
from sync_platform.sandbox.airtable_bases import USERS, Field, Table, Workspace, iso

TEXTS = ("singleLineText", "multilineText", "richText", "email", "url", "phoneNumber")
NUMBERS = ("number", "currency", "percent", "duration")
MOST_LINKS = 500


class Checking:
    """Checks the values of one call; with `typecast` texts are read as what they should be."""

    def __init__(self, workspace: Workspace, typecast: bool = False) -> None:
        self._workspace, self._typecast = workspace, typecast

    def cells(self, table: Table, values: Any) -> dict[str, Any]:
        """The values by field id, None where a cell is emptied; raises a Refusal."""
        if not isinstance(values, dict):
            raise airtable_errors.invalid('Could not find field "fields" in the request body')
        checked = {}
        for called, value in values.items():
            field = table.field(called)
            if field is None:
                raise airtable_errors.unknown_field(called)
            if field.computed:
                raise airtable_errors.read_only(field.name)
            checked[field.id] = self._value(field, value)
        return checked

    def _value(self, field: Field, value: Any) -> Any:
        if value in (None, "", []) or value is False:
            return None
        if field.type in TEXTS:
            if isinstance(value, int | float) and self._typecast:
                value = str(value)
            return self._if(isinstance(value, str), field, value)
        check = _CHECKS.get(field.type)
        if field.type in NUMBERS:
            check = Checking._number
        if check is None:
            raise airtable_errors.invalid_value(field.name)
        return check(self, field, value)

    def _if(self, fits: bool, field: Field, value: Any) -> Any:
        if not fits:
            raise airtable_errors.invalid_value(field.name)
        return value

    def _number(self, field: Field, value: Any) -> Any:
        if isinstance(value, str) and self._typecast:
            try:
                value = float(value)
            except ValueError:
                raise airtable_errors.invalid_value(field.name) from None
        return self._if(isinstance(value, int | float) and value is not True, field, value)

    def _rating(self, field: Field, value: Any) -> Any:
        most = (field.options or {}).get("max", 5)
        return self._if(type(value) is int and 1 <= value <= most, field, value)

    def _checkbox(self, field: Field, value: Any) -> Any:
        return self._if(value is True, field, value)

    def _date(self, field: Field, value: Any) -> Any:
        try:
            return date.fromisoformat(value[:10]).isoformat()
        except (TypeError, ValueError):
            raise airtable_errors.invalid_value(field.name) from None

    def _moment(self, field: Field, value: Any) -> Any:
        try:
            found = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise airtable_errors.invalid_value(field.name) from None
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return iso(int(aware.timestamp() * 1000))

    def _choice(self, field: Field, value: Any) -> Any:
        self._if(isinstance(value, str), field, value)
        if value not in field.choices():
            if not self._typecast:
                raise airtable_errors.unknown_choice(value)
            made = {"id": self._workspace.id("sel"), "name": value, "color": "grayLight2"}
            (field.options or {})["choices"].append(made)
        return value

    def _choices(self, field: Field, value: Any) -> Any:
        self._if(isinstance(value, list), field, value)
        return [self._choice(field, each) for each in value]

    def _person(self, field: Field, value: Any) -> Any:
        self._if(isinstance(value, dict), field, value)
        for user in USERS.values():
            if value.get("id") == user["id"] or value.get("email") == user["email"]:
                return dict(user)
        raise airtable_errors.invalid_value(field.name)

    def _people(self, field: Field, value: Any) -> Any:
        self._if(isinstance(value, list), field, value)
        return [self._person(field, each) for each in value]

    def _links(self, field: Field, value: Any) -> Any:
        self._if(isinstance(value, list) and len(value) <= MOST_LINKS, field, value)
        known = self._workspace.linked(field).records
        for id in value:
            if id not in known:
                raise airtable_errors.invalid(
                    f"Record ID {id} does not exist", "ROW_DOES_NOT_EXIST"
                )
        return list(dict.fromkeys(value))

    def _attachments(self, field: Field, value: Any) -> Any:
        self._if(isinstance(value, list), field, value)
        kept = []
        for each in value:
            self._if(isinstance(each, dict) and ("url" in each or "id" in each), field, value)
            name = each.get("filename") or str(each.get("url", "file")).rsplit("/", 1)[-1]
            made = {"id": each.get("id") or self._workspace.id("att"), "filename": name}
            kept.append(made | {"size": 12_345, "type": "application/pdf"})
        return kept

    def _barcode(self, field: Field, value: Any) -> Any:
        return self._if(
            isinstance(value, dict) and isinstance(value.get("text"), str), field, value
        )


_CHECKS: dict[str, Callable[[Checking, Field, Any], Any]] = {
    "rating": Checking._rating,
    "checkbox": Checking._checkbox,
    "date": Checking._date,
    "dateTime": Checking._moment,
    "singleSelect": Checking._choice,
    "multipleSelects": Checking._choices,
    "singleCollaborator": Checking._person,
    "multipleCollaborators": Checking._people,
    "multipleRecordLinks": Checking._links,
    "multipleAttachments": Checking._attachments,
    "barcode": Checking._barcode,
}
