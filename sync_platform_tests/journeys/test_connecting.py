"""An account becomes a connection: through the vendor's own consent page, or by a key."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.due import due_syncs
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import ObjectChoice, Secret
from sync_platform.engine.results import Target
from sync_platform.engine.signing_in import SignIn, SignInStatus
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    NotPermitted,
    OtherAccount,
    Refused,
    SyncPlatformError,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.journeys.connecting_stage import BROWSER, HERE, Stage, staged
from sync_platform_tests.person import query_of


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    with staged(settings) as it:
        yield it


def test_hubspot_is_connected_by_its_consent_page_and_syncs_at_once(
    stage: Stage, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    begun = stage.connecting.begin(
        "hubspot", redirect_uri=HERE, browser=BROWSER, base_url=hubspot.url, objects=["contacts"]
    )
    back = stage.person.allows(begun.url)
    assert "crm.objects.contacts.read" in stage.person.read
    assert "crm.objects.deals.read" not in stage.person.read  # not asked for
    sign_in = stage.connecting.finish(back, browser=BROWSER)
    assert sign_in.status is SignInStatus.SIGNED_IN
    made = stage.connecting.complete(sign_in.id, browser=BROWSER, name="acme-hubspot")
    assert [each.object for each in made.objects] == ["contacts"]
    assert made.account_id == sign_in.account.id if sign_in.account else False
    (due,) = stage.platform.due()
    assert (due.connection.name, due.objects) == ("acme-hubspot", ("contacts",))
    contacts = Target("acme-hubspot", "contacts")
    request = SyncRequest(target=contacts, mode=SyncMode.INCREMENTAL, automatic=True)
    result = stage.platform.sync(request).run(into=stage.platform.destination)
    assert result.counts.created == 1
    assert stage.platform.due() == []


def test_what_the_vendor_tells_is_kept_and_what_has_several_answers_is_asked(stage: Stage) -> None:
    sign_in = stage.signs_in()
    assert sign_in.settings["instance_url"] == stage.books.url  # with the token
    assert sign_in.settings["company"] == "company-ann"  # on the callback
    assert "organisation" not in sign_in.settings
    (asked,) = stage.connecting.asks(sign_in.id, browser=BROWSER)
    assert asked.open
    assert [each.label for each in asked.options] == ["One Ltd", "Two & Sons"]
    with pytest.raises(ConfigurationError, match=r"several of 'Organisation'.*o1 \(One Ltd\)"):
        stage.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    with pytest.raises(ConfigurationError, match="'o9' cannot be chosen"):
        stage.connecting.answer(sign_in.id, {"organisation": "o9"}, browser=BROWSER)
    answered = stage.connecting.answer(sign_in.id, {"organisation": "o2"}, browser=BROWSER)
    assert answered.account is not None
    assert answered.account.name == "Ann"
    made = stage.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    assert made.settings["organisation"] == "o2"
    assert made.account_id == "ann:o2"  # the choice is part of whose data it is
    assert made.schema == "acme"


def test_the_only_option_there_is_is_taken(stage: Stage) -> None:
    sign_in = stage.signs_in("bob")
    assert sign_in.settings["organisation"] == "o9"
    assert sign_in.account is not None
    assert (
        stage.connecting.complete(sign_in.id, browser=BROWSER, name="bobs").account_id == "bob:o9"
    )


def test_an_account_without_any_option_is_refused(stage: Stage) -> None:
    stage.books.organisations["bob"] = {}
    with pytest.raises(NotPermitted, match="Books lists no Organisation for this account"):
        stage.signs_in("bob")
    assert [row[:2] for row in stage.kept()] == [("failed", None)]


def test_what_should_have_been_told_and_was_not_is_named(stage: Stage) -> None:
    stage.books.hides_instance = True
    with pytest.raises(ConfigurationError, match="Books did not tell 'Instance' with the sign-in"):
        stage.signs_in()


def test_tokens_are_fetched_at_the_data_centre_that_the_way_back_names(stage: Stage) -> None:
    connection = stage.connects()
    assert connection.settings["centre"] == "eu"
    assert stage.books.calls["POST", "/login/centres/eu/token"] == 1


def test_a_data_centre_that_the_connector_does_not_know_gets_nothing(stage: Stage) -> None:
    stage.books.location = "evil.example"
    with pytest.raises(ConfigurationError, match=r"Books told 'evil\.example', for which its"):
        stage.signs_in()
    assert not [path for _, path in stage.books.calls if path.endswith("/token")]


def test_a_missing_setting_is_told_before_anybody_is_sent_away(stage: Stage) -> None:
    with pytest.raises(ConfigurationError, match="Books needs the setting 'login'"):
        stage.begins(settings={})
    assert stage.kept() == []


def test_objects_are_offered_with_their_fields_or_why_they_cannot_be_read(stage: Stage) -> None:
    sign_in = stage.signs_in(objects=["invoices"])
    stage.connecting.answer(sign_in.id, {"organisation": "o1"}, browser=BROWSER)
    invoices, notes = stage.connecting.offered(sign_in.id, browser=BROWSER)
    assert invoices.permitted
    assert [each.name for each in invoices.fields] == ["id", "text"]
    assert not notes.permitted
    assert notes.reason is not None
    assert "notes.read" in notes.reason
    made = stage.connecting.complete(
        sign_in.id,
        browser=BROWSER,
        name="acme",
        schema="customers",
        objects=[ObjectChoice(object="invoices", interval=timedelta(minutes=30))],
        interval=timedelta(hours=1),
    )
    assert (made.schema, made.interval) == ("customers", timedelta(hours=1))
    assert made.objects == (ObjectChoice(object="invoices", interval=timedelta(minutes=30)),)


def test_an_object_asked_for_by_name_that_may_not_be_read_is_refused(stage: Stage) -> None:
    sign_in = stage.signs_in(objects=["invoices"])
    stage.connecting.answer(sign_in.id, {"organisation": "o1"}, browser=BROWSER)
    with pytest.raises(NotPermitted):
        stage.connecting.complete(
            sign_in.id, browser=BROWSER, name="acme", objects=[ObjectChoice(object="notes")]
        )
    assert stage.platform.connections() == []
    made = stage.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    assert [each.object for each in made.objects] == ["invoices"]


def test_another_browser_cannot_use_a_way_back_nor_end_it_for_the_one_that_began(
    stage: Stage,
) -> None:
    back = stage.person.allows(stage.begins().url, "ann")
    denied = {"state": back["state"], "error": "access_denied"}
    before = stage.kept()
    for brought in (back, denied, back):
        with pytest.raises(Refused, match="begun in another browser"):
            stage.connecting.finish(brought, browser="somebody else's cookie")
        assert stage.connecting.begun(brought, browser="somebody else's cookie") is None
    assert stage.kept() == before
    begun = stage.connecting.begun(back, browser=BROWSER)
    sign_in = stage.connecting.finish(back, browser=BROWSER)
    assert sign_in.status is SignInStatus.SIGNED_IN
    assert begun is not None
    assert begun.id == sign_in.id
    with pytest.raises(Refused, match="used already"):
        stage.connecting.finish(back, browser="somebody else's cookie")


def test_another_browser_sees_nothing_of_a_sign_in(stage: Stage) -> None:
    sign_in = stage.signs_in()
    for look in (stage.connecting.get, stage.connecting.asks, stage.connecting.offered):
        with pytest.raises(Refused, match="no such sign-in in this browser"):
            look(sign_in.id, browser="somebody else's cookie")


def test_a_state_works_once_and_for_ten_minutes(stage: Stage) -> None:
    back = stage.person.allows(stage.begins().url, "ann")
    stage.connecting.finish(back, browser=BROWSER)
    with pytest.raises(Refused, match="used already"):
        stage.connecting.finish(back, browser=BROWSER)
    late = stage.person.allows(stage.begins().url, "ann")
    stage.clock.later = timedelta(minutes=11)
    with pytest.raises(Refused, match="longer than ten minutes"):
        stage.connecting.finish(late, browser=BROWSER)
    with pytest.raises(Refused, match="never begun here"):
        stage.connecting.finish({"state": "invented", "code": "x"}, browser=BROWSER)
    with pytest.raises(Refused, match="belongs to no sign-in"):
        stage.connecting.finish({"code": "x"}, browser=BROWSER)


def test_a_sign_in_lives_an_hour_and_its_secrets_go_with_it(stage: Stage) -> None:
    sign_in = stage.signs_in()
    stage.begins()
    assert all(secret for _, secret, _ in stage.kept())
    stage.clock.later = timedelta(minutes=61)
    with pytest.raises(Refused, match="within an hour"):
        stage.connecting.get(sign_in.id, browser=BROWSER)
    assert stage.platform.sweep_sign_ins() == 2
    assert stage.kept() == []


def test_a_slow_persons_access_token_is_renewed_before_it_is_used(stage: Stage) -> None:
    stage.books.oauth.lasts = 600
    sign_in = stage.signs_in()
    stage.clock.later = timedelta(minutes=20)
    stage.books.oauth.expire(0)
    stage.connecting.answer(sign_in.id, {"organisation": "o1"}, browser=BROWSER)
    made = stage.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    assert len(made.objects) == 2


def test_the_sign_ins_secrets_are_gone_once_the_connection_has_them(stage: Stage) -> None:
    stage.connects()
    assert stage.kept() == [("done", None, None)]
    secret = stage.platform.credentials.read("acme")
    assert (secret["auth"], bool(secret["refresh_token"])) == ("OAuth2", True)


def test_a_person_who_says_no_connects_nothing(stage: Stage) -> None:
    back = stage.person.denies(stage.begins().url)
    with pytest.raises(NotPermitted, match="was told not to allow it"):
        stage.connecting.finish(back, browser=BROWSER)
    assert stage.kept() == [("failed", None, None)]


def test_a_code_that_the_vendor_does_not_accept_is_told_plainly(stage: Stage) -> None:
    back = stage.person.allows(stage.begins().url, "ann")
    with pytest.raises(NeedsReauth, match="Begin again"):
        stage.connecting.finish({**back, "code": "another"}, browser=BROWSER)


def test_without_an_oauth_client_the_address_to_register_is_told(stage: Stage) -> None:
    without = Platform(replace(stage.platform.settings, oauth_clients={}))
    with pytest.raises(ConfigurationError) as refused:
        replace(stage, platform=without).begins()
    assert HERE in str(refused.value)
    assert "sync-platform oauth-client set books" in str(refused.value)
    assert "SYNC_PLATFORM_OAUTH_BOOKS_CLIENT_ID" in str(refused.value)
    ways = {way.name: way.ready for way in without.connecting.ways("books")}
    without.close()
    assert ways == {
        "OAuth2": False,
        "ApiKey": True,
        "ClientCredentials": True,
        "JwtBearer": True,
    }


# -- signing in anew ------------------------------------------------------------------------------


def sync(stage: Stage, object: str = "invoices") -> Any:
    request = SyncRequest(target=Target("acme", object), mode=SyncMode.FULL)
    return stage.platform.sync(request).run(into=stage.platform.destination)


def test_signing_in_anew_keeps_everything_but_the_credentials(stage: Stage) -> None:
    before = stage.connects()
    sync(stage)
    stage.books.oauth.revoke()
    with pytest.raises(NeedsReauth):
        sync(stage)
    assert stage.platform.connection("acme").status is ConnectionStatus.NEEDS_REAUTH
    sign_in = stage.signs_in(connection="acme", again=True)
    assert sign_in.settings["organisation"] == "o1"  # as it was, without being asked
    after = stage.connecting.complete(sign_in.id, browser=BROWSER)
    assert after == before
    assert len(stage.platform.history("acme")) == 2
    assert sync(stage).counts.fetched == 1


def test_signing_in_as_another_account_is_refused_unless_confirmed(stage: Stage) -> None:
    stage.connects()
    sync(stage)
    kept = stage.platform.credentials.read("acme")
    sign_in = stage.signs_in("bob", connection="acme", again=True)
    with pytest.raises(
        OtherAccount, match="account bob:o9, but acme holds the data of account ann"
    ):
        stage.connecting.complete(sign_in.id, browser=BROWSER)
    assert stage.platform.credentials.read("acme") == kept
    made = stage.connecting.complete(sign_in.id, browser=BROWSER, confirmed=True)
    assert made.account_id == "bob:o9"
    sync(stage)
    with psycopg.connect(stage.platform.database_url) as postgres:
        rows = postgres.execute("SELECT id FROM acme.invoices WHERE _deleted_at IS NULL").fetchall()
    assert ("o9-1",) in rows


def test_another_organisation_of_the_same_login_is_another_account(stage: Stage) -> None:
    stage.connects(organisation="o2")
    stage.books.organisations["ann"] = {"o1": "One Ltd"}
    sign_in = stage.signs_in(connection="acme", again=True)
    with pytest.raises(OtherAccount, match="ann:o1"):
        stage.connecting.complete(sign_in.id, browser=BROWSER)


def test_a_connection_that_a_person_paused_stays_paused(stage: Stage) -> None:
    stage.connects()
    stage.platform.pause("acme", "Over the summer.")
    sign_in = stage.signs_in(connection="acme", again=True)
    assert stage.connecting.complete(sign_in.id, browser=BROWSER).status is ConnectionStatus.PAUSED


def test_signing_in_anew_asks_again_for_what_was_granted_before(stage: Stage) -> None:
    sign_in = stage.signs_in(writing=True)
    stage.connecting.answer(sign_in.id, {"organisation": "o1"}, browser=BROWSER)
    stage.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    asked = query_of(stage.begins(connection="acme", again=True).url)["scope"].split()
    assert asked == ["profile", "invoices.read", "notes.read", "invoices.write"]


def test_a_name_that_is_taken_is_told_before_anybody_is_sent_away(stage: Stage) -> None:
    stage.connects()
    with pytest.raises(ConfigurationError, match="There is a connection 'acme' already"):
        stage.begins(connection="acme")
    with pytest.raises(Refused, match="acme is a connection to books"):
        stage.connecting.begin(
            "hubspot", redirect_uri=HERE, browser=BROWSER, connection="acme", again=True
        )


def test_disconnecting_tells_the_vendor_that_the_tokens_are_over(stage: Stage) -> None:
    stage.connects()
    assert stage.books.oauth.refresh_tokens
    stage.platform.disconnect("acme")
    assert not stage.books.oauth.refresh_tokens


def test_a_vendor_that_is_away_keeps_nobody_from_disconnecting(stage: Stage) -> None:
    stage.connects()
    stage.books.fail(path="/login/*", status=503, times=50)
    stage.platform.disconnect("acme")
    assert stage.platform.connections() == []


# -- keys -----------------------------------------------------------------------------------------


def by_key(stage: Stage, secret: dict[str, Any], **asked: Any) -> SignIn:
    known = {"login": stage.books.url, "instance_url": stage.books.url, "organisation": "o1"}
    wanted = {"settings": known, **asked}
    return stage.connecting.with_secret("books", Secret(secret), browser=BROWSER, **wanted)


@pytest.mark.parametrize("way", ["key", "client", "robot"])
def test_keys_clients_and_service_accounts_are_proved_and_connect(stage: Stage, way: str) -> None:
    file = {"key": stage.books.private_key, "email": "robot@books"}
    secret = {
        "key": {"token": f" {stage.books.key}\n"},
        "client": {"client_id": "service-1", "client_secret": "service-secret"},
        "robot": {"key_file": json.dumps(file)},
    }[way]
    sign_in = by_key(stage, secret)
    assert sign_in.status is SignInStatus.SIGNED_IN
    made = stage.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    assert made.account_id == "ann:o1"
    assert sync(stage).counts.fetched == 1


@pytest.mark.parametrize(
    ("secret", "error", "sentence"),
    [
        ({"token": "wrong-key"}, NeedsReauth, "does not accept these credentials, so the account"),
        ({"client_id": "service-1", "client_secret": "no"}, NeedsReauth, "client id and secret"),
        ({"key_file": "{}"}, ConfigurationError, "The key file is not one that Books hands out"),
        ({"key_file": "no json"}, ConfigurationError, "The key file is not one"),
        ({"password": "x"}, ConfigurationError, "fit no way of signing in to Books. There are: A"),
        ({"token": "  "}, ConfigurationError, "Books needs the API key; none was given"),
    ],
)
def test_a_key_that_does_not_work_is_told_and_nothing_is_kept(
    stage: Stage, secret: dict[str, str], error: type[SyncPlatformError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence) as refused:
        by_key(stage, secret)
    assert "wrong-key" not in str(refused.value)
    assert stage.kept() == []


def test_a_key_is_given_to_an_existing_connection_where_there_is_nobody_to_ask(
    stage: Stage,
) -> None:
    stage.connects()
    secret = Secret({"token": stage.books.key})
    assert stage.platform.reconnect("acme", secret).account_id == "ann:o1"
    assert stage.platform.credentials.read("acme")["auth"] == "ApiKey"


def test_a_connection_without_history_is_due(stage: Stage) -> None:
    made = stage.connects()
    now = stage.clock.now()
    (due,) = due_syncs([made], stage.platform.connectors(), {}, now)
    assert due.objects == ("invoices", "notes")
