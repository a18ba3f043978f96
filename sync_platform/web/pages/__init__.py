"""The pages for people."""

from fastapi import APIRouter

from sync_platform.web.pages import (
    arriving,
    changes,
    connecting,
    connections,
    overview,
    settings,
    signing_in,
    syncs,
    tables,
)

router = APIRouter()
for each in (
    connections,
    arriving,  # before connecting: /connect/callback is no connector
    connecting,
    overview,
    tables,
    syncs,
    changes,
    settings,
    signing_in,
):
    router.include_router(each.router)
