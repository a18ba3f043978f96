"""A connection's objects: where they stand, and what changed in their fields."""

from dataclasses import asdict

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from sync_platform.waist.choosing import ObjectState
from sync_platform.web.access import Reader, Syncer, ThePlatform
from sync_platform.web.api.answers import (
    Answer,
    Cursor,
    Limit,
    Moment,
    PageOf,
    microseconds,
    minutes,
    page_of,
)
from sync_platform.web.api.connections import Name, seen
from sync_platform.web.api.connectors import ObjectOf, object_of
from sync_platform.web.api.idempotent import IdempotentRoute, named

router = APIRouter(prefix="/connections/{name}", route_class=IdempotentRoute)


class StateOf(Answer):
    """An object of a connection, chosen or not."""

    object: str = Field(examples=["contacts"])
    chosen: bool
    interval_minutes: float = Field(description="How often it syncs, or would.")
    filters: dict[str, str]
    cursor: Moment | None = Field(description="How far it has been read.")
    syncing: bool
    stopped: bool = Field(
        description="Automatic syncs are stopped after failures, until it is resumed."
    )
    full_failing: str | None = Field(
        description="Since when no full sync has gone well, and why, where it is too long ago."
    )
    last_started_at: Moment | None
    last_full_started_at: Moment | None
    can: ObjectOf


class ChangeOf(Answer):
    """A difference between what the vendor's object had and has, or what became of its table."""

    object: str
    field: str = Field(
        description="Its name by now; empty where it is about the whole object. Of a change of the "
        "table (`mended`, `kept`): the column."
    )
    kind: str = Field(
        description="Of a field or an object: `added`, `vanished`, `returned`, `retyped`, "
        "`renamed`. Of the table: `mended` where somebody had changed it, `kept` where something "
        "of somebody's keeps a column from the type that its field needs.",
        examples=["added"],
    )
    before: str | None = Field(
        description="A type, or a name. Where it was mended: what somebody did."
    )
    after: str | None = Field(
        description="A type, or a name. Where it was mended: what the sync did about it."
    )
    sentence: str = Field(description="All of this, for people.")
    found_at: Moment


@router.get("/objects", summary="List a connection's objects")
def list_objects(
    request: Request,
    platform: ThePlatform,
    caller: Reader,
    name: Name,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PageOf[StateOf]:
    """All that could be synced, what is, and how far it has been read."""
    seen(platform, caller, name)
    states = platform.objects(name)
    return page_of(request, states, _state, lambda it: [it.obj.name], limit=limit, cursor=cursor)


@router.post(
    "/objects/{object}/resume",
    summary="Resume an object",
    dependencies=[Depends(named)],
)
def resume_object(platform: ThePlatform, caller: Syncer, name: Name, object: str) -> StateOf:
    """Let automatic syncs of the object run again after failures stopped them."""
    seen(platform, caller, name)
    platform.resume(name, object)
    return next(_state(each) for each in platform.objects(name) if each.obj.name == object)


@router.get("/schema-changes", summary="List schema changes")
def list_schema_changes(
    request: Request,
    platform: ThePlatform,
    caller: Reader,
    name: Name,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PageOf[ChangeOf]:
    """What changed in the vendor's fields since the account was connected, and what became of the
    tables, newest first."""
    seen(platform, caller, name)
    return page_of(
        request,
        [(each.found_at, each) for each in platform.schema_changes(name) if each.found_at],
        lambda it: ChangeOf.model_validate({**asdict(it[1]), "sentence": str(it[1])}),
        lambda it: [microseconds(it[0]), it[1].object, it[1].field, it[1].kind],
        limit=limit,
        cursor=cursor,
        newest_first=True,
    )


def _state(it: ObjectState) -> StateOf:
    return StateOf(
        object=it.obj.name,
        chosen=it.choice is not None,
        interval_minutes=minutes(it.interval),
        filters=dict(it.choice.filters) if it.choice else {},
        cursor=it.cursor,
        syncing=it.activity.running,
        stopped=it.paused,
        full_failing=it.full_failing,
        last_started_at=it.activity.last_started_at,
        last_full_started_at=it.activity.last_full_started_at,
        can=object_of(it.obj),
    )
