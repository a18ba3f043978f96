"""Signing in at a vendor, for a new connection or one that there is: the page and its forms."""

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from sync_platform.engine.access import Person
from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Secret
from sync_platform.engine.signing_in import Way, asked_before
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.spec import Connector, OAuth2, Setting
from sync_platform.web import browsers
from sync_platform.web.pages.forms import Sent
from sync_platform.web.rendering import leaving, page

CALLBACK = "/connect/callback"


@dataclass(frozen=True)
class Offer:
    """A way of signing in, and what must be known for it before."""

    way: Way
    settings: list[Setting]

    @property
    def oauth(self) -> bool:
        """Whether the person goes to the vendor for it."""
        return isinstance(self.way.auth, OAuth2)


def ways_page(
    request: Request,
    platform: Platform,
    connector: Connector,
    *,
    connection: Connection | None = None,
    given: Sent | None = None,
    problem: SyncPlatformError | None = None,
) -> Response:
    """The ways of signing in to this vendor; what was `given` is shown again, without secrets."""
    known = dict(connection.settings) if connection else {}
    known |= given.within("setting", empty=True) if given else {}
    base_url = (connection.base_url if connection else None) or ""
    here = f"/connections/{connection.name}/sign-in" if connection else f"/connect/{connector.name}"
    title = f"Sign {connection.title} in again" if connection else f"Connect {connector.label}"
    return page(
        request,
        "ways.html",
        title=title,
        problem=problem,
        target=connector,
        connection=connection,
        here_to=here,
        offers=[
            Offer(way, asked_before(connector, way.auth))
            for way in platform.connecting.ways(connector.name)
        ],
        tried=given.text("way") if given else "",
        known=known,
        wanted=set(given.all("objects")) if given and given.has("objects") else None,
        writing=given is not None and given.has("writing"),
        base_url=given.text("base_url") if given else base_url,
        redirect_uri=platform.settings.public_url + CALLBACK,
        variable=f"SYNC_PLATFORM_OAUTH_{connector.name.upper()}_CLIENT",
    )


def begin(
    request: Request,
    platform: Platform,
    person: Person,
    connector: Connector,
    form: Sent,
    connection: Connection | None = None,
) -> Response:
    """Send the person to the vendor; or back to the form, saying why not."""
    browser = browsers.beginning(request, platform, person)
    try:
        begun = platform.connecting.begin(
            connector.name,
            redirect_uri=platform.settings.public_url + CALLBACK,
            browser=browser,
            connection=connection.name if connection else None,
            settings=form.within("setting", empty=True),  # what was emptied is taken out
            objects=form.all("objects") or None,
            writing=form.has("writing"),
            base_url=form.text("base_url") or None,
            again=connection is not None,
        )
    except SyncPlatformError as error:
        return ways_page(
            request, platform, connector, connection=connection, given=form, problem=error
        )
    return browsers.keep(leaving(request, begun.url), platform, browser)


def by_key(
    request: Request,
    platform: Platform,
    person: Person,
    connector: Connector,
    form: Sent,
    connection: Connection | None = None,
) -> Response:
    """Take a key in and go on; or back to the form, saying why not."""
    browser = browsers.beginning(request, platform, person)
    try:
        sign_in = platform.connecting.with_secret(
            connector.name,
            Secret(form.within("secret")),
            browser=browser,
            connection=connection.name if connection else None,
            settings=form.within("setting", empty=True),  # what was emptied is taken out
            base_url=form.text("base_url") or None,
            way=form.text("way") or None,
            again=connection is not None,
        )
    except SyncPlatformError as error:
        return ways_page(
            request, platform, connector, connection=connection, given=form, problem=error
        )
    going_on = RedirectResponse(f"{browsers.SIGN_INS}{sign_in.id}", 303)
    return browsers.keep(going_on, platform, browser)
