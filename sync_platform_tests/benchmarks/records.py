"""The vendor's records: what record `number` looks like at each stage of its account.

Stage 0 is what is loaded first; at stage 1, one per cent have changed; at stage 2 another per cent
have changed and one per cent are gone. Everything follows from numbers, so anyone can tell it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

COLUMNS: Final[dict[str, str]] = {
    "id": "text", "number": "bigint", "name": "text", "email": "text", "phone": "text",
    "company": "text", "title": "text", "street": "text", "city": "text", "postal_code": "text",
    "country": "text", "website": "text", "status": "text", "notes": "text", "amount": "numeric",
    "score": "numeric", "quantity": "bigint", "active": "boolean", "birthday": "date",
    "created_at": "timestamptz", "updated_at": "timestamptz", "tags": "jsonb", "custom": "jsonb",
}  # fmt: skip

BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
CHANGES = (BEGINNING, datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC))
CITIES = ("Zürich", "Amsterdam", "Graz", "Lyon", "Porto", "Århus", "Kraków")
STATES = ("new", "open", "won", "lost", None)


def version(number: int, stage: int) -> int | None:
    """The stage at which the record last changed; None where it is gone."""
    of_hundred = number % 100
    if stage >= 2 and of_hundred == 7:
        return None
    return {3: min(stage, 1), 5: stage if stage >= 2 else 0}.get(of_hundred, 0)


def updated_at(number: int, version: int) -> datetime:
    """When it changed; no two records at the same moment."""
    unit = timedelta(seconds=1) if version == 0 else timedelta(milliseconds=1)
    return CHANGES[version] + number * unit


def record(number: int, version: int) -> dict[str, Any]:
    """The record, as the API gives it: 23 fields, some 700 bytes of JSON."""
    n = (number * 2654435761 + version * 97) % 2**32
    name = f"Person {n:08x}"
    quoted = '\nSaid: "call\tback" \\ maybe' if number % 20 == 0 else ""
    return {
        "id": f"rec_{number:09d}",
        "number": number,
        "name": name,
        "email": f"person.{n:08x}@example-{n % 977}.test",
        "phone": f"+41 44 {n % 1000:03d} {n % 89:02d} {n % 97:02d}" if n % 3 else None,
        "company": f"Example {n % 5000} GmbH & Co. KG",
        "title": "Head of Purchasing" if n % 2 else "Managing Director",
        "street": f"Langstrasse {n % 400}",
        "city": CITIES[n % 7],
        "postal_code": f"{n % 100_000:05d}",
        "country": "CH",
        "website": f"https://www.example-{n % 977}.test/about",
        "status": STATES[n % 5],
        "notes": f"Met at the fair in hall {n % 12}; wants an offer for {n % 300} pieces." + quoted,
        "amount": (n % 10_000_000) / 100,
        "score": (n % 1000) / 8,
        "quantity": n % 5000,
        "active": n % 4 != 0,
        "birthday": f"{1950 + n % 50}-{n % 12 + 1:02d}-{n % 28 + 1:02d}",
        "created_at": _written(BEGINNING + timedelta(seconds=number)),
        "updated_at": _written(updated_at(number, version)),
        "tags": ["newsletter", f"segment-{n % 40}"],
        "custom": {"region": f"R{n % 30}", "rank": n % 9},
    }


def records(count: int, stage: int) -> Iterator[dict[str, Any]]:
    """All records that are there at this stage, in the order of their numbers."""
    for number in range(count):
        if (found := version(number, stage)) is not None:
            yield record(number, found)


def written(number: int, version: int) -> bytes:
    """The record as JSON."""
    return orjson.dumps(record(number, version))


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
