"""What can be connected: the connectors, their objects, and the ways of signing in."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import Field

from sync_platform import spec
from sync_platform.engine.signing_in import asked_before
from sync_platform.platform import Platform
from sync_platform.web.access import Reader, ThePlatform
from sync_platform.web.api.answers import Answer, Cursor, Limit, PageOf, minutes, page_of

router = APIRouter()


class FilterOf(Answer):
    """A way of syncing only some of an object's records."""

    name: str
    label: str
    kind: spec.FilterKind = Field(
        description="`values`: one or several values, with commas between; `days`: a number, for "
        "the records of the last so many days; `text`: one text, commas and all."
    )
    values: list[str] = Field(description="All there are; empty where they are not known.")


class ObjectOf(Answer):
    """A kind of record."""

    name: str = Field(examples=["contacts"])
    label: str
    description: str
    incremental: bool = Field(description="Changes can be asked for; otherwise it is read whole.")
    sees_deletes: bool = Field(description="The vendor tells of deletions; else a full sync does.")
    writable: bool
    filters: list[FilterOf]


class SettingOf(Answer):
    """Something that must be known besides the sign-in."""

    name: str
    label: str
    required: bool
    default: str | None
    description: str | None
    asked: Literal["before", "after", "never"] = Field(
        description="`before` signing in; `after` it, among what the vendor lists; `never` where "
        "the vendor tells it by itself, whichever way one signs in."
    )


class WayOf(Answer):
    """A way of signing in."""

    name: str = Field(examples=["BearerToken"])
    label: str
    secret: list[str] = Field(
        description="What `secret` must hold to connect through the API. Empty: a person has to "
        "sign in on the platform's pages.",
        examples=[["token"]],
    )


class Interval(Answer):
    """How often a connection syncs, in minutes, and within which bounds that may be changed."""

    default: float
    shortest: float
    longest: float


class ConnectorOf(Answer):
    """What we know of one SaaS API."""

    name: str = Field(examples=["hubspot"])
    label: str = Field(examples=["HubSpot"])
    ways: list[WayOf]
    settings: list[SettingOf]
    interval_minutes: Interval
    objects: list[ObjectOf]


@router.get("/connectors", summary="List connectors")
def list_connectors(
    request: Request,
    platform: ThePlatform,
    caller: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PageOf[ConnectorOf]:
    """What can be connected, by name."""
    found = list(platform.connectors().values())

    def show(connector: spec.Connector) -> ConnectorOf:
        return connector_of(platform, connector)

    return page_of(request, found, show, lambda it: [it.name], limit=limit, cursor=cursor)


@router.get("/connectors/{connector}", summary="Get a connector")
def get_connector(platform: ThePlatform, caller: Reader, connector: str) -> ConnectorOf:
    """One connector with all its objects."""
    return connector_of(platform, platform.connector(connector))


def connector_of(platform: Platform, connector: spec.Connector) -> ConnectorOf:
    """The connector as the API shows it."""
    bounds = connector.interval
    return ConnectorOf(
        name=connector.name,
        label=connector.label,
        ways=[
            WayOf(name=way.name, label=way.label, secret=[each.name for each in way.blanks])
            for way in platform.connecting.ways(connector.name)
        ],
        settings=[_setting(each, connector) for each in connector.settings],
        interval_minutes=Interval(
            default=minutes(bounds.default),
            shortest=minutes(bounds.shortest),
            longest=minutes(bounds.longest),
        ),
        objects=[object_of(each) for each in connector.objects],
    )


def object_of(obj: spec.ConnectorObject) -> ObjectOf:
    """The object as the API shows it."""
    return ObjectOf(
        name=obj.name,
        label=obj.label or obj.name,
        description=obj.description,
        incremental=obj.incremental,
        sees_deletes=obj.sees_deletes,
        writable=obj.writable,
        filters=[
            FilterOf(name=it.name, label=it.label, kind=it.kind, values=list(it.values))
            for it in obj.filters
        ],
    )


def _setting(setting: spec.Setting, connector: spec.Connector) -> SettingOf:
    asked: Literal["before", "after", "never"] = "before"
    if setting.options is not None:
        asked = "after"
    elif not any(setting in asked_before(connector, way) for way in connector.auth):
        asked = "never"
    return SettingOf(
        name=setting.name,
        label=setting.label,
        required=setting.required,
        default=setting.default,
        description=setting.description,
        asked=asked,
    )
