"""An object whose full syncs fail, while nothing else is wrong with it."""

from contextlib import suppress
from datetime import timedelta

import psycopg

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.errors import UnexpectedResponse
from sync_platform.platform import Platform

CONTACTS = Target("acme-hubspot", "contacts")


def full_syncs_fail(platform: Platform) -> None:
    """The full syncs of acme-hubspot's contacts fail since two days ago."""
    now = platform.clock.now()
    for mode in (SyncMode.FULL, SyncMode.INCREMENTAL):
        recording = platform.past.record(
            CONTACTS, mode=mode, window=SyncWindow(), started_at=now - timedelta(hours=1)
        )
        with suppress(UnexpectedResponse), recording:
            if mode is SyncMode.FULL:
                raise UnexpectedResponse("A page is not JSON.")
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute(
            "UPDATE sync_platform.sync_targets SET full_well_at = %s", [now - timedelta(days=2)]
        )
