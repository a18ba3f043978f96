"""The connections: listed, made, changed, removed."""

import secrets
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool

from sync_platform.engine.access import Caller, Scope
from sync_platform.engine.connections import LONGEST_LABEL, SLUG, Connection, ConnectionStatus
from sync_platform.engine.due import interval_of
from sync_platform.engine.ports import ObjectChoice, Secret
from sync_platform.errors import NotAllowed, SyncPlatformError, UnknownConnection
from sync_platform.platform import Platform
from sync_platform.web.access import Reader, ThePlatform, Writer
from sync_platform.web.api.answers import Answer, Cursor, Limit, Moment, PageOf, minutes, page_of
from sync_platform.web.api.idempotent import IdempotentRoute, named

router = APIRouter(route_class=IdempotentRoute)

Name = Annotated[str, Path(description="The connection's name.", examples=["acme-hubspot"])]
Minutes = Annotated[int, Field(strict=True, ge=1, le=525_600, examples=[30])]
Text = Annotated[str, Field(strict=True, max_length=2000)]


class Body(BaseModel):
    """What is sent; a word that is not known is refused, because it may be mistyped."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ChosenObject(Body):
    """An object to sync, and how."""

    object: Text = Field(examples=["contacts"])
    interval_minutes: Minutes | None = Field(None, description="Null: the connection's.")
    filters: dict[Text, Text] = Field({}, description="By name; see the connector's objects.")

    def choice(self) -> ObjectChoice:
        """As the engine has it."""
        return ObjectChoice(
            object=self.object, interval=span(self.interval_minutes), filters=self.filters
        )


# Bounded, or a body of numbers would keep us busy for seconds saying that none is an object.
ChosenObjects = Annotated[list[ChosenObject], Field(max_length=2000)]


class NewConnection(Body):
    """An account to connect by a key. For a sign-in of a person use the platform's pages."""

    connector: Text = Field(examples=["hubspot"])
    name: Text = Field(
        description="Small letters, digits and '-', at most 48.", examples=["acme-hubspot"]
    )
    secret: dict[Text, SecretStr] = Field(
        description="The key, in the parts that the way needs. It is encrypted and never told "
        "again.",
        examples=[{"token": "pat-eu1-…"}],
    )
    way: Text | None = Field(None, description="A way's name; by default the first that fits.")
    settings: dict[Text, Text] = Field({}, description="See the connector's settings.")
    workspace: Text | None = Field(
        None, description="The Postgres schema for its tables; by default its name with '_'."
    )
    objects: ChosenObjects | None = Field(
        None, description="What to sync; by default all that the account may read."
    )
    interval_minutes: Minutes | None = Field(None, description="Null: the connector's default.")
    base_url: Text | None = Field(
        None,
        description="Another address than the vendor's: a proxy, a sandbox. Needs the scope "
        "`admin`, because the platform will call it.",
    )
    confirm_other_account: StrictBool = Field(
        False,
        description="True: this account takes the place of another one, whose data a connection "
        "that was removed left in the workspace. A full sync marks what only the old one has as "
        "deleted.",
    )


class Changes(Body):
    """What is to be different; what is left out stays."""

    objects: ChosenObjects | None = Field(
        None,
        description="All objects that are to be synced from now on, with their intervals and "
        "filters. The tables of the others stay. One that is chosen anew, or whose filters "
        "change, is read from the beginning, and rows that are no longer meant are marked as "
        "deleted.",
    )
    interval_minutes: Minutes | None = Field(None, description="Null: the connector's default.")
    paused: StrictBool | None = Field(
        None,
        description="True: no automatic syncs. False: they run again, also after what had needed "
        "attention.",
    )
    label: Text | None = Field(
        None,
        description=f"What people call it, at most {LONGEST_LABEL} characters; null: by its name, "
        "which stays what it is.",
        examples=["Acme, sales"],
    )


class Chosen(Answer):
    """An object that is synced, and how."""

    object: str
    interval_minutes: float | None = Field(description="Null: the connection's.")
    filters: dict[str, str]


class ConnectionOf(Answer):
    """One connected account."""

    name: str = Field(examples=["acme-hubspot"])
    label: str | None = Field(description="What people call it; null: by its name.")
    connector: str = Field(examples=["hubspot"])
    workspace: str = Field(description="The Postgres schema of its tables.")
    status: ConnectionStatus
    status_reason: str | None = Field(description="A sentence; null while it is active.")
    account_id: str | None = Field(description="The account, as the vendor names it.")
    settings: dict[str, str]
    base_url: str | None
    interval_minutes: float = Field(description="How often it syncs.")
    objects: list[Chosen]
    created_at: Moment | None


