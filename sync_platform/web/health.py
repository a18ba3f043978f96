"""Whether this process answers, and whether it can do its work. Tells nothing else."""

import logging

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from sync_platform.errors import SyncPlatformError
from sync_platform.web.access import ThePlatform

log = logging.getLogger("sync_platform")
router = APIRouter(prefix="/health", include_in_schema=False)


@router.api_route("/live", methods=["GET", "HEAD"])
def live() -> PlainTextResponse:
    """The process answers. Restart it where it does not."""
    return PlainTextResponse("live\n")


@router.api_route("/ready", methods=["GET", "HEAD"])
def ready(platform: ThePlatform) -> PlainTextResponse:
    """The store answers, too. Send no visitors here where it does not."""
    try:
        platform.database.ping()
    except SyncPlatformError as error:
        log.warning("Not ready: %s", error)
        return PlainTextResponse("not ready\n", 503)
    return PlainTextResponse("ready\n")
