"""What Airtable's tables are called here: people name them as they like, also alike."""

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 55  # of the 63 that a name may have: a number may follow
NOT_A_WORD = re.compile(r"[^a-z0-9]+")


def names(tables: Sequence[tuple[str, str, str]]) -> list[str]:
    """A name for each table, of (its base's name, its own, its id): with the base's where tables of
    several bases share theirs."""
    words = [(word(base), word(table) or f"table_{id[3:].lower()}") for base, table, id in tables]
    bases: dict[str, set[int]] = {}
    own = {base: place for place, (base, _, _) in enumerate(tables)}
    for (base, _, _), (_, called) in zip(tables, words, strict=True):
        bases.setdefault(called, set()).add(own[base])
    return [
        storable(f"{base}_{called}" if base and len(bases[called]) > 1 else called)
        for base, called in words
    ]


def word(name: str) -> str:
    """Small letters and digits with _ between; empty where nothing of the name can be kept."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore")
    return NOT_A_WORD.sub("_", plain.decode().lower()).strip("_")


def storable(name: str) -> str:
    """Begins with a letter, and is not too long."""
    return (name if name[:1].isalpha() else f"table_{name}")[:LONGEST].rstrip("_")
