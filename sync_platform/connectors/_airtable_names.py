"""What Airtable's tables are called here: people name them as they like, also alike."""

import re
import unicodedata
from collections.abc import Sequence

from sync_platform import spec

LONGEST = 55  # of the 63 that a name may have: a number may follow
NOT_A_WORD = re.compile(r"[^a-z0-9]+")


def names(tables: Sequence[tuple[spec.Json, spec.Json]]) -> list[str]:
    """A name for each table, given with its base: with the base's name before it where tables of
    several bases would be called alike."""
    own = [word(it["name"]) or f"table_{it['id'][3:].lower()}" for _, it in tables]
    bases: dict[str, set[str]] = {}
    for name, (base, _) in zip(own, tables, strict=True):
        bases.setdefault(name, set()).add(base["id"])
    return [
        storable(name if len(bases[name]) == 1 else f"{word(base['name'])}_{name}")
        for name, (base, _) in zip(own, tables, strict=True)
    ]


def word(name: str) -> str:
    """Small letters and digits with _ between; empty where nothing of the name can be kept."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore")
    return NOT_A_WORD.sub("_", plain.decode().lower()).strip("_")


def storable(name: str) -> str:
    """Begins with a letter, and is not too long."""
    name = name.strip("_")
    return (name if name[:1].isalpha() else f"table_{name}")[:LONGEST].rstrip("_")
