"""What an admin of the sandbox org changes in Setup: its fields and objects."""

from collections.abc import Iterable

from sync_platform.sandbox.salesforce_kinds import SField
from sync_platform.sandbox.salesforce_org import Org


def add_fields(org: Org, object: str, fields: Iterable[SField]) -> None:
    """New fields, empty in every record."""
    added = {it.name: it for it in fields}
    org.objects[object].fields |= added
    table = org.tables[object]
    for records in (table.latest, table.seen):
        for id, record in records.items():
            records[id] = dict.fromkeys(added) | record
    org.version += 1


def drop_field(org: Org, object: str, name: str) -> None:
    """A field goes, with its values."""
    del org.objects[object].fields[name]
    table = org.tables[object]
    for records in (table.latest, table.seen):
        for id, record in records.items():
            records[id] = {each: it for each, it in record.items() if each != name}
    org.version += 1


def rename(org: Org, object: str, name: str, label: str) -> None:
    """Another API name and label; the key prefix stays."""
    kind = org.objects[name] = org.objects.pop(object)
    kind.name, kind.label = name, label
    org.tables[name] = org.tables.pop(object)
    org.version += 1
