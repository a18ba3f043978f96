"""How many of Salesforce's records are read: by jobs of Bulk API 2.0."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sync_platform import spec
from sync_platform.connectors._salesforce_reads import (
    DATA,
    Reader,
    check_whole,
    described,
    operation,
    page_of,
    plain,
    soql,
)
from sync_platform.errors import IncompleteRead, UnexpectedResponse

JOBS = f"{DATA}/jobs/query"
CELLS = 250_000  # of one page of bulk results: it is in memory at once
POLLS = (1.0, 20.0)  # seconds between two looks at a bulk job: at first, at last
NESTED = ("complexvalue",)  # types of fields whose values are JSON, as text in CSV


def exact(written: str) -> float | Decimal:
    """The number; a Decimal where a float would be another one, as in answers in JSON."""
    number = float(written)
    if number in (0.0, float("inf"), float("-inf")) or repr(number) == written:
        return number
    digits = Decimal(written)
    return number if digits == Decimal(repr(number)) else digits


JSON = json.JSONDecoder(parse_float=exact)


def in_bulk(sobject: str) -> Reader:
    """By a job of Bulk API 2.0, whose results are there for seven days."""

    def pages(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        nested = {it["name"] for it in described(api, sobject) if it["type"] in NESTED}
        place = read.resume or {"job": begun(sobject, api, read), "locator": None, "seen": 0}
        at, locator, seen = f"{JOBS}/{place['job']}", place["locator"], place.get("seen")
        total = await_end(sobject, api, at)
        most = max(1_000, CELLS // max(1, len(read.fields)))
        repeats = spec.Repeats(locator)

        def line(found: dict[str, str]) -> spec.Row:
            # CSV writes nothing for null, and there is no text of no characters in Salesforce.
            values: dict[str, Any] = {name: it or None for name, it in found.items()}
            for name in nested:
                if values.get(name):
                    values[name] = JSON.decode(values[name])
            return plain(values)

        while True:
            asked = {"maxRecords": most, "locator": locator}
            # Where there are no records, there is a header line all the same.
            columns, path = read.fields, f"{at}/results"
            results = spec.get(path, params=asked, answers="csv", columns=columns)
            answer = api.ask(results, read)
            found = answer.body or []
            seen = None if seen is None else seen + len(found)
            locator = answer.headers.get("sforce-locator")
            last = locator in (None, "", "null")
            if not last and repeats.has(locator):
                raise IncompleteRead(
                    f"Salesforce gave the same next page of {sobject} twice; reading on would "
                    "never end. Nothing was marked as deleted."
                )
            if last:
                untold = locator is None and not isinstance(total, int)
                check_whole(sobject, seen, total, said=False if untold else None)
            resume = None if last else {**place, "locator": locator, "seen": seen}
            yield page_of(spec.rows_from(found, line), read, resume)
            if last:
                return

    return pages


def begun(sobject: str, api: spec.Api, read: spec.Read) -> str:
    """The id of a new job. Asked for twice, there are two, of which one is not read."""
    asked = {"operation": operation(read), "query": soql(sobject, read.fields, read)}
    id = spec.at(api.send(spec.post(JOBS, json=asked, safe_to_repeat=True)), "id")
    if not id:
        raise UnexpectedResponse(f"Salesforce began no bulk query of {sobject}.")
    return str(id)


def await_end(sobject: str, api: spec.Api, at: str) -> Any:
    """Look at a job until its results are there; how many records they are, as far as it tells.
    Raises UnexpectedResponse where it failed."""
    seconds, longest = POLLS
    while (state := spec.at(told := api.send(spec.get(at)), "state")) != "JobComplete":
        if state in (None, "Failed", "Aborted"):
            why = spec.at(told, "errorMessage") or f"it is {state}"
            raise UnexpectedResponse(
                f"Salesforce could not carry out the bulk query of {sobject}: {why}."
            )
        api.pause(seconds)
        seconds = min(seconds * 1.5, longest)
    return told.get("numberRecordsProcessed")
