"""How Salesforce's records are asked for: SOQL and its pages."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sync_platform import spec
from sync_platform.errors import IncompleteRead, UnexpectedResponse

DATA = "/services/data/v62.0"
TIMES = ("SystemModstamp", "LastModifiedDate", "CreatedDate")  # as Salesforce's replication does
LONGEST = 15_000  # characters of a query in an address, which may have 16,384 in all
WIDE_PAGE = 500  # records, where their fields do not fit into an address
FEW, MANY = 100, 500  # ids in an address, beside parts of such fields and alone

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
        for found, resume in answers(sobject, first, api, read, read.resume):
            records = spec.rows_from(found, plain)
            if wide:
                records = whole(sobject, records, api, read)
            yield page_of(records, read, resume)

    return pages


def answers(
    sobject: str, first: spec.Request, api: spec.Api, read: spec.Read, resume: spec.Json = None
) -> Iterator[tuple[list[Any], spec.Json]]:
    """The records of each page of a query, and where the next one is (None after the last)."""
    coming, seen = (resume["next"], resume.get("seen")) if resume else (None, 0)
    repeats = spec.Repeats(coming)
    while True:
        asked = spec.get(coming, headers=first.headers) if coming else first
        answer = api.send(asked, read)
        found = spec.at(answer, "records")
        if not isinstance(found, list):
            raise UnexpectedResponse("Salesforce answered a query without a list of records.")
        seen = None if seen is None else seen + len(found)
        coming = answer.get("nextRecordsUrl")
        if coming is not None and not isinstance(coming, str):
            raise UnexpectedResponse("Salesforce gave no address of the next page.")
        if coming and repeats.has(coming):
            raise IncompleteRead(
                f"Salesforce gave the same next page of {sobject} twice; reading on would never "
                "end. Nothing was marked as deleted."
            )
        if not coming:
            check_whole(sobject, seen, answer.get("totalSize"), said=answer.get("done"))
        yield found, {"next": coming, "seen": seen} if coming else None
        if not coming:
            return


def plain(record: spec.Json) -> spec.Row:
    """A record without what tells of it; what this raises of an odd one, `rows_from` takes."""
    record.pop("attributes", None)
    if not (isinstance(record["Id"], str) and record["Id"]):
        raise ValueError("its Id is no text")
    return record  # type: ignore[no-any-return]


def check_whole(sobject: str, seen: int | None, told: Any, *, said: Any = None) -> None:
    """Raises IncompleteRead where a read is at its end, and Salesforce had told of more records
    than were seen, or says that it is not. `seen` is None where nobody knows how many they are."""
    fewer = seen is not None and isinstance(told, int) and seen < told
    if fewer or said is False:
        many = (
            f"{seen} of {told} records" if fewer else "a page that does not say that it is the last"
        )
        raise IncompleteRead(
            f"Salesforce's answers on {sobject} ended after {many}. Nothing was marked as deleted."
        )


def whole(sobject: str, found: list[Any], api: spec.Api, read: spec.Read) -> list[Any]:
    """The records of these ids with all fields; the deleted and the odd ones as they are."""
    as_is = [isinstance(record, spec.Unreadable) or is_gone(record) for record in found]
    kept = [record for record, stays in zip(found, as_is, strict=True) if stays]
    ids = [record["Id"] for record, stays in zip(found, as_is, strict=True) if not stays]
    if not ids:
        return kept
    asked = {"ids": ids, "fields": list(read.fields)}
    path = f"{DATA}/composite/sobjects/{sobject}"
    answer = api.send(spec.post(path, json=asked, safe_to_repeat=True), read)
    if not (isinstance(answer, list) and len(answer) == len(ids)):
        raise UnexpectedResponse(f"Salesforce gave other records of {sobject} than it was asked.")
    there = [record for record in answer if record is not None]
    lacking = [id for id, record in zip(ids, answer, strict=True) if record is None]
    return kept + spec.rows_from(there, plain) + list(in_parts(sobject, lacking, api, read))


def in_parts(sobject: str, ids: list[str], api: spec.Api, read: spec.Read) -> Iterator[Any]:
    """The records of these ids, by queries for some of their fields each: what is archived, a POST
    gives as if it was not there. What went since the ids were read is left out, or says so."""
    first = [name for name in ("Id", "IsDeleted") if name in read.fields]
    for start in range(0, len(ids), FEW):
        among = f"FROM {sobject} WHERE Id IN ({listed(ids[start : start + FEW])})"
        records: dict[str, spec.Row] | None = None
        for names in parts([it for it in read.fields if it not in first], len(quote(among))):
            asked = f"SELECT {', '.join([*first, *names])} {among}"
            rows = queried(sobject, operation(read), asked, api, read)
            yield from (row for row in rows if isinstance(row, spec.Unreadable))
            part = {row["Id"]: row for row in rows if not isinstance(row, spec.Unreadable)}
            before = part if records is None else records
            records = {id: {**before[id], **part[id]} for id in before if id in part}
        yield from (records or {}).values()


def parts(names: Sequence[str], taken: int) -> Iterator[list[str]]:
    """The names in lists that fit into an address of which so many characters are taken."""
    some: list[str] = []
    room = LONGEST - taken - 100  # for what stands around them
    for name in names:
        if some and sum(len(it) + 6 for it in (*some, name)) > room:
            yield some
            some = []
        some.append(name)
    yield some


def listed(ids: Sequence[str]) -> str:
    """As SOQL writes texts."""
    texts = (str(id).replace("\\", r"\\").replace("'", r"\'") for id in ids)
    return ",".join(f"'{text}'" for text in texts)


def queried(sobject: str, operation: str, asked: str, api: spec.Api, read: spec.Read) -> list[Any]:
    """All rows of a query for few records."""
    rows: list[Any] = []
    request = spec.get(f"{DATA}/{operation}", params={"q": asked})
    for found, _ in answers(sobject, request, api, read):
        rows += spec.rows_from(found, plain)
    return rows


def is_gone(row: spec.Row) -> bool:
    """Whether a record says that it is in the recycle bin; in CSV all is text."""
    return row.get("IsDeleted") in (True, "true")


def page_of(found: list[Any], read: spec.Read, resume: spec.Json) -> spec.Page:
    """A page; where records have no SystemModstamp, it says how far they go."""
    moves, reached = moves_by(read.fields), None
    if moves and moves != TIMES[0]:
        reached = max(_moments(record.get(moves) for record in found), default=None)
    return spec.Page(rows=found, resume=resume, reached=reached)


def _moments(values: Iterable[Any]) -> Iterator[datetime]:
    """Those of the values that are moments."""
    for value in values:
        with suppress(ValueError):
            yield spec.moment(value)


def count(sobject: str) -> Callable[[spec.Api, spec.Read], int]:
    """How many records there are to read."""

    def counted(api: spec.Api, read: spec.Read) -> int:
        asked = soql(sobject, ["COUNT()"], read)
        total = spec.at(api.get(f"{DATA}/{operation(read)}", q=asked), "totalSize")
        if not isinstance(total, int):
            raise UnexpectedResponse("Salesforce answered a count without a number.")
        return total

    return counted


def described(api: spec.Api, sobject: str) -> list[spec.Json]:
    """What describe tells of an object's fields, each with its name and type at least."""
    told = spec.at(api.get(f"{DATA}/sobjects/{sobject}/describe"), "fields")
    found = told if isinstance(told, list) else [None]
    if not all(spec.at(it, "name") and spec.at(it, "type") for it in found):
        raise UnexpectedResponse(f"Salesforce described {sobject} without its fields.")
    return found