@router.get("/connections", summary="List connections")
def list_connections(
    request: Request,
    platform: ThePlatform,
    caller: Reader,
    connector: str | None = None,
    status: ConnectionStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PageOf[ConnectionOf]:
    """The connections of the key's workspaces, by name."""
    found = [
        it
        for it in platform.connections()
        if caller.sees(it.schema)
        and (connector is None or it.connector == connector)
        and (status is None or it.status is status)
    ]
    return page_of(
        request,
        found,
        lambda it: connection_of(platform, it),
        lambda it: [it.name],
        limit=limit,
        cursor=cursor,
    )


@router.post(
    "/connections", status_code=201, summary="Connect by a key", dependencies=[Depends(named)]
)
def connect(
    platform: ThePlatform, caller: Writer, response: Response, body: NewConnection
) -> ConnectionOf:
    """Connect an account by a key, a password or a service account. The key is tried first: what
    does not work is not kept. The first sync is due at once."""
    workspace = body.workspace or body.name.replace("-", "_")
    if not caller.sees(workspace):
        raise NotAllowed(f"This API key is not for the workspace {workspace!r}.")
    if body.base_url is not None:
        caller.needs(Scope.ADMIN)
    browser = secrets.token_urlsafe(32)  # nobody else can take this sign-in up
    connecting = platform.connecting
    secret = {name: value.get_secret_value() for name, value in body.secret.items()}
    sign_in = connecting.with_secret(
        body.connector,
        Secret(secret),
        browser=browser,
        connection=body.name,
        settings=body.settings,
        base_url=body.base_url,
        way=body.way,
    )
    try:
        connection = connecting.complete(
            sign_in.id,
            browser=browser,
            name=body.name,
            schema=workspace,
            objects=_choices(body.objects),
            interval=span(body.interval_minutes),
            confirmed=body.confirm_other_account,
        )
    except SyncPlatformError:
        connecting.give_up(sign_in.id, browser=browser)
        raise
    response.headers["Location"] = f"/api/v1/connections/{connection.name}"
    return connection_of(platform, connection)


@router.get("/connections/{name}", summary="Get a connection")
def get_connection(platform: ThePlatform, caller: Reader, name: Name) -> ConnectionOf:
    """One connection."""
    return connection_of(platform, seen(platform, caller, name))


@router.patch("/connections/{name}", summary="Change a connection")
def change_connection(
    platform: ThePlatform, caller: Writer, name: Name, body: Changes
) -> ConnectionOf:
    """Change objects, filters and intervals; rename; pause and resume. All of it or, where
    something cannot be, nothing."""
    seen(platform, caller, name)
    given = body.model_fields_set
    changed = platform.adjust(
        name,
        objects=_choices(body.objects),
        interval=span(body.interval_minutes),
        interval_default="interval_minutes" in given and body.interval_minutes is None,
        paused=body.paused,
        label=(body.label or "") if "label" in given else None,
    )
    return connection_of(platform, changed)


@router.delete("/connections/{name}", status_code=204, summary="Disconnect")
def disconnect(platform: ThePlatform, caller: Writer, name: Name) -> None:
    """Forget the connection, its key, cursors and history. Its tables stay."""
    seen(platform, caller, name)
    platform.disconnect(name)


def seen(platform: Platform, caller: Caller, name: str) -> Connection:
    """The connection, if the caller sees its workspace; else there is none, as far as they know."""
    unknown = UnknownConnection(f"There is no connection {name[:60]!r} that you may see.")
    if not SLUG.fullmatch(name):
        raise unknown
    try:
        connection = platform.connection(name)
    except UnknownConnection:  # whose sentence names others
        raise unknown from None
    if not caller.sees(connection.schema):
        raise unknown
    return connection


def connection_of(platform: Platform, it: Connection) -> ConnectionOf:
    """The connection as the API shows it."""
    connector = platform.connectors().get(it.connector)
    every = it.interval or timedelta(0)
    if connector is not None:
        every = interval_of(connector, it, ObjectChoice(object=""))
    return ConnectionOf(
        name=it.name,
        label=it.label,
        connector=it.connector,
        workspace=it.schema,
        status=it.status,
        status_reason=it.status_reason,
        account_id=it.account_id,
        settings=dict(it.settings),
        base_url=it.base_url,
        interval_minutes=minutes(every),
        objects=[
            Chosen(
                object=each.object,
                interval_minutes=minutes(each.interval) if each.interval else None,
                filters=dict(each.filters),
            )
            for each in it.objects
        ],
        created_at=it.created_at,
    )


def _choices(objects: list[ChosenObject] | None) -> list[ObjectChoice] | None:
    return None if objects is None else [each.choice() for each in objects]


def span(count: int | None) -> timedelta | None:
    """So many minutes."""
    return None if count is None else timedelta(minutes=count)
