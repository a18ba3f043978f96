"""Syncs: the past ones, and those that are asked for, followed and stopped."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, WithJsonSchema

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.requested import (
    Asked,
    AskedObject,
    AskedStatus,
    RequestedSyncs,
    SyncProgress,
)
from sync_platform.engine.results import SyncResult, SyncStatus
from sync_platform.web.access import Reader, Syncer, ThePlatform
from sync_platform.web.api.answers import (
    Answer,
    Cursor,
    Limit,
    Moment,
    PageOf,
    microseconds,
    page_of,
)
from sync_platform.web.api.connections import Body, Name, Text, seen
from sync_platform.web.api.idempotent import IdempotentRoute, named

router = APIRouter(prefix="/connections/{name}/syncs", route_class=IdempotentRoute)


def _text(value: Any) -> Any:
    if not isinstance(value, str) or not value[:1].isdigit() or len(value) < 10:
        raise ValueError("write a date such as 2026-01-31 or a moment such as 2026-01-31T12:00:00Z")
    return value


def _aware(value: datetime) -> datetime:
    if not 1970 <= value.year <= 9000:
        raise ValueError("the year must be from 1970 to 9000")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


Since = Annotated[
    datetime,
    BeforeValidator(_text),
    AfterValidator(_aware),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
    ),
]


class WantedObject(Body):
    """An object to sync from a date on."""

    object: Text = Field(examples=["deals"])
    sync_from: Since | None = Field(
        None,
        description="Read what changed since this date or moment (UTC where it says no other).",
        examples=["2023-01-01"],
    )


class WantedSyncs(Body):
    """What to sync: by default what changed in all objects that are chosen."""

    objects: Annotated[list[Text | WantedObject], Field(min_length=1, max_length=500)] | None = (
        Field(default=None, examples=[["contacts", {"object": "deals", "sync_from": "2023-01-01"}]])
    )
    full_sync: StrictBool = Field(
        default=False, description="Read everything, and mark what is gone as deleted."
    )
    accept_deletes: StrictBool = Field(
        default=False,
        description="With `full_sync`: mark even more rows as deleted than the share allowed.",
    )

    def asked(self) -> Asked:
        """As the engine has it."""
        objects = None
        if self.objects is not None:
            objects = [
                AskedObject(object=each)
                if isinstance(each, str)
                else AskedObject(object=each.object, sync_from=each.sync_from)
                for each in self.objects
            ]
        return Asked(objects=objects, full_sync=self.full_sync, accept_deletes=self.accept_deletes)


class CountsOf(Answer):
    """Records, by what became of them."""

    fetched: int
    created: int
    updated: int
    deleted: int
    unchanged: int
    rejected: int


class UsageOf(Answer):
    """What it cost."""

    calls: int
    bytes: int
    pages: int


class SyncOf(Answer):
    """One sync of one object, as history has it."""

    id: str
    object: str
    mode: SyncMode
    since: Moment | None
    until: Moment | None
    status: SyncStatus
    started_at: Moment
    finished_at: Moment | None
    seconds: float | None = Field(description="How long it took; null while it runs.")
    counts: CountsOf
    usage: UsageOf
    error: str | None = Field(description="A sentence: what happened and what to do.")
    error_code: str | None
    automatic: bool = Field(description="Nobody asked for it; it was due.")
    resumed: bool = Field(description="It went on where an interrupted one had stopped.")
    run_id: str | None = Field(description="Dagster's run.")
    request: str | None = Field(description="The id of the request that it belongs to.")


class ProgressOf(Answer):
    """How far one object of a request is."""

    object: str
    mode: SyncMode
    since: Moment | None
    until: Moment | None
    status: AskedStatus
    run_id: str | None
    error: str | None = Field(description="A sentence: what happened and what to do.")
    sync: SyncOf | None = Field(description="Its row of history; null until it begins.")


class RequestOf(Answer):
    """Syncs that were asked for, and how far they are."""

    id: str
    connection: str
    status: AskedStatus
    asked_by: str | None = Field(description="Null: nobody; it was due.")
    asked_at: Moment
    canceled_at: Moment | None = Field(description="When someone asked to stop it.")
    ended_at: Moment | None
    run_ids: list[str] = Field(description="Dagster's runs.")
    syncs: list[ProgressOf]


@router.get("", summary="List past syncs")
def list_syncs(
    request: Request,
    platform: ThePlatform,
    caller: Reader,
    name: Name,
    object: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PageOf[SyncOf]:
    """The connection's syncs, newest first: those that run, and the last 50 that ended."""
    seen(platform, caller, name)
    requests = platform.sync_requests.of_runs(name)
    found = platform.history(name, limit=10_000)
    return page_of(
        request,
        [it for it in found if object is None or it.target.object == object],
        lambda it: _sync(it, requests.get(it.run_id or "")),
        lambda it: [microseconds(it.started_at), it.id],
        limit=limit,
        cursor=cursor,
        newest_first=True,
    )


