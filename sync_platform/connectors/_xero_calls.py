"""How Xero's objects are read and written, and how its moments are."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sync_platform import spec
from sync_platform.connectors._xero_fields import fields

API = "/api.xro/2.0"
LARGEST_PAGE = 1000
NUMBERED = spec.numbered_pages(limit=LARGEST_PAGE, total="pagination.itemCount")
BY_HUNDREDS = spec.numbered_pages(limit=100)  # takes no pageSize, tells no total
SIDE_BY_SIDE = 2  # of the 5 calls that Xero allows; another sync may run beside this one
UPDATED = "UpdatedDateUTC"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WRITTEN = re.compile(
    r"/Date\((-?\d+)(?:[+-]\d{4})?\)/"
)  # the offset is for show: the number is UTC

ISSUED = spec.Filter(name="issued_within", label="Dated within the last days", kind="days")
STATUS = spec.Filter(
    name="status",
    label="Status",
    values=("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"),
)
SIDE = spec.Filter(name="type", label="Sales (ACCREC) or bills", values=("ACCREC", "ACCPAY"))
GONE = ("DELETED", "VOIDED")
COUNTS = ("AUTHORISED", "POSTED")  # in the ledger: Xero no longer lets it be deleted
EXACT = {"unitdp": 4}  # decimals of unit prices
TOLD = {"summarizeErrors": "true"}  # a refused record is HTTP 400
Params = Mapping[str, Any]


def xero_object(
    name: str,
    path: str,
    *,
    key: str,
    scope: str,
    cursor: str | None = UPDATED,
    records: str = "",
    pages: spec.Paginator = spec.single_page,
    ordered: bool = False,
    where: bool = True,
    also: Params | None = None,
    gone: Sequence[str] = (),
    status: str = "Status",
    filters: Sequence[spec.Filter] = (),
    label: str = "",
) -> spec.ConnectorObject:
    """One object to read: where it is listed, and how. `where` is whether its list takes one; the
    filters of others are parameters of their own."""
    fixed: dict[str, Any] = dict(also or {})
    if isinstance(pages, spec.CountedPages):
        fixed["page"] = 1  # without it, a list has no line items
        if pages is NUMBERED:
            fixed["pageSize"] = LARGEST_PAGE
    if ordered:
        fixed["order"] = f"{key} ASC"
    counted = isinstance(pages, spec.CountedPages)

    def params(read: spec.Read) -> Params:
        if not where:
            return fixed | parameters(read)
        clauses, asked = list(conditions(read)), {}
        if cursor == UPDATED:
            clauses += window(read)
        status = read.filters.get(STATUS.name, "")
        if status and STATUS in filters:
            told = (*status.split(","), *(gone if read.since else ()))
            asked["Statuses"] = ",".join(dict.fromkeys(told))
        elif status and "," not in status and not read.since:
            clauses.append(f'Status=="{status}"')
        if clauses:
            asked["where"] = " && ".join(clauses)
        return fixed | asked

    return spec.ConnectorObject(
        name=name,
        label=label or name.replace("_", " ").capitalize(),
        key=key,
        cursor=cursor,
        lookback=timedelta(minutes=1) if cursor else timedelta(0),
        side_by_side=SIDE_BY_SIDE if counted else 1,
        fields=fields(name, writable=False),
        row=in_iso,
        read=spec.get(
            f"{API}/{path}",
            params=params,
            headers=modified_since if cursor else {},
            records=records or path,
            pages=pages,
        ),
        gone_when=(lambda row: row.get(status) in gone) if gone else None,
        filters=filters,
        scopes=[f"{scope}.read"],
    )


def conditions(read: spec.Read) -> Iterator[str]:
    """What the filters ask for, as clauses of `where`."""
    if ISSUED.name in read.filters:
        yield f"Date>={literal(spec.moment(read.filters[ISSUED.name]).astimezone(UTC))}"
    sides = set(read.filters.get(SIDE.name, "").split(",")) - {""}
    if len(sides) == 1:
        yield f'Type=="{sides.pop()}"'


def window(read: spec.Read) -> Iterator[str]:
    """The window in whole seconds, as clauses of `where`: nothing of it is left out."""
    if read.since:
        yield f"{UPDATED}>={literal(read.since)}"
    if read.until:
        yield f"{UPDATED}<{literal(until(read.until))}"


def parameters(read: spec.Read) -> dict[str, str]:
    """What the filters ask for where a list takes no `where`. It takes one status only, and days:
    rows are looked at again (`of_status`, `dated`)."""
    asked = {}
    if "," not in read.filters.get(STATUS.name, ",") and not read.since:
        asked["Status"] = read.filters[STATUS.name]
    if ISSUED.name in read.filters:
        first = spec.moment(read.filters[ISSUED.name]) - timedelta(days=1)
        asked["DateFrom"] = f"{first:%Y-%m-%d}"
    return asked


def of_status(*values: str) -> spec.Filter:
    """A filter by status for a list that is asked for one at most: rows are looked at again. What
    changed is asked for in any status, since what is gone says so by one."""
    return replace(
        STATUS, values=values, keeps=lambda row, wanted: row.get("Status") in wanted.split(",")
    )


def dated(row: spec.Row, since: str) -> bool:
    """Whether a row is dated within a window that began then."""
    return bool(row.get("Date")) and spec.moment(row["Date"]) >= spec.moment(since)


def modified_since(read: spec.Read) -> Mapping[str, str]:
    return {"If-Modified-Since": since(read.since)} if read.since else {}


def writable(
    obj: spec.ConnectorObject,
    scope: str,
    *,
    params: Params | None = None,
    lone: Sequence[str] = (),
    update: str | None = "{key}",
    delete: spec.Writing | Literal["by_status", "or_voided"] | None = None,
) -> spec.ConnectorObject:
    """The object with its writes: PUT creates, POST updates, and (mostly) a status deletes.

    `lone` says for which of these ("create", "update") a record is sent alone, not in a list;
    `update` is where to, below the object's path. None: Xero lets nobody change it. `delete` is
    "or_voided" where what counts already can only be voided.
    """
    assert isinstance(obj.read, spec.Request)
    path, listed, key = obj.read.path, obj.read.records, obj.keys[0]

    def sent(kind: str, **more: str) -> Callable[[spec.OutboundChange], spec.Json]:
        def body(change: spec.OutboundChange) -> spec.Json:
            known = {key: change.key} if change.key else {}
            record = {**change.values, **known, **more}
            return record if kind in lone else {listed: [record]}

        return body

    def posted(to: str, kind: str, **more: str) -> spec.Request:
        exact = {each: value for each, value in (params or {}).items() if each in EXACT}
        return spec.post(to, params=exact, json=sent(kind, **more), **once)

    def deleted_or_voided(api: spec.Api, change: spec.OutboundChange) -> spec.Json:
        (found,) = api.send(spec.get(one), change)[listed]
        if found["Status"] in GONE:
            return None  # by this very change, whose answer was lost, or by somebody else
        status = "VOIDED" if found["Status"] in COUNTS else "DELETED"
        return api.send(posted(one, "delete", Status=status), change)

    once: dict[str, Any] = {"headers": idempotent, "safe_to_repeat": True}
    one, there = f"{path}/{{key}}", f"{path}/{update}".rstrip("/")
    if delete == "by_status":
        delete = posted(one, "delete", Status="DELETED")
    return replace(
        obj,
        fields=fields(obj.name, writable=True),
        create=spec.put(path, params=params or {}, json=sent("create"), **once),
        update=posted(there, "update") if update is not None else None,
        delete=deleted_or_voided if delete == "or_voided" else delete,
        write_scopes=[scope],
    )


def idempotent(change: spec.OutboundChange) -> Mapping[str, str]:
    """Xero carries out a change with the same key once."""
    return {"Idempotency-Key": change.id}


def since(moment: datetime) -> str:
    """As If-Modified-Since has it: whole seconds, the one before that in which the moment is, since
    what was modified in the very moment that it names may not count as modified since."""
    return f"{moment.astimezone(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"


def until(moment: datetime) -> datetime:
    """The next whole second, so that nothing before the moment is left out."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def literal(moment: datetime) -> str:
    """As `where` has it."""
    at = moment.astimezone(UTC)
    return f"DateTime({at.year},{at.month},{at.day},{at.hour},{at.minute},{at.second})"


def in_iso(value: spec.Json) -> Any:
    """The record with all its moments in ISO 8601, also those within lines; one that no calendar
    has is left as it is."""
    if isinstance(value, str):
        found = WRITTEN.fullmatch(value) if value.startswith("/Date(") else None
        return value if found is None else _iso(int(found[1])) or value
    if isinstance(value, list):
        return [in_iso(each) for each in value]
    if isinstance(value, dict):
        return {name: in_iso(each) for name, each in value.items()}
    return value


def _iso(milliseconds: int) -> str | None:
    try:
        return spec.iso(EPOCH + timedelta(milliseconds=milliseconds))
    except OverflowError:
        return None
