"""Which of Salesforce's records were deleted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sync_platform import spec
from sync_platform.connectors._salesforce_reads import DATA, MANY, Reader, listed, queried
from sync_platform.errors import AskedTooMuch, UnexpectedResponse

DELETES_REMEMBERED = timedelta(days=13)  # of 15: a sync may be gone on with a day later
LEAST_SPAN = timedelta(minutes=2)  # of getDeleted, which cuts the seconds off


def gone(sobject: str) -> Reader:
    """What was deleted, from the bin too, by getDeleted. A read of everything needs none of it:
    what is missing there is gone. What came back since it was deleted is not told."""

    def pages(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        if read.since is None or read.started_at is None:
            return
        end = min(read.until or read.started_at, read.started_at)
        start = max(read.since, read.started_at - DELETES_REMEMBERED)
        if start > end:
            return
        for page in told(sobject, api, min(start, end - LEAST_SPAN), end):
            back = there(sobject, [id for (id,) in page.gone], api, read)
            yield replace(page, gone=[key for key in page.gone if key[0] not in back])

    return pages


def there(sobject: str, ids: list[str], api: spec.Api, read: spec.Read) -> set[str]:
    """Those of these ids whose records are there."""
    known = "IsDeleted" in read.fields
    found: set[str] = set()
    for start in range(0, len(ids), MANY):
        asked = f"SELECT Id FROM {sobject} WHERE Id IN ({listed(ids[start : start + MANY])})"
        asked += " AND IsDeleted = false" if known else ""
        rows = queried(sobject, "queryAll" if known else "query", asked, api, read)
        found |= {row.get("Id") for row in rows}
    return found


def told(sobject: str, api: spec.Api, start: datetime, end: datetime) -> Iterator[spec.Page]:
    """The deletions of a span; of halves of it where they are more than one answer holds."""
    path = f"{DATA}/sobjects/{sobject}/deleted/"
    try:
        answer = api.get(path, start=start.isoformat(), end=end.isoformat())
    except AskedTooMuch:
        if end - start < 2 * LEAST_SPAN:
            raise
        middle = start + (end - start) / 2
        yield from told(sobject, api, start, middle)
        yield from told(sobject, api, middle, end)
        return
    try:
        covered = spec.moment(answer["latestDateCovered"])  # earlier while long transactions run
        ids = [each["id"] for each in answer["deletedRecords"]]
    except spec.UNEXPECTED as error:
        raise unreadable(sobject) from error
    if not all(isinstance(id, str) and id for id in ids):
        raise unreadable(sobject)
    behind = covered < end.replace(second=0, microsecond=0)
    yield spec.Page(gone=[(id,) for id in ids], reached=covered if behind else None)


def unreadable(sobject: str) -> UnexpectedResponse:
    """Whatever it tells, it may be a deletion: so nobody goes on as if there was none."""
    return UnexpectedResponse(
        f"Salesforce tells of deletions of {sobject} in a way that cannot be read."
    )
