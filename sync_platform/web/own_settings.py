"""The platform's own settings: people, API keys, one's own password."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from sync_platform.engine.access import Person, Role, Scope, checked_scopes
from sync_platform.errors import ConfigurationError, NotSignedIn, Refused, SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.web.access import Admin, ThePerson, ThePlatform
from sync_platform.web.entrance import NOT_ALIKE, entered
from sync_platform.web.rendering import page

router = APIRouter(prefix="/settings", include_in_schema=False)

SCOPES = {
    Scope.READ: "see connections, syncs and schema changes",
    Scope.SYNC: "start and cancel syncs",
    Scope.WRITE: "connect, change and disconnect connections",
    Scope.ADMIN: "everything, in all workspaces",
}


# -- people ---------------------------------------------------------------------------------------


@router.get("/people")
def people_page(request: Request, platform: ThePlatform, caller: Admin) -> Response:
    """Everyone who may sign in."""
    return _people_page(request, platform)


@router.post("/people")
def add_person(
    request: Request,
    platform: ThePlatform,
    caller: Admin,
    email: Annotated[str, Form()] = "",
    role: Annotated[Role, Form()] = Role.MEMBER,
) -> Response:
    """Add someone; the link for them is shown once."""
    try:
        link = platform.access.add_person(email, role)
    except (ConfigurationError, Refused) as error:
        return _people_page(request, platform, email=email, problem=error)
    return _people_page(request, platform, link=platform.access.address_of(link), email=email)


@router.post("/people/{id}/link")
def new_link(request: Request, platform: ThePlatform, caller: Admin, id: str) -> Response:
    """Another one-time link for someone."""
    person = platform.access.person(id)
    link = platform.access.address_of(platform.access.new_link(person))
    return _people_page(request, platform, link=link, email=person.email)


@router.post("/people/{id}/role")
def set_role(
    request: Request, platform: ThePlatform, caller: Admin, id: str, role: Annotated[Role, Form()]
) -> Response:
    """Make someone an admin or a member."""
    platform.access.set_role(id, role)
    return RedirectResponse("/settings/people", 303)


@router.post("/people/{id}/disable")
def disable(request: Request, platform: ThePlatform, caller: Admin, id: str) -> Response:
    """Let nobody sign in as this person."""
    platform.access.disable(id)
    return RedirectResponse("/settings/people", 303)


@router.post("/people/{id}/enable")
def enable(request: Request, platform: ThePlatform, caller: Admin, id: str) -> Response:
    """Let the person sign in again."""
    platform.access.enable(id)
    return RedirectResponse("/settings/people", 303)


def _people_page(
    request: Request,
    platform: Platform,
    *,
    link: str | None = None,
    email: str = "",
    problem: SyncPlatformError | None = None,
) -> Response:
    return page(
        request,
        "people.html",
        title="People",
        people=platform.access.people(),
        roles=list(Role),
        link=link,
        email=email,
        problem=problem,
    )


# -- API keys -------------------------------------------------------------------------------------


class WantedKey(BaseModel):
    """What the form asks for; shown again where it cannot be."""

    name: str = ""
    scopes: list[str] = []
    reach: str = "all"
    schemas: list[str] = []


SUGGESTED = WantedKey(scopes=[Scope.READ])
ALL_OR_SOME = "Is the key for all workspaces, or only for those that are ticked? Choose one of it."


@router.get("/keys")
def keys_page(request: Request, platform: ThePlatform, caller: Admin) -> Response:
    """All API keys."""
    return _keys_page(request, platform)


@router.post("/keys")
def make_key(
    request: Request,
    platform: ThePlatform,
    caller: Admin,
    wanted: Annotated[WantedKey, Form()],
) -> Response:
    """Make a key; its text is shown once."""
    everywhere = wanted.reach == "all"
    if everywhere and wanted.schemas:  # or it would reach further than was meant
        return _keys_page(request, platform, wanted=wanted, problem=ALL_OR_SOME)
    try:
        _, text = platform.access.make_key(
            wanted.name,
            checked_scopes(wanted.scopes),
            None if everywhere else wanted.schemas,
            by=caller.name,
        )
    except ConfigurationError as error:
        return _keys_page(request, platform, wanted=wanted, problem=error)
    return _keys_page(request, platform, made=text)


@router.post("/keys/{id}/revoke")
def revoke_key(request: Request, platform: ThePlatform, caller: Admin, id: str) -> Response:
    """End a key."""
    platform.access.revoke_key(id)
    return RedirectResponse("/settings/keys", 303)


def _keys_page(
    request: Request,
    platform: Platform,
    *,
    made: str | None = None,
    wanted: WantedKey = SUGGESTED,
    problem: SyncPlatformError | str | None = None,
) -> Response:
    return page(
        request,
        "keys.html",
        title="API keys",
        keys=platform.access.api_keys(),
        scopes=SCOPES,
        schemas=sorted(it.schema for it in platform.connections()),
        made=made,
        wanted=wanted,
        problem=problem,
    )


# -- one's own ------------------------------------------------------------------------------------


@router.get("/account")
def account_page(request: Request, person: ThePerson) -> Response:
    """Who is signed in."""
    return _account_page(request, person)


@router.post("/account/password")
def change_password(
    request: Request,
    platform: ThePlatform,
    person: ThePerson,
    old: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Keep another password; the person's other sessions end."""
    if password != again:
        return _account_page(request, person, problem=NOT_ALIKE)
    address = request.client.host if request.client else "unknown"
    try:
        token = platform.access.change_password(person, old, password, address=address)
    except NotSignedIn:
        return _account_page(request, person, problem="The old password is wrong.")
    except ConfigurationError as error:
        return _account_page(request, person, problem=error)
    return entered(platform, token, "/settings/account", before=None)


def _account_page(
    request: Request, person: Person, problem: SyncPlatformError | str | None = None
) -> Response:
    return page(request, "account.html", title="Your account", person=person, problem=problem)
