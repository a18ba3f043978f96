"""Xero accounts that become connections, through the consent page, and stay signed in."""

from dataclasses import replace

import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.errors import ConfigurationError, NeedsReauth, NotPermitted
from sync_platform_tests.journeys.xero.stage import (
    BROWSER,
    FIRST,
    HERE,
    SECOND,
    UNLIMITED,
    Stage,
)
from sync_platform_tests.person import query_of


def test_one_organisation_is_taken_and_it_is_whose_data_it_is(stage: Stage) -> None:
    made = stage.connects()
    assert made.settings["tenant_id"] == FIRST.id
    assert stage.xero.records("organisations").keys() == {str(made.account_id).split(":")[0]}
    assert len(made.objects) == 24


def test_of_several_organisations_one_is_chosen(stage: Stage) -> None:
    stage.xero.add("contacts", tenant=SECOND.id, Name="Only there", ContactStatus="ACTIVE")
    connecting = stage.platform.connecting
    begun = connecting.begin(
        "xero", redirect_uri=HERE, browser=BROWSER, base_url=stage.xero.url, settings=UNLIMITED
    )
    code = stage.xero.oauth.consent(None, HERE, _challenge(begun.url), [FIRST.id, SECOND.id])
    back = {"code": code, "state": query_of(begun.url)["state"]}
    sign_in = connecting.finish(back, browser=BROWSER)
    with pytest.raises(ConfigurationError, match=r"several of 'Organisation'.*Maple Florist"):
        connecting.complete(sign_in.id, browser=BROWSER, name="acme-xero")
    connecting.answer(sign_in.id, {"tenant_id": SECOND.id}, browser=BROWSER)
    connecting.complete(sign_in.id, browser=BROWSER, name="acme-xero")
    stage.sync("contacts")
    assert [row["name"] for row in stage.rows("contacts").values()] == ["Only there"]


def _challenge(url: str) -> str:
    return query_of(url)["code_challenge"]


def test_only_the_scopes_of_what_is_synced_are_asked_for(stage: Stage) -> None:
    stage.connects(objects=["contacts"])
    assert "accounting.contacts.read" in stage.person.read
    assert "offline_access" in stage.person.read
    assert "accounting.invoices.read" not in stage.person.read
    with pytest.raises(NotPermitted, match=r"Xero does not permit GET /api\.xro/2\.0/Invoices"):
        stage.sync("invoices")


def test_an_expired_access_token_is_renewed_and_the_refresh_token_rotates(stage: Stage) -> None:
    stage.connects()
    before = stage.platform.credentials.read("acme-xero")["refresh_token"]
    stage.xero.expire_tokens()
    stage.sync("contacts")
    after = stage.platform.credentials.read("acme-xero")["refresh_token"]
    assert before != after
    assert (list(stage.xero.oauth.refresh_tokens), stage.xero.oauth.reused) == ([after], 0)


def test_an_organisation_that_was_disconnected_at_xero_needs_a_person(stage: Stage) -> None:
    stage.connects()
    tokens = stage.xero.oauth
    tokens.issued = {name: replace(it, accounts=(SECOND.id,)) for name, it in tokens.issued.items()}
    tokens.refresh_tokens.clear()
    with pytest.raises(NeedsReauth):
        stage.sync("contacts")
    assert stage.platform.connection("acme-xero").status is ConnectionStatus.NEEDS_REAUTH


def test_disconnecting_tells_xero_that_the_tokens_are_over(stage: Stage) -> None:
    stage.connects()
    assert stage.xero.oauth.refresh_tokens
    stage.platform.disconnect("acme-xero")
    assert not stage.xero.oauth.refresh_tokens
