"""Pages out of templates. What every page shows is added here."""

import logging
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sync_platform import __version__
from sync_platform.engine.access import LONGEST_PASSWORD, SHORTEST_PASSWORD, Caller
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.web import showing
from sync_platform.web.telling import headers_of, logged, status_of

log = logging.getLogger("sync_platform")

STATIC = files("sync_platform.web") / "static"

templates = Environment(
    loader=PackageLoader("sync_platform.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters.update(showing.FILTERS)
templates.globals.update(shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)


def page(
    request: Request,
    template: str,
    *,
    problem: SyncPlatformError | str | None = None,
    status: int | None = None,
    plain: bool = False,
    **values: Any,
) -> HTMLResponse:
    """The template as an answer. Give it `title`; it extends layout.html.

    `problem`: why what a form asked for was not done, an error or a sentence of ours (422). Shown
    where the template has `problem_message()`; the answer has its status.

    A template also knows `caller` (None where nobody is signed in), `csrf` (what `csrf_field()`
    puts into every form), `waiting` (how many connections need a person), `here` (the path),
    `version`, and the macros of pieces.html. `plain`: the store is not asked, as it may be broken.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    told, wrong, headers = _told(request, problem)
    waiting = 0
    if caller is not None and not plain and "waiting" not in values:
        waiting = needing_a_person(request.app.state.platform, caller)
    always = {
        "caller": caller,
        "csrf": getattr(request.state, "csrf", ""),
        "waiting": waiting,
        "here": request.url.path,
        "version": __version__,
        "problem": told,
    }
    pieces = vars(templates.get_template("pieces.html").make_module(always))
    text = templates.get_template(template).render({**pieces, **always, **values})
    return HTMLResponse(text, status or wrong, headers)


def _told(
    request: Request, problem: SyncPlatformError | str | None
) -> tuple[str | None, int, dict[str, str]]:
    """The sentence, the status and the headers that a problem makes of a page."""
    if not isinstance(problem, SyncPlatformError):
        return problem, 422 if problem else 200, {}
    status = status_of(problem)
    told = logged(request, problem) if status == 500 else str(problem)
    return told, status, headers_of(problem)


def leaving(request: Request, address: str) -> HTMLResponse:
    """A page that goes on to another website by itself.

    For answers to forms: our policy lets no form lead elsewhere, not even by a redirect.
    """
    host = urlsplit(address).hostname
    return page(request, "leaving.html", plain=True, title="One moment", address=address, host=host)


def needing_a_person(platform: Platform, caller: Caller) -> int:
    """How many of the connections that the caller sees need a person."""
    try:
        found = platform.overviews()
    except SyncPlatformError as error:
        log.warning("The badge of a page could not be counted: %s", error)
        return 0
    return sum(it.condition.needs_person and caller.sees(it.connection.schema) for it in found)


def local_path(text: str | None) -> str:
    """A path of ours to go on to, whatever an address asked for: never another website."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    if any(ord(character) < 33 for character in text):
        return "/"
    parts = urlsplit(text)
    return "/" if parts.scheme or parts.netloc else text
