"""The web face as one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from sync_platform import __version__
from sync_platform.platform import Platform
from sync_platform.web import api, entrance, failing, health, openid, own_settings, pages
from sync_platform.web.door import Door
from sync_platform.web.headers import SecurityHeaders
from sync_platform.web.rendering import STATIC

# Only tells the OpenAPI document; Door looks at the keys.
API_KEY = HTTPBearer(
    auto_error=False, scheme_name="API key", description="`Authorization: Bearer sp_…`"
)


def create_app(platform: Platform | None = None) -> FastAPI:
    """The application: pages, API, health. Without a platform: this installation's, closed at the
    end. Raises ConfigurationError where its settings are wrong."""
    it = platform or Platform.from_env()

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        if platform is None:
            it.close()

    app = FastAPI(
        title="sync_platform",
        version=__version__,
        lifespan=life,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,  # web/api/reference.py tells of the API alone
        middleware=[
            Middleware(SecurityHeaders, settings=it.settings),
            Middleware(Door, platform=it),
        ],
    )
    app.state.platform = it
    failing.install(app)
    app.mount("/static", StaticFiles(directory=str(STATIC)), name="static")
    app.include_router(health.router)
    app.include_router(entrance.router)
    app.include_router(openid.router)
    app.include_router(own_settings.router)
    app.include_router(api.router, prefix="/api/v1", dependencies=[Depends(API_KEY)])
    app.include_router(pages.router, include_in_schema=False)
    return app
