"""Salesforce's REST endpoints over one org: objects, queries and their pages, deletions, writes.

Behaviours and where they are described (REST API Developer Guide unless another is named):
- Query, QueryAll, and `nextRecordsUrl`; batch sizes 200 to 2,000 (Query Options Header).
- A query's locator that ended: INVALID_QUERY_LOCATOR (SOAP API guide, queryMore: 48 hours).
- Get Deleted: 15 days back, seconds cut off, a span of over a minute, `latestDateCovered`
  (SOAP API guide, getDeleted: 600,000 ids, then EXCEEDED_ID_LIMIT).
- Retrieve of sObject Collections by POST: 2,000 ids; what is not there is null (so is here what
  is archived, which no guide tells).
- Upsert by an external id: 201 where it made a record, 200 where there was one.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from sync_platform.sandbox.calls import Call, Endpoint, Json, answer
from sync_platform.sandbox.salesforce_errors import malformed, not_found, refusal
from sync_platform.sandbox.salesforce_kinds import SField
from sync_platform.sandbox.salesforce_org import Org, Record, moment_of
from sync_platform.sandbox.salesforce_soql import Query, moment, parsed

ROOT = "/services/data/{version}"
A_DAY = 86_400.0
MOST_COLLECTED = 2_000


@dataclass(kw_only=True)
class Answering:
    """What a test may turn about the answers."""

    page_size: int = 2000
    locator_lasts: float = 48 * 3600.0
    most_deleted: int = 600_000
    covered_behind: float = 0.0  # seconds by which getDeleted's latestDateCovered is behind
    cut_short: bool = False  # the first page of a query is its last


def found_by(org: Org, query: Query, *, deleted: bool) -> list[Record]:
    """The records of a query, in its order."""
    table = org.table(query.object.name)
    records = [
        it
        for it in table.seen.values()
        if (deleted or not it.get("IsDeleted", False)) and query.matches(it)
    ]
    for name, down in reversed(query.order):
        records.sort(key=lambda it: (it[name] is not None, it[name]), reverse=down)
    return records[: query.limit]


def shown(record: Record, known: SField, at: str) -> Any:
    """A value as REST gives it."""
    match known.type:
        case "address":
            parts = ("street", "city", "postalCode", "country")
            found = {part: record.get(f"Billing{part[0].upper()}{part[1:]}") for part in parts}
            return found if any(found.values()) else None
        case "location":
            name = known.name.removesuffix("__c")
            sides = ("Latitude", "Longitude")
            return {side.lower(): record.get(f"{name}__{side}__s") for side in sides}
        case "base64":
            return f"{at}/{known.name}"
    return record[known.name]


def rest_endpoints(org: Org, answering: Answering) -> list[Endpoint]:
    """The endpoints over an org."""
    locators: dict[str, tuple[float, Query, list[Record], int]] = {}

    def objects(call: Call) -> Response:
        listed = [it.listed(_version(call)) for it in org.objects.values()]
        return answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    def describe(call: Call) -> Response:
        kind = org.object(call.places["object"])
        if kind.flags == "h":  # hidden from this account
            raise not_found()
        return answer(kind.described(_version(call)))

    def query(call: Call) -> Response:
        return _queried(call, deleted=False)

    def query_all(call: Call) -> Response:
        return _queried(call, deleted=True)

    def _queried(call: Call, *, deleted: bool) -> Response:
        if call.path.endswith("/query/") or not call.first("q").strip():
            raise malformed("SOQL query is either empty or contains only whitespace")
        asked = parsed(call.first("q"), org.objects)
        records = found_by(org, asked, deleted=deleted)
        if asked.counts:
            return answer({"totalSize": len(records), "done": True, "records": []})
        return _page(call, asked, records, 0, _batch(call))

    def more(call: Call) -> Response:
        name, _, start = call.places["locator"].partition("-")
        until, asked, records, batch = locators.get(name, (0.0, None, [], 0))
        if asked is None or until < org.clock() or not start.isdecimal():
            raise refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return _page(call, asked, records, int(start), batch, name)

    def _batch(call: Call) -> int:
        asked = call.headers.get("sforce-query-options", "").partition("batchSize=")[2]
        most = max(200, min(int(asked), 2000)) if asked.isdecimal() else 2000
        return min(most, answering.page_size)

    def _page(
        call: Call, asked: Query, records: list[Record], start: int, size: int, name: str = ""
    ) -> Response:
        page = records[start : start + size]
        version = _version(call)
        body: Json = {
            "totalSize": len(records),
            "done": start + size >= len(records),
            "records": [_row(asked.object.name, it, asked.fields, version) for it in page],
        }
        if not body["done"] and not answering.cut_short:
            name = name or f"01gSb{len(locators):010d}AAA"
            locators[name] = (org.clock() + answering.locator_lasts, asked, records, size)
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{start + size}"
        return answer(body)

    def _row(object: str, record: Record, fields: list[SField], version: str) -> Json:
        at = f"/services/data/{version}/sobjects/{object}/{record['Id']}"
        values = {each.name: shown(record, each, at) for each in fields}
        return {"attributes": {"type": object, "url": at}, **values}

    def deleted(call: Call) -> Response:
        kind = org.object(call.places["object"])
        if "r" not in kind.flags:
            said = f"object {kind.name} is not replicable"
            raise refusal(400, "INVALID_TYPE", said)
        now = org.clock()
        start, end = (_minute(call.first(name)) for name in ("start", "end"))
        if start < now - 15 * A_DAY - 60 or end - start < 60:
            said = (
                "startDate before org replication enabled date"
                if start < now - 15 * A_DAY - 60
                else "startDate must be at least one minute greater than endDate"
            )
            raise refusal(400, "INVALID_REPLICATION_DATE", said)
        found = org.deleted_between(kind.name, moment(start), moment(end))
        if len(found) > answering.most_deleted:
            raise refusal(400, "EXCEEDED_ID_LIMIT", "exceeded max number of ids in a single call")
        covered = min(end, now - answering.covered_behind) // 60 * 60
        return answer(
            {
                "deletedRecords": [{"id": id, "deletedDate": at} for id, at in found],
                "earliestDateAvailable": moment((now - 15 * A_DAY) // 60 * 60),
                "latestDateCovered": moment(covered),
            }
        )

    def collected(call: Call) -> Response:
        kind, asked = org.object(call.places["object"]), orjson.loads(call.body)
        ids = asked.get("ids") or []
        if len(ids) > MOST_COLLECTED:
            said = f"Request size exceeds the limit of {MOST_COLLECTED} records"
            raise refusal(400, "INVALID_INPUT", said)
        unknown = [each for each in asked["fields"] if each not in kind.fields]
        if unknown:
            said = f"No such column '{unknown[0]}' on sobject of type {kind.name}"
            raise refusal(400, "INVALID_FIELD", said)
        fields = [kind.fields[each] for each in dict.fromkeys([*asked["fields"], "Id"])]
        seen = org.table(kind.name).seen
        records = [seen.get(id) for id in ids]
        return answer(
            [
                _row(kind.name, it, fields, _version(call))
                if it is not None and not it.get("IsDeleted") and not it.get("IsArchived")
                else None
                for it in records
            ]
        )

    # -- writes ------------------------------------------------------------------------------------

    def create(call: Call) -> Response:
        kind = _writable(call, "w")
        values = org.checked(kind, orjson.loads(call.body))
        _required(kind, values)
        return _made(org.create(kind, values)["Id"], 201)

    def update(call: Call) -> Response:
        kind, id = _writable(call, "w"), call.places["id"]
        values = orjson.loads(call.body)
        known = org.get(kind, id)["Id"]
        org.edit(kind, known, org.checked(kind, values, id=known))
        return Response(status_code=204)

    def remove(call: Call) -> Response:
        org.delete(_writable(call, "d"), call.places["id"])
        return Response(status_code=204)

    def upsert(call: Call) -> Response:
        kind, name = _writable(call, "w"), call.places["field"]
        values = orjson.loads(call.body)
        if name in values:
            said = f"The {name} field should not be specified in the sobject data."
            raise refusal(400, "INVALID_FIELD", said, fields=[name])
        there = org.by_external(kind, name, call.places["value"])
        if there is not None:
            org.edit(kind, there["Id"], org.checked(kind, values))
            return _made(there["Id"], 200, created=False)
        values = org.checked(kind, values) | {name: call.places["value"]}
        _required(kind, values)
        return _made(org.create(kind, values)["Id"], 201, created=True)

    def one(call: Call) -> Response:
        kind = org.object(call.places["object"])
        record = org.get(kind.name, call.places["id"])
        return answer(_row(kind.name, record, list(kind.fields.values()), _version(call)))

    def _writable(call: Call, flag: str) -> str:
        kind = org.object(call.places["object"])
        if flag not in kind.flags:
            said = (
                f"entity type {kind.name} does not support {'delete' if flag == 'd' else 'create'}"
            )
            raise refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", said, fields=[])
        return kind.name

    def _required(kind: str, values: Json) -> None:
        fields = org.objects[kind].fields.values()
        needed = [it.name for it in fields if it.has("n") and it.writable and it.type != "boolean"]
        missing = [name for name in needed if values.get(name) in (None, "")]
        if missing:
            said = f"Required fields are missing: [{', '.join(missing)}]"
            raise refusal(400, "REQUIRED_FIELD_MISSING", said, fields=missing)

    def limits(call: Call) -> Response:
        return answer({"DailyApiRequests": {"Max": 100_000, "Remaining": 99_000}})

    x = f"{ROOT}/sobjects/{{object}}"
    return [
        Endpoint("GET", f"{ROOT}/sobjects", objects),
        Endpoint("GET", f"{x}/describe", describe),
        Endpoint("GET", f"{x}/deleted", deleted),
        Endpoint("GET", f"{x}/deleted/", deleted),
        Endpoint("GET", f"{ROOT}/query", query),
        Endpoint("GET", f"{ROOT}/queryAll", query_all),
        Endpoint("GET", f"{ROOT}/query/{{locator}}", more),
        Endpoint("GET", f"{ROOT}/limits", limits),
        Endpoint("POST", f"{ROOT}/composite/sobjects/{{object}}", collected),
        Endpoint("POST", x, create),
        Endpoint("GET", f"{x}/{{id}}", one),
        Endpoint("PATCH", f"{x}/{{id}}", update),
        Endpoint("DELETE", f"{x}/{{id}}", remove),
        Endpoint("PATCH", f"{x}/{{field}}/{{value:path}}", upsert),
    ]


def _version(call: Call) -> str:
    version = call.places["version"]
    if not (version.startswith("v") and version.endswith(".0") and version[1:-2].isdecimal()):
        raise not_found()
    return version


def _minute(text: str) -> float:
    """A moment of getDeleted, whose seconds count for nothing."""
    try:
        return moment_of(text.replace(" ", "+")) // 60 * 60
    except ValueError:
        raise refusal(400, "INVALID_FIELD", f"invalid date: '{text}'") from None


def _made(id: str, status: int, **more: bool) -> Response:
    return answer({"id": id, "success": True, "errors": [], **more}, status)
