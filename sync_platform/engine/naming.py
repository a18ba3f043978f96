"""What fields are called on their way from the vendor: by their names, or by their ids where an
object says so (`by_id`), so that a rename that was not discovered yet loses nothing."""

from collections.abc import Sequence

from sync_platform.engine.destination import Unreadable
from sync_platform.spec import ConnectorObject, Field, Row


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
