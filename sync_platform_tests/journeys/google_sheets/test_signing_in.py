"""Who may read a spreadsheet, and who may write to it."""

import time as clock

import pytest

from sync_platform.connectors.google_sheets import READ, WRITE
from sync_platform.engine.signing_in import scopes_for
from sync_platform.errors import (
    NeedsReauth,
    NotPermitted,
)
from sync_platform.platform import Platform
from sync_platform.sandbox.google_sheets import PLAN
from sync_platform.settings import Settings
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.consenting import allowed
from sync_platform_tests.journeys.google_sheets.desk import NAME, Desk
from sync_platform_tests.journeys.signed_in import with_client


def test_a_spreadsheet_that_is_gone_or_not_shared_names_what_to_do(desk: Desk) -> None:
    desk.connect("people")
    desk.vendor.plan.gone = True
    with pytest.raises(NotPermitted, match="Requested entity was not found"):
        desk.sync("people")


def test_an_api_that_is_switched_off_is_told_in_googles_words(desk: Desk) -> None:
    desk.vendor.switched_off = True
    with pytest.raises(NotPermitted, match="Enable it by visiting"):
        desk.connect("people")


def test_an_access_token_that_ends_is_renewed(desk: Desk) -> None:
    desk.connect("people")
    desk.vendor.oauth.expire(clock.time())
    assert desk.counts("people") == (30, 0, 0)
    desk.vendor.revoke()
    with pytest.raises(NeedsReauth):
        desk.sync("people")


def test_writing_is_consented_to_only_where_it_is_wanted(desk: Desk) -> None:
    connector = desk.platform.connector("google_sheets")
    assert scopes_for(connector) == [READ]
    assert scopes_for(connector, ["people"], writing=True) == [READ, WRITE]


def test_a_person_signs_in_reads_and_signs_in_anew_to_write(settings: Settings, desk: Desk) -> None:
    server = desk.vendor.oauth
    platform = Platform(with_client(settings, "google_sheets", server), clock=HastyClock())
    here, browser = "http://127.0.0.1:8000/callback", "a-browser"
    try:
        for writing in (False, True):
            begun = platform.connecting.begin(
                "google_sheets",
                redirect_uri=here,
                browser=browser,
                base_url=desk.vendor.url,
                connection=NAME,
                settings={"spreadsheet_ids": PLAN, "tab.people.key": "Id"},
                writing=writing,
                again=writing,
            )
            assert "access_type=offline" in begun.url
            assert "prompt=consent" in begun.url
            sign_in = platform.connecting.finish(allowed(begun.url), browser=browser)
            platform.connecting.complete(sign_in.id, browser=browser)
            server.expire(clock.time())  # the next call renews
            pushing = Desk(platform, desk.vendor)
            assert pushing.sync("people").counts.fetched == 30
            if writing:
                pushing.push("people", kind="create", values={"Id": "N1"})
                continue
            with pytest.raises(NeedsReauth):
                pushing.push("people", kind="create", values={"Id": "N1"})
    finally:
        platform.close()
    assert desk.vendor.plan.tab("People").used == 32
