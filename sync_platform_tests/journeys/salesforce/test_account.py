"""A Salesforce account: signing in to it, its limits, and what its admins may change."""

from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sync_platform.connectors.salesforce import CORE
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    NotPermitted,
    RateLimited,
    UnknownObject,
)
from sync_platform.spec import OutboundChange, Request
from sync_platform.waist import tokens
from sync_platform_tests.journeys.salesforce.stage import BROWSER, HERE, INSTANCE, Stage
from sync_platform_tests.person import Person


def test_a_person_signs_in_and_the_core_and_custom_objects_are_suggested(stage: Stage) -> None:
    begun = stage.platform.connecting.begin(
        "salesforce", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    back = Person().allows(begun.url)
    sign_in = stage.platform.connecting.finish(back, browser=BROWSER)
    assert sign_in.settings["instance_url"] == stage.vendor.url
    assert sign_in.account is not None
    assert sign_in.account.name == "Acme GmbH"
    offered = stage.platform.connecting.offered(sign_in.id, browser=BROWSER)
    suggested = {each.obj.name for each in offered if each.suggested}
    assert suggested == {*CORE, "Invoice__c"}
    others = {"AccountHistory", "Attachment", "Organization", "TaskStatus"}
    assert {each.obj.name for each in offered} - suggested == others
    assert stage.called("/describe") == len(suggested)  # an org may have a thousand others
    made = stage.platform.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    assert {each.object for each in made.objects} == suggested
    assert stage.sync("User").counts.created == 1
    stage.vendor.expire_tokens()  # a session ends without having said when
    assert stage.sync("User", SyncMode.FULL).counts.fetched == 1
    stage.vendor.revoke()
    with pytest.raises(NeedsReauth):
        stage.sync("User")


def test_refresh_tokens_may_rotate(stage: Stage) -> None:
    stage.vendor.oauth.rotates = True
    begun = stage.platform.connecting.begin(
        "salesforce", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    sign_in = stage.platform.connecting.finish(Person().allows(begun.url), browser=BROWSER)
    stage.platform.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    for _ in range(3):
        stage.vendor.expire_tokens()
        stage.sync("User", SyncMode.FULL)
    assert stage.vendor.oauth.reused == 0


def test_a_token_for_another_address_is_not_sent_to_the_one_before_to_be_revoked(
    stage: Stage,
) -> None:
    begun = stage.platform.connecting.begin(
        "salesforce", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    sign_in = stage.platform.connecting.finish(Person().allows(begun.url), browser=BROWSER)
    before = stage.platform.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    stage.platform.store.set_base_url("acme", "https://elsewhere.example")
    assert not tokens.revoke(stage.platform, before, tokens.kept(stage.platform, before))
    stage.platform.store.set_base_url("acme", stage.vendor.url)
    assert tokens.revoke(stage.platform, before, tokens.kept(stage.platform, before))


def test_a_service_account_signs_its_own_assertions(stage: Stage) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    stage.vendor.oauth.service_accounts = {"consumer-key": public.decode()}
    secret = {"client_id": "consumer-key", "username": "bot@acme.test", "private_key": pem}
    stage.platform.connect(
        "salesforce",
        "acme",
        Secret({**secret, "auth": "JwtBearer"}),
        base_url=stage.vendor.url,
        settings=INSTANCE,
        objects=["User"],
    )
    assert stage.sync("User").counts.created == 1


def test_what_the_account_may_not_read_is_told_plainly(stage: Stage) -> None:
    stage.vendor.hide("Case")
    with pytest.raises(UnknownObject, match="no object 'Case'"):
        stage.connect("Lead", "Case")
    stage.connect("Lead")
    stage.sync("Lead")
    stage.vendor.hide("Lead")
    with pytest.raises(NotPermitted, match="sObject type 'Lead' is not supported"):
        stage.sync("Lead")
    with pytest.raises(NotPermitted, match="Salesforce does not show Lead to this account"):
        stage.sync("Lead", SyncMode.FULL)


def test_what_is_left_of_the_orgs_daily_limit_is_heeded_before_it_is_refused(
    stage: Stage,
) -> None:
    stage.connect("Lead")
    stage.vendor.set_limits({"daily": 1})
    with pytest.raises(RateLimited, match="used up the calls"):
        stage.sync("Lead", SyncMode.FULL)
    assert stage.vendor.statuses[403] == 0


def test_a_limit_that_is_used_up_by_others_is_no_missing_permission(stage: Stage) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 3)
    stage.vendor.fail(kind="status", status=403, times=50)  # REQUEST_LIMIT_EXCEEDED
    with pytest.raises(RateLimited):
        stage.sync("Lead")
    stage.vendor.faults.clear()
    assert stage.platform.connection("acme").status is ConnectionStatus.ACTIVE
    assert stage.vendor.statuses[403] > 0


def test_a_renamed_custom_object_keeps_its_table(stage: Stage) -> None:
    stage.connect("Invoice__c")
    stage.vendor.add_many("Invoice__c", 2)
    stage.sync("Invoice__c")
    stage.vendor.rename("Invoice__c", "Bill__c", "Bills")
    changes = stage.platform.discover("acme")
    assert [(it.object, it.kind) for it in changes] == [("Invoice__c", "renamed")]
    assert stage.sync("Invoice__c", SyncMode.FULL).counts.unchanged == 2
    assert stage.called("/Bill__c/describe") == 2


def test_a_create_by_an_external_id_makes_one_record(stage: Stage) -> None:
    stage.connect("Account", "Lead", external_ids="Account.Number__c")
    connection = stage.platform.connection("acme")
    account = stage.platform.connector_of(connection)["Account"]
    change = OutboundChange(kind="create", values={"Number__c": "K/1", "Name": "Acme"})
    api = stage.platform.api(connection)
    assert isinstance(account.create, Request)
    with closing(api):
        first, second = (api.send(account.create, change) for _ in range(2))
    assert first["id"] == second["id"]
    (made,) = stage.vendor.records("Account").values()
    assert (made["Number__c"], made["Name"]) == ("K/1", "Acme")


def test_an_external_id_that_is_none_makes_no_connection(stage: Stage) -> None:
    for wrong in ("Acount.Number__c", "Account.Numbr__c"):
        with pytest.raises(ConfigurationError, match="The setting external_ids names"):
            stage.connect("Account", external_ids=wrong)
    assert stage.platform.connections() == []
