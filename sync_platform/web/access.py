"""Who asks: what a handler may say about its caller. `web/door.py` has found out before."""

from typing import Annotated

from fastapi import Depends, Request

from sync_platform.engine.access import Caller, Person, Scope
from sync_platform.errors import NotAllowed, NotSignedIn
from sync_platform.platform import Platform


def _caller(request: Request) -> Caller:
    found: Caller | None = getattr(request.state, "caller", None)
    if found is None:
        raise NotSignedIn()
    return found


def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


AnyCaller = Annotated[Caller, Depends(_caller)]
"""`caller: AnyCaller` in a handler: who asks, a person or an API key."""

ThePlatform = Annotated[Platform, Depends(_platform)]
"""`platform: ThePlatform` in a handler."""


class require:
    """`dependencies=[Depends(require(Scope.SYNC))]`, or `caller: Annotated[Caller, Depends(…)]`:
    the caller, who has this scope; raises NotAllowed."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def __call__(self, caller: AnyCaller) -> Caller:
        caller.needs(self.scope)
        return caller


Reader = Annotated[Caller, Depends(require(Scope.READ))]
Syncer = Annotated[Caller, Depends(require(Scope.SYNC))]
Writer = Annotated[Caller, Depends(require(Scope.WRITE))]
Admin = Annotated[Caller, Depends(require(Scope.ADMIN))]


def _person(caller: AnyCaller) -> Person:
    if caller.person is None:
        raise NotAllowed("An API key has no business here: these pages are for people.")
    return caller.person


ThePerson = Annotated[Person, Depends(_person)]
"""`person: ThePerson` in a handler: who is signed in."""
