"""What fields are called on their way from the vendor: by their names, or by their ids where an
object says so (`by_id`), so that a rename that was not discovered yet loses nothing."""

from collections.abc import Sequence
from reprlib import repr

from sync_platform.errors import ConnectorFault
from sync_platform.spec import FIELD_TYPES, ConnectorObject, Field, Row, Unreadable


def refuse_unfit(connector: str, obj: ConnectorObject, fields: Sequence[Field]) -> None:
    """Raises ConnectorFault, naming the field, where one of them is none that a column can be made
    of: a discovery hands on what the vendor said, of whatever form that is by now."""
    for it in fields:
        if (why := _unfit(it)) is not None:
            raise ConnectorFault(
                f"A field of {obj.name} cannot be used: {why}. Mend `fields` of {obj.name} in the "
                f"connector {connector}."
            )


def _unfit(it: Field) -> str | None:
    if not isinstance(it, Field):
        return f"{repr(it)} is not a Field"
    if not isinstance(it.name, str):
        return f"its name {repr(it.name)} is not a text"
    if it.type not in FIELD_TYPES:
        known = ", ".join(FIELD_TYPES)
        return f"{repr(it.name)} has type {repr(it.type)}; there are {known}"
    for slot in ("label", "description", "id"):
        value = getattr(it, slot)
        if value is not None and not isinstance(value, str):
            return f"the {slot} {repr(value)} of {repr(it.name)} is not a text"
    return None


def with_key(obj: ConnectorObject, fields: Sequence[Field]) -> Sequence[Field]:
    """The fields; where not one is known, those of the key, so that records have a table and the
    fields to come join it. Of what type they are, nobody knows yet."""
    return fields or [Field(name, empty=True) for name in obj.keys]


def asked(obj: ConnectorObject, fields: Sequence[Field]) -> tuple[str, ...]:
    """What the vendor is asked for: `Read.fields`."""
    return tuple((it.id or it.name) if obj.by_id else it.name for it in fields)


def named(obj: ConnectorObject, fields: Sequence[Field], rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with their values by the names that these fields have; what is not among them is
    left out where fields are known by ids."""
    if not obj.by_id:
        return rows
    names = [(it.id or it.name, it.name) for it in fields]
    return [
        row
        if isinstance(row, Unreadable)
        else {name: row[known] for known, name in names if known in row}
        for row in rows
    ]
