"""Which fields a table is to have columns for, and of which types."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sync_platform.destination.book import Found
from sync_platform.destination.names import storable
from sync_platform.engine.destination import Table
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field

KEYLESS = (
    "its connector names no key, so no table can be made and nothing was read. Let the connector "
    "say which fields tell its records apart (`key`)."
)
UNKNOWN_KEY = (
    "the key {key!r} is not among its fields, so no table can be made and nothing was read. If the "
    "vendor hides the field from this sign-in, let it be shown; if it is called otherwise, mend "
    "`key` in the connector or the setting that names it. Then sync again."
)


def asked_of(table: Table, fields: Sequence[Field]) -> dict[str, Field]:
    """The fields by name, the key's among them; of two of one name, the first.

    Raises ConfigurationError where there is no key, or it is not among them.
    """
    if not table.keys:
        raise ConfigurationError(f"{table.label}: {KEYLESS}")
    first = {it.name: it for it in reversed(fields)}
    wanted = {it.name: first[it.name] for it in fields}
    for key in table.keys:
        if key not in wanted:
            raise ConfigurationError(f"{table.label}: {UNKNOWN_KEY.format(key=key)}")
        if wanted[key].type == "json":  # jsonb writes one value in many ways
            wanted[key] = replace(wanted[key], type="text")
    return wanted


def told_of(table: Table, wanted: Mapping[str, Field], found: Found) -> dict[str, Field]:
    """The fields whose types are known. One without any value keeps the type of its column; where
    it has none yet, it must wait: a column of a wrong type would never be narrowed. A key cannot
    wait."""
    told = {}
    for name, it in wanted.items():
        booked = found.booked.get(storable(name))
        if it.empty and booked is not None:
            told[name] = replace(it, type=booked.type)
        elif not it.empty or name in table.keys:
            told[name] = it
    return told
