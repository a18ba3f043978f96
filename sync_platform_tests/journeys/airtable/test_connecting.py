"""Bases that a person chooses at Airtable."""

import pytest

from sync_platform.errors import (
    ConfigurationError,
)
from sync_platform_tests.consenting import allowed
from sync_platform_tests.journeys.airtable.stage import BROWSER, HERE, Stage


def test_a_person_chooses_bases_and_their_tables_are_synced(stage: Stage) -> None:
    for name in ("CRM", "Office", "Private"):
        base = stage.vendor.add_base(name)
        stage.vendor.add_table(base, "People", Name="singleLineText")
    seen = [stage.vendor.base(name).id for name in ("CRM", "Office")]
    connecting = stage.platform.connecting
    begun = connecting.begin(
        "airtable", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    sign_in = connecting.finish(allowed(begun.url, *seen), browser=BROWSER)
    (asked,) = connecting.asks(sign_in.id, browser=BROWSER)
    assert [(it.value, it.label) for it in asked.options] == list(
        zip(seen, ("CRM", "Office"), strict=True)
    )
    with pytest.raises(ConfigurationError, match="choose one by the setting 'bases'"):
        connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    connecting.answer(sign_in.id, {"bases": ",".join(seen)}, browser=BROWSER)
    made = connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    assert [it.object for it in made.objects] == ["crm_people", "office_people"]
    assert made.account_id == "usrL2PNC5o3H4lBEi"
    stage.vendor.add(stage.vendor.base("Office").tables[0].id, Name="Ada")
    assert stage.sync("office_people").created == 1


def test_an_expired_token_is_renewed_and_its_successor_kept(stage: Stage) -> None:
    base = stage.vendor.add_base("CRM")
    stage.vendor.add_table(base, "People", Name="singleLineText")
    connecting = stage.platform.connecting
    begun = connecting.begin(
        "airtable", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    sign_in = connecting.finish(allowed(begun.url), browser=BROWSER)
    connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    first = stage.platform.credentials.read("acme")
    stage.clock.sleep(3700)  # an access token lasts an hour
    stage.sync("people")
    second = stage.platform.credentials.read("acme")
    assert second["refresh_token"] != first["refresh_token"]
    stage.clock.sleep(3700)
    stage.sync("people")
    assert stage.vendor.oauth.reused == 0
