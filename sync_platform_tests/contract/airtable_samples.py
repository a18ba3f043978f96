"""Answers of Airtable's as the tests of pyairtable (MIT) have them; there is no machine-readable
description of its API. Good for names and nesting: paging, errors and limits are not in them."""

from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "airtable"
MISSING = f"needs sample answers of Airtable's in {FOLDER}"
FIELD = "field_schema__"


def sample(name: str) -> Any:
    """One of them, decoded."""
    return orjson.loads((FOLDER / f"{name}.json").read_bytes())


def field_samples() -> list[Any]:
    """A field of each kind."""
    return [sample(file.stem) for file in sorted(FOLDER.glob(f"{FIELD}*.json"))]
