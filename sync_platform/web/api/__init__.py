"""The API for programs, below /api/v1: connectors, connections, syncs."""

from fastapi import APIRouter

from sync_platform.web.api import connections, connectors, objects, reference, syncs
from sync_platform.web.api.answers import PROBLEMS

router = APIRouter(responses=PROBLEMS)
router.include_router(connectors.router, tags=["Connectors"])
router.include_router(connections.router, tags=["Connections"])
router.include_router(objects.router, tags=["Objects"])
router.include_router(syncs.router, tags=["Syncs"])
router.include_router(reference.router, include_in_schema=False)
