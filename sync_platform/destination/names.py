"""What tables and columns are called: a field's or object's name as a Postgres identifier."""

import hashlib
import json
import re
from collections.abc import Collection

LONGEST = 63  # bytes of a Postgres identifier
# What every table has already (PostgreSQL's documentation, "System Columns").
SYSTEM_COLUMNS = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NOT_A_WORD = re.compile(r"\W+")


def snake(name: str) -> str:
    """`firstName`, `First Name` and `first-name!` are `first_name`; never starts with `_`, which
    is for our own columns, nor with a digit."""
    text = NOT_A_WORD.sub(" ", WORD_STARTS.sub("_", name).lower()).strip().replace(" ", "_")
    if text[:1].isdecimal():
        return f"n_{text}"
    return text if text[:1].isalpha() else f"x{text}"


def identifier(name: str, taken: Collection[str]) -> str:
    """The identifier for `name`: at most 63 bytes, and with a hash of the exact name where it had
    to be cut, or is `taken` already or a column of Postgres' own."""
    plain = snake(name)
    if len(plain.encode()) <= LONGEST and plain not in SYSTEM_COLUMNS and plain not in taken:
        return plain
    exact = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for digits in range(8, 57):
        suffix = f"_{exact[:digits]}"
        found = shortened(plain, LONGEST - len(suffix)) + suffix
        if found not in taken:
            return found
    raise AssertionError(f"no identifier is left for {name!r}")


def shortened(text: str, most: int) -> str:
    """The beginning of `text`, at most so many bytes, with no character cut in two."""
    return text.encode()[:most].decode(errors="ignore")


def seen_name(table: str) -> str:
    """The table that holds the keys a full sync of `table` has seen."""
    name = f"_seen_{table}"
    if len(name.encode()) <= LONGEST:
        return name
    return f"{shortened(name, LONGEST - 9)}_{hashlib.sha256(table.encode()).hexdigest()[:8]}"


def storable(name: str) -> str:
    """The name itself, or its JSON where it holds what Postgres' text cannot (NUL, a surrogate)."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return json.dumps(name)
    return json.dumps(name) if "\0" in name else name
