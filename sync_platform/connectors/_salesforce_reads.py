"""How Salesforce's records are asked for: SOQL, its pages, bulk jobs, and what was deleted."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from sync_platform import spec
from sync_platform.errors import AskedTooMuch, UnexpectedResponse

DATA = "/services/data/v62.0"
JOBS = f"{DATA}/jobs/query"
TIMES = ("SystemModstamp", "LastModifiedDate", "CreatedDate")  # as Salesforce's replication does
LONGEST = 15_000  # characters of a query in an address, which may have 16,384 in all
WIDE_PAGE = 500  # records, where their fields do not fit into an address
CELLS = 250_000  # of one page of bulk results: it is in memory at once
POLLS = (1.0, 20.0)  # seconds between two looks at a bulk job: at first, at last
DELETES_REMEMBERED = timedelta(days=13)  # of 15: a sync may be gone on with a day later
LEAST_SPAN = timedelta(minutes=2)  # of getDeleted, which cuts the seconds off

Reader = Callable[[spec.Api, spec.Read], Iterator[spec.Page]]


def moves_by(fields: Sequence[str]) -> str | None:
    """The field that tells when a record changed."""
    return next((name for name in TIMES if name in fields), None)


def literal(moment: datetime, *, up: bool = False) -> str:
    """A moment as SOQL writes it, in whole seconds, as records have them."""
    moment = moment.astimezone(UTC)
    if up and moment.microsecond:
        moment += timedelta(seconds=1)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def soql(sobject: str, names: Sequence[str], read: spec.Read) -> str:
    """The query for these fields of the records in a window."""
    moves, having = moves_by(read.fields), []
    if moves and read.since:
        having.append(f"{moves} >= {literal(read.since)}")
    if moves and read.until:
        having.append(f"{moves} < {literal(read.until, up=True)}")
    if "created_within" in read.filters:
        having.append(f"CreatedDate >= {literal(spec.moment(read.filters['created_within']))}")
    if "where" in read.filters:
        having.append(f"({read.filters['where']})")
    where = f" WHERE {' AND '.join(having)}" if having else ""
    order = f" ORDER BY {moves}" if moves and read.since and names != ["COUNT()"] else ""
    return f"SELECT {', '.join(names)} FROM {sobject}{where}{order}"


def operation(read: spec.Read) -> str:
    """queryAll also finds what is archived (old tasks and events), and what is in the recycle bin:
    these records say that they are gone."""
    return "queryAll" if "IsDeleted" in read.fields else "query"


def rows(sobject: str) -> Reader:
    """Page by page. Where the fields do not fit into an address, pages are of little more than
    ids, and their records are then asked for by POST."""

    def pages(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        asked, headers = soql(sobject, read.fields, read), {}
        wide = len(quote(asked, safe="")) > LONGEST
        if wide:
            few = ("Id", "IsDeleted", moves_by(read.fields))
            asked = soql(sobject, [name for name in few if name in read.fields], read)
            headers = {"Sforce-Query-Options": f"batchSize={WIDE_PAGE}"}
        first = spec.get(f"{DATA}/{operation(read)}", params={"q": asked}, headers=headers)
        coming = read.resume["next"] if read.resume else None
        while True:
            answer = api.send(spec.get(coming, headers=headers) if coming else first, read)
            found = spec.at(answer, "records")
            if not isinstance(found, list):
                raise UnexpectedResponse("Salesforce answered a query without a list of records.")
            for record in found:
                record.pop("attributes", None)
            if wide:
                found = whole(sobject, found, api, read)
            before, coming = coming, answer.get("nextRecordsUrl")
            if coming is not None and coming == before:
                raise UnexpectedResponse("Salesforce gave the same next page twice.")
            yield page_of(found, read, {"next": coming} if coming else None)
            if not coming:
                return

    return pages


def whole(sobject: str, found: list[spec.Json], api: spec.Api, read: spec.Read) -> list[spec.Json]:
    """The records of these ids with all fields; the deleted ones as they are. What went since the
    ids were read is left out: the next sync hears of it."""
    gone = [record for record in found if is_gone(record)]
    ids = [record["Id"] for record in found if not is_gone(record)]
    if not ids:
        return gone
    asked = {"ids": ids, "fields": list(read.fields)}
    path = f"{DATA}/composite/sobjects/{sobject}"
    answer = api.send(spec.post(path, json=asked, safe_to_repeat=True), read)
    records = [record for record in answer if record is not None]
    for record in records:
        record.pop("attributes", None)
    return gone + records


def is_gone(row: spec.Row) -> bool:
    """Whether a record says that it is in the recycle bin; in CSV all is text."""
    return row.get("IsDeleted") in (True, "true")


def page_of(found: list[spec.Json], read: spec.Read, resume: spec.Json) -> spec.Page:
    """A page; where records have no SystemModstamp, it says how far they go."""
    moves, reached = moves_by(read.fields), None
    if moves and moves != TIMES[0] and found:
        reached = max(spec.moment(record[moves]) for record in found)
    return spec.Page(rows=found, resume=resume, reached=reached)


def count(sobject: str) -> Callable[[spec.Api, spec.Read], int]:
    """How many records there are to read."""

    def counted(api: spec.Api, read: spec.Read) -> int:
        asked = soql(sobject, ["COUNT()"], read)
        return int(api.get(f"{DATA}/{operation(read)}", q=asked)["totalSize"])

    return counted


def in_bulk(sobject: str) -> Reader:
    """By a job of Bulk API 2.0, whose results are there for seven days."""

    def pages(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        place = read.resume or {"job": begun(sobject, api, read), "locator": None}
        at, locator = f"{JOBS}/{place['job']}", place["locator"]
        await_end(sobject, api, at)
        most = max(1_000, CELLS // max(1, len(read.fields)))
        while True:
            asked = {"maxRecords": most, "locator": locator}
            results = spec.get(f"{at}/results", params=asked, answers="csv")
            answer = api.ask(results, read)
            # CSV writes nothing for null, and there is no text of no characters in Salesforce.
            found = [{n: it or None for n, it in line.items()} for line in answer.body or ()]
            locator = answer.headers.get("sforce-locator", "null")
            last = locator in ("", "null")
            yield page_of(found, read, None if last else {**place, "locator": locator})
            if last:
                return

    return pages


def begun(sobject: str, api: spec.Api, read: spec.Read) -> str:
    """The id of a new job. Asked for twice, there are two, of which one is not read."""
    asked = {"operation": operation(read), "query": soql(sobject, read.fields, read)}
    return str(api.send(spec.post(JOBS, json=asked, safe_to_repeat=True))["id"])


def await_end(sobject: str, api: spec.Api, at: str) -> None:
    """Look at a job until its results are there; raises UnexpectedResponse where it failed."""
    seconds, longest = POLLS
    while (told := api.send(spec.get(at)))["state"] != "JobComplete":
        if told["state"] in ("Failed", "Aborted"):
            why = told.get("errorMessage") or f"it is {told['state']}"
            raise UnexpectedResponse(
                f"Salesforce could not carry out the bulk query of {sobject}: {why}."
            )
        api.pause(seconds)
        seconds = min(seconds * 1.5, longest)


def gone(sobject: str) -> Reader:
    """What was deleted, from the bin too, by getDeleted. A read of everything needs none of it:
    what is missing there is gone."""

    def pages(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        if read.since is None or read.started_at is None:
            return
        end = min(read.until or read.started_at, read.started_at)
        start = max(read.since, read.started_at - DELETES_REMEMBERED)
        if start <= end:
            yield from told(sobject, api, min(start, end - LEAST_SPAN), end)

    return pages


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
    covered = spec.moment(answer["latestDateCovered"])  # earlier while long transactions run
    behind = covered < end.replace(second=0, microsecond=0)
    keys = [(each["id"],) for each in answer["deletedRecords"]]
    yield spec.Page(gone=keys, reached=covered if behind else None)
