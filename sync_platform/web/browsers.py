"""Which browser is on its way through connecting an account, and whose way it is.

A cookie of its own tells, not the session: that may end while its person is at the vendor. So the
way back is answered without a session, too; all that comes after it needs one of the same person.
"""

import re
import secrets
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from sync_platform.engine.access import Caller, Person, Scope, caller_of
from sync_platform.engine.signing_in import SIGN_IN_LASTS
from sync_platform.errors import NotAllowed, Refused, UnknownPerson
from sync_platform.platform import Platform
from sync_platform.web.access import ThePerson, Writer
from sync_platform.web.cookies import CONNECTING, Cookies

SIGN_INS = "/connect/sign-ins/"  # where one goes on, by the sign-in's id
SHAPE = re.compile(r"[A-Za-z0-9_-]{43}\.[0-9a-f]{32}")  # random, and the person's id


def beginning(request: Request, platform: Platform, person: Person) -> str:
    """The secret that a sign-in of this person is bound to here: the browser's, or a new one, which
    `keep` has to give it."""
    kept = _kept(request, platform)
    if kept is not None and _whose(kept) == person.id:
        return kept
    return f"{secrets.token_urlsafe(32)}.{person.id}"


def keep(response: Response, platform: Platform, browser: str) -> Response:
    """Have the browser remember it for as long as a sign-in lasts."""
    Cookies(platform.settings).write(response, CONNECTING, browser, SIGN_IN_LASTS)
    return response


def coming_back(request: Request, platform: Platform) -> str:
    """The secret of a browser that a vendor sent back, with a session or without one.

    Raises Refused where it has begun nothing or somebody else is signed in by now, NotAllowed where
    its person may not connect accounts any more.
    """
    caller: Caller | None = request.state.caller
    if caller is not None:
        caller.needs(Scope.WRITE)
    kept = _kept(request, platform)
    if kept is None:
        raise Refused(
            "This browser has begun no sign-in within the last hour. Open this address in the "
            "browser that began it, or begin again."
        )
    if caller is not None and (caller.person is None or caller.person.id != _whose(kept)):
        raise Refused("Somebody else began this sign-in, in this browser. Begin again.")
    try:
        person = platform.access.person(_whose(kept))
    except UnknownPerson:
        person = None
    if person is None or person.disabled_at is not None or not caller_of(person).may(Scope.WRITE):
        raise NotAllowed("Whoever began this sign-in may not connect accounts any more.")
    return kept


def _browser(request: Request, caller: Writer, person: ThePerson) -> str:
    kept = _kept(request, request.app.state.platform)
    if kept is None or _whose(kept) != person.id:
        raise Refused(
            "You have begun no sign-in in this browser within the last hour, or signed out since. "
            "Begin again."
        )
    return kept


Browser = Annotated[str, Depends(_browser)]
"""`browser: Browser` in a handler: the secret that this person's sign-ins here are bound to."""


def _kept(request: Request, platform: Platform) -> str | None:
    """The cookie, if it may be one of ours: nothing else, such as an address, is looked up."""
    kept = Cookies(platform.settings).read(request, CONNECTING)
    return kept if kept and SHAPE.fullmatch(kept) else None


def _whose(browser: str) -> str:
    """The id of the person who began. The browser might tell another; then it is another secret,
    which no sign-in is bound to."""
    return browser.partition(".")[2]
