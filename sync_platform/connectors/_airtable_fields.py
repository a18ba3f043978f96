"""The kinds of Airtable's fields: which type their values have here, and which are computed."""

from sync_platform import spec

TEXTS = ("singleLineText", "multilineText", "richText", "email", "url", "phoneNumber")
NUMBERS = ("number", "currency", "percent", "duration")  # a duration is in seconds
INTEGERS = ("rating", "count", "autoNumber")
TYPES: dict[str, spec.FieldType] = {
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(INTEGERS, "integer"),
    "singleSelect": "text",
    "manualSort": "text",
    "checkbox": "boolean",
    "date": "date",
    "dateTime": "timestamp",
    "createdTime": "timestamp",
    "lastModifiedTime": "timestamp",
}
BY_RESULT = ("formula", "rollup")  # they tell what they result in
COMPUTED = (
    *("formula", "rollup", "count", "multipleLookupValues", "autoNumber", "createdTime"),
    *("createdBy", "lastModifiedTime", "lastModifiedBy", "button", "aiText"),
    *("externalSyncSource", "manualSort"),
)


def type_of(field: spec.Json) -> spec.FieldType:
    """The type of a field's values. Links, attachments, people, lookups, lists, and whatever kinds
    are new, are JSON."""
    kind = field["type"]
    if kind in BY_RESULT:
        kind = spec.at(field, "options.result.type") or "singleLineText"  # its formula is invalid
    return TYPES.get(kind, "json")


def watches_everything(field: spec.Json) -> bool:
    """Whether the field moves whenever anything in its record is edited: a last modified time that
    is not bound to some fields."""
    if field["type"] != "lastModifiedTime" or spec.at(field, "options.isValid") is False:
        return False
    return not spec.at(field, "options.referencedFieldIds")
