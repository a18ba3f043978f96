"""Disconnecting what a person has signed in: the vendor's tokens end with the connection."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest

from sync_platform.errors import SyncPlatformError, Unexpected
from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.oauth import Grant
from sync_platform.settings import Settings
from sync_platform_tests.journeys.connecting_stage import Stage, staged
from sync_platform_tests.journeys.removing import Removing
from sync_platform_tests.journeys.tables import sql
from sync_platform_tests.store.pools import wait_for_a_locked_session

STAYS = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'it stays'; END $$;
    CREATE TRIGGER refused BEFORE DELETE ON sync_platform.connections
        FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    """With a connection acme."""
    with staged(settings) as it:
        it.connects()
        yield it


def call(stage: Stage) -> None:
    """As acme, with an access token that has to be renewed for it."""
    stage.books.oauth.expire(0)
    api = stage.platform.api(stage.platform.connection("acme"))
    try:
        api.get("/me")
    finally:
        api.close()


def test_a_connection_that_cannot_be_removed_keeps_its_tokens(stage: Stage) -> None:
    sql(stage.platform, STAYS)
    with pytest.raises(Unexpected, match="it stays"):
        stage.platform.disconnect("acme")
    call(stage)
    sql(stage.platform, "DROP TRIGGER refused ON sync_platform.connections")
    assert stage.platform.disconnect("acme")
    assert not stage.books.oauth.refresh_tokens


def test_tokens_that_were_renewed_just_before_are_the_ones_that_end(stage: Stage) -> None:
    stage.platform.store = Removing(stage.platform, lambda: call(stage))
    stage.platform.disconnect("acme")
    assert not stage.books.oauth.refresh_tokens


def test_tokens_that_the_vendor_is_about_to_give_end_too(stage: Stage) -> None:
    told, asked, go_on = stage.books.oauth.told, Event(), Event()

    def slowly(grant: Grant) -> Json:
        asked.set()
        assert go_on.wait(20)
        return told(grant)

    stage.books.oauth.told = slowly
    with ThreadPoolExecutor(2) as threads:
        renewing = threads.submit(call, stage)
        try:
            assert asked.wait(20)
            disconnected = threads.submit(stage.platform.disconnect, "acme")
            wait_for_a_locked_session(stage.platform.database)
        finally:
            go_on.set()
        assert disconnected.result()
        with suppress(SyncPlatformError):  # the connection may be gone before it has called
            renewing.result()
    assert not stage.books.oauth.refresh_tokens