@router.post("", status_code=202, summary="Sync now", dependencies=[Depends(named)])
def request_syncs(
    platform: ThePlatform,
    caller: Syncer,
    response: Response,
    name: Name,
    body: WantedSyncs | None = None,
) -> RequestOf:
    """Launch Dagster runs that sync the connection, and answer at once with their ids. Follow the
    request at the address in `Location`. While the same was asked and waits or runs, that request
    is answered again."""
    seen(platform, caller, name)
    asked = (body or WantedSyncs()).asked()
    made = platform.request_syncs(name, asked, by=caller.name)
    response.headers["Location"] = f"/api/v1/connections/{name}/syncs/{made.id}"
    return _request(made)


@router.get("/{id}", summary="Follow a sync")
def get_sync(platform: ThePlatform, caller: Reader, name: Name, id: str) -> RequestOf:
    """How far a request is; or a sync of the list, by its id."""
    seen(platform, caller, name)
    return _request(platform.sync_request(name, id))


@router.delete("/{id}", summary="Cancel a sync")
def cancel_syncs(platform: ThePlatform, caller: Syncer, name: Name, id: str) -> RequestOf:
    """Stop its Dagster runs, also those that still wait. What was committed stays, and one that has
    ended stays as it is. A run that a sensor launched is stopped with all its objects."""
    seen(platform, caller, name)
    return _request(platform.cancel_syncs(name, id))


def _request(it: RequestedSyncs) -> RequestOf:
    return RequestOf(
        id=it.id,
        connection=it.connection,
        status=it.status,
        asked_by=it.asked_by,
        asked_at=it.asked_at,
        canceled_at=it.canceled_at,
        ended_at=it.ended_at,
        run_ids=it.run_ids,
        syncs=[_progress(it, each) for each in it.syncs],
    )


def _progress(request: RequestedSyncs, it: SyncProgress) -> ProgressOf:
    return ProgressOf(
        object=it.asked.object,
        mode=it.asked.mode,
        since=it.asked.window.since,
        until=it.asked.window.until,
        status=it.status,
        run_id=it.asked.run_id,
        error=it.error,
        sync=_sync(it.sync, request.id if request.asked_by else None) if it.sync else None,
    )


def _sync(it: SyncResult, request: str | None) -> SyncOf:
    return SyncOf(
        id=it.id,
        object=it.target.object,
        mode=it.mode,
        since=it.window.since,
        until=it.window.until,
        status=it.status,
        started_at=it.started_at,
        finished_at=it.finished_at,
        seconds=it.seconds,
        counts=CountsOf.model_validate(it.counts, from_attributes=True),
        usage=UsageOf.model_validate(it.usage, from_attributes=True),
        error=it.error,
        error_code=it.error_code,
        automatic=it.automatic,
        resumed=it.resumed,
        run_id=it.run_id,
        request=request,
    )
