"""OAuth over the wire: what is sent, and how every kind of answer is understood."""

import base64
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from sync_platform import spec
from sync_platform.engine.ports import Secret
from sync_platform.engine.signing_in import OAuthClient
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    RateLimited,
    RetryLater,
    SyncPlatformError,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.sandbox import serve
from sync_platform.sandbox.oauth_words import challenge_of
from sync_platform.transport import oauth
from sync_platform_tests.consenting import allowed
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.sandbox.acme import REDIRECT_URI, Acme, key_pair
from sync_platform_tests.transport.wire import Wire, cut, reset, unused_url

VERIFIER = "the-hidden-verifier-of-this-one-sign-in-0123"
CLIENT = OAuthClient("our-app", "hidden/client+secret")
WAY = spec.OAuth2(
    authorize_url="https://acme.test/authorize", token_url="https://acme.test/oauth/token"
)
NAMES = {"label": "Acme", "connector": "acme", "connection": "acme-main"}
KEPT = Secret(
    {
        "auth": "OAuth2",
        "access_token": "hidden-access",
        "refresh_token": "hidden-refresh",
        "expires_at": 1.0,
    }
)
NOW = FakeClock().now().timestamp()


def at(url: str | None, **more: Any) -> oauth.Endpoints:
    return oauth.Endpoints(base_url=url, **(NAMES | more))


def refreshed(
    wire: Wire, clock: FakeClock, way: spec.OAuth2 = WAY, kept: Secret = KEPT, **more: Any
) -> Secret:
    return oauth.renew(way, kept, at(wire.url, **more), clock, CLIENT).secret


def form(wire: Wire) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(wire.heard[-1].body.decode()).items()}


# -- sending a person to the vendor ---------------------------------------------------------------


def asked(way: spec.OAuth2 = WAY, **endpoints: Any) -> httpx.URL:
    url = oauth.authorization_url(
        way,
        CLIENT,
        oauth.Endpoints(**endpoints),
        scopes=["read", "write all"],
        redirect_uri=REDIRECT_URI,
        state="s",
        verifier=VERIFIER,
    )
    return httpx.URL(url)


def test_the_address_asks_for_a_code_with_a_challenge() -> None:
    url = asked()
    assert (url.host, url.path) == ("acme.test", "/authorize")
    assert dict(url.params) == {
        "response_type": "code",
        "client_id": "our-app",
        "redirect_uri": REDIRECT_URI,
        "scope": "read write all",
        "state": "s",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    assert VERIFIER not in str(url)


def test_the_address_follows_the_declaration() -> None:
    way = spec.OAuth2(
        authorize_url=lambda settings: f"https://{settings['shop']}.acme.test/a?owner=user",
        token_url="",
        authorize_params={"access_type": "offline"},
        scope_separator=",",
        pkce=False,
    )
    url = asked(way, settings={"shop": "blue"})
    assert url.host == "blue.acme.test"
    assert (url.params["owner"], url.params["access_type"]) == ("user", "offline")
    assert url.params["scope"] == "read,write all"
    assert "code_challenge" not in url.params
    with pytest.raises(ConfigurationError, match="needs the setting 'shop' to sign in"):
        asked(way)


def test_the_origin_of_an_overridden_address_takes_the_vendors_place() -> None:
    url = asked(base_url="http://127.0.0.1:4711/deep/path")
    assert str(url).startswith("http://127.0.0.1:4711/authorize?")


@pytest.mark.parametrize("url", ["http://acme.test/a", "ftp://acme.test", "https://u:p@acme.test"])
def test_nobody_is_sent_where_others_listen(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        asked(spec.OAuth2(authorize_url=url, token_url=""))


# -- with a vendor --------------------------------------------------------------------------------


@pytest.fixture
def vendor() -> Iterator[Acme]:
    made = Acme(client_secret=CLIENT.client_secret, rotates=True, lasts=600.0)
    with serve(made) as vendor:
        yield vendor


def exchanged(
    endpoints: oauth.Endpoints, clock: FakeClock, way: spec.OAuth2 = WAY, code: str = "c"
) -> oauth.Exchanged:
    return oauth.exchange(
        way, CLIENT, endpoints, clock, code=code, redirect_uri=REDIRECT_URI, verifier=VERIFIER
    )


@pytest.mark.parametrize("sent_in", ["body", "header", "secret"])
def test_a_code_becomes_tokens_which_are_renewed(
    vendor: Acme, clock: FakeClock, sent_in: Any
) -> None:
    vendor.oauth.told = lambda grant: {"instance_url": "https://eu.acme.test", "id_token": "no"}
    vendor.oauth.client_sent_in = [sent_in]
    way = spec.OAuth2(
        authorize_url="https://acme.test/oauth/authorize",
        token_url="https://acme.test/oauth/token",
        client_sent_in=sent_in,
    )
    back = allowed(str(asked(way, base_url=vendor.url)))
    got = exchanged(at(vendor.url), clock, way, back["code"])
    assert got.told == {
        "token_type": "bearer",
        "expires_in": 600,
        "instance_url": "https://eu.acme.test",
    }
    assert got.secret["auth"] == "OAuth2"
    assert (got.secret["renewed_at"], got.secret["expires_at"]) == (NOW, NOW + 600)
    fresh = oauth.renew(way, got.secret, at(vendor.url), clock, CLIENT).secret
    assert fresh["refresh_token"] != got.secret["refresh_token"]
    me = httpx.get(f"{vendor.url}/me", headers={"Authorization": f"Bearer {fresh['access_token']}"})
    assert me.status_code == 200


def test_a_code_is_not_sent_twice(wire: Wire, clock: FakeClock) -> None:
    """A vendor would take the second for a thief's, and end what the first gave."""
    wire.do(cut)
    with pytest.raises(VendorUnavailable, match="Acme broke the connection off"):
        exchanged(at(wire.url), clock)
    assert len(wire.heard) == 1


def test_a_code_that_is_refused_means_to_begin_again(vendor: Acme, clock: FakeClock) -> None:
    with pytest.raises(NeedsReauth, match=r"was used already or has expired\. Begin again\."):
        exchanged(at(vendor.url), clock, code="unknown")


def test_a_client_of_the_accounts_own_gets_tokens_without_a_person(clock: FakeClock) -> None:
    way = spec.ClientCredentials(token_url="https://acme.test/oauth/token", scopes=["read"])
    secret = Secret({"client_id": "robot", "client_secret": "hidden-robot"})
    with serve(Acme(services={"robot": "hidden-robot"})) as vendor:
        vendor.oauth.told = lambda grant: {"instance_url": "https://eu.acme.test"}
        given = oauth.renew(way, secret, at(vendor.url), clock)
        assert given.secret["client_secret"] == "hidden-robot"
        assert given.secret["access_token"] in vendor.oauth.issued
        assert given.told["instance_url"] == "https://eu.acme.test"
        wrong = Secret({**secret, "client_secret": "hidden-wrong"})
        with pytest.raises(NeedsReauth, match="does not accept this client id and secret"):
            oauth.renew(way, wrong, at(vendor.url), clock)


def claims(secret: Any, settings: Any) -> dict[str, Any]:
    return {"iss": secret["client_email"], "aud": settings["audience"]}


def test_a_service_account_signs_for_its_tokens() -> None:
    clock = FakeClock()
    way = spec.JwtBearer(
        token_url="https://acme.test/oauth/token", claims=claims, scopes=["read", "write"]
    )
    (private, public), (stranger, _) = key_pair(), key_pair()
    secret = Secret({"client_email": "robot@acme", "private_key": private})
    acme = Acme(service_accounts={"robot@acme": public})
    acme.clock = lambda: clock.now().timestamp()
    with serve(acme) as vendor:
        vendor.oauth.told = lambda grant: {"instance_url": "https://eu.acme.test"}
        endpoints = at(vendor.url, settings={"audience": f"{vendor.url}/oauth/token"})
        given = oauth.renew(way, secret, endpoints, clock)
        issued = vendor.oauth.issued[given.secret["access_token"]]
        assert issued.scopes == frozenset({"read", "write"})
        assert given.told["instance_url"] == "https://eu.acme.test"
        with pytest.raises(NeedsReauth, match="does not accept this service account"):
            oauth.renew(way, Secret({**secret, "private_key": stranger}), endpoints, clock)
        with pytest.raises(NeedsReauth, match="must be a whole PEM") as told:
            oauth.renew(way, Secret({**secret, "private_key": private[:300]}), endpoints, clock)
        assert private[100:200] not in "".join(traceback.format_exception(told.value))
        with pytest.raises(NeedsReauth, match="lack 'client_email'"):
            oauth.renew(way, Secret({"private_key": private}), endpoints, clock)


def test_tokens_are_revoked_where_the_vendor_lets_one(vendor: Acme, clock: FakeClock) -> None:
    way = spec.OAuth2(authorize_url="", token_url="", revoke_url="https://acme.test/oauth/revoke")
    vendor.oauth.consent()
    form = {"grant_type": "authorization_code", "code": next(iter(vendor.oauth.codes))}
    app = {"client_id": CLIENT.client_id, "client_secret": CLIENT.client_secret}
    given = Secret(vendor.oauth.grant(form | app, "", ""))
    assert oauth.revoke(way, CLIENT, given, at(vendor.url), clock)
    assert vendor.oauth.refresh_tokens == {}
    assert not oauth.revoke(WAY, CLIENT, given, at(vendor.url), clock)


# -- answers in every shape -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ({"expires_in": 60}, {"expires_at": NOW + 60}),
        ({"expires_in": "60"}, {"expires_at": NOW + 60}),
        ({"expires_in": 60.5}, {"expires_at": NOW + 60.5}),
        ({}, {"expires_at": NOW + 7200}),
        ({"expires_in": "soon"}, {"expires_at": NOW + 7200}),
        ({"expires_in": -1}, {"expires_at": NOW + 7200}),
        ({"refresh_token": "new"}, {"refresh_token": "new"}),
        ({"refresh_token": ""}, {"refresh_token": "hidden-refresh"}),
        ({"refresh_token": None}, {"refresh_token": "hidden-refresh"}),
        ({"scope": "a b"}, {"scope": "a b"}),
        ({"scope": "a,b"}, {"scope": "a b"}),
        ({"scopes": ["a", "b"]}, {"scope": "a b"}),
        ({"x_refresh_token_expires_in": "100"}, {"refresh_expires_at": NOW + 100}),
        ({"ok": True, "error": ""}, {"access_token": "new-access"}),
    ],
)
def test_answers_are_read_whatever_their_shape(
    wire: Wire, clock: FakeClock, answer: dict[str, Any], kept: dict[str, Any]
) -> None:
    way = spec.OAuth2(authorize_url="", token_url="/t", access_lasts=timedelta(hours=2))
    wire.say({"access_token": "new-access", **answer})
    fresh = refreshed(wire, clock, way)
    assert {name: fresh[name] for name in kept} == kept
    assert fresh["access_token"] == "new-access"


def test_a_form_is_an_answer_too(wire: Wire, clock: FakeClock) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    wire.say(b"access_token=new%2Baccess&expires_in=60", headers=headers)
    assert refreshed(wire, clock)["access_token"] == "new+access"


def test_without_a_word_on_its_end_a_token_lasts_until_it_is_refused(
    wire: Wire, clock: FakeClock
) -> None:
    wire.say({"access_token": "new-access"})
    assert refreshed(wire, clock)["expires_at"] is None


def test_what_is_sent_is_what_the_standard_says(wire: Wire, clock: FakeClock) -> None:
    wire.say({"access_token": "new-access"})
    refreshed(wire, clock)
    assert form(wire) == {
        "grant_type": "refresh_token",
        "refresh_token": "hidden-refresh",
        "client_id": "our-app",
        "client_secret": CLIENT.client_secret,
    }
    assert wire.heard[0].headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant", "error_description": "expired"}, NeedsReauth),
        (401, {"error": "invalid_grant"}, NeedsReauth),
        (200, {"ok": False, "error": "invalid_refresh_token"}, NeedsReauth),  # Slack
        (200, {"error": "invalid_code"}, NeedsReauth),  # Zoho
        (400, {"status": "BAD_REFRESH_TOKEN", "message": "unknown"}, NeedsReauth),  # HubSpot
        (
            403,
            {"error": "unauthorized_client", "error_description": "refresh_token is invalid"},
            NeedsReauth,
        ),  # Atlassian
        (400, {"error": {"code": "invalid_grant", "message": "no"}}, NeedsReauth),
        (400, {"errors": [{"code": "token_revoked"}]}, NeedsReauth),
        (401, {"error": "invalid_client"}, ConfigurationError),
        (400, {"status": "BAD_CLIENT_SECRET"}, ConfigurationError),
        (400, {"error": "redirect_uri_mismatch"}, ConfigurationError),
        (401, b"<html>Unauthorized</html>", ConfigurationError),
        (400, {"error": "invalid_scope"}, ConfigurationError),
        (429, b"slow down", RateLimited),
        (
            400,
            {"error": "Access Denied", "error_description": "You have made too many requests"},
            RateLimited,
        ),  # Zoho
        (200, {"ok": False, "error": "ratelimited"}, RateLimited),
        (500, {"error": "invalid_grant"}, VendorUnavailable),
        (503, b"<html>Maintenance</html>", VendorUnavailable),
        (400, {"error": "unsupported_grant_type"}, UnexpectedResponse),
        (404, b"<html>Not found</html>", UnexpectedResponse),
        (200, b"<html>Sign in</html>", UnexpectedResponse),
        (200, {"token": "x"}, UnexpectedResponse),
        (200, [], UnexpectedResponse),
        (200, {"access_token": 7}, UnexpectedResponse),
        (204, b"", UnexpectedResponse),
    ],
)
def test_every_way_of_saying_no_is_understood(
    wire: Wire, clock: FakeClock, status: int, body: Any, error: type[SyncPlatformError]
) -> None:
    wire.say(body, status, times=9)
    with pytest.raises(error) as told:
        refreshed(wire, clock)
    assert type(told.value) is error
    assert told.value.evidence["status"] == status
    again = isinstance(told.value, RetryLater)
    assert len(wire.heard) == (3 if again else 1)


def test_the_sentences_say_what_to_do(wire: Wire, clock: FakeClock) -> None:
    wire.say({"error": "invalid_grant"}, 400)
    with pytest.raises(NeedsReauth) as told:
        refreshed(wire, clock)
    assert str(told.value) == (
        "Acme no longer accepts this sign-in: it was revoked there, was not used for too long, or "
        "a renewal was cut off before its answer could be kept. Reconnect acme-main."
    )
    wire.say({"error": "invalid_client", "error_description": "who?"}, 401)
    with pytest.raises(ConfigurationError, match=r"while renewing the sign-in: who\? Check SYNC_"):
        refreshed(wire, clock)
    with pytest.raises(NeedsReauth, match=r"gave nothing to renew it with\. Reconnect acme-main"):
        refreshed(wire, clock, kept=Secret({"access_token": "x"}))
    with pytest.raises(ConfigurationError, match=r"no OAuth client for Acme any more\. Set SYNC_"):
        oauth.renew(WAY, KEPT, at(wire.url), clock)


def test_the_vendors_wish_to_wait_is_told(wire: Wire, clock: FakeClock) -> None:
    wire.say({}, 429, {"Retry-After": "90"})
    with pytest.raises(RateLimited) as told:
        refreshed(wire, clock)
    assert told.value.retry_after == 90
    assert len(wire.heard) == 1


@pytest.mark.parametrize("fault", [reset, cut])
def test_an_answer_that_was_lost_is_asked_for_again(
    wire: Wire, clock: FakeClock, fault: Callable[[Any], None]
) -> None:
    """A vendor that has turned the token over meanwhile may still take the old one for a while."""
    wire.do(fault)
    wire.say({"access_token": "new-access"})
    assert refreshed(wire, clock)["access_token"] == "new-access"


def test_a_vendor_that_is_not_there_is_told(clock: FakeClock) -> None:
    with pytest.raises(VendorUnavailable, match="Acme could not be reached while renewing"):
        oauth.renew(WAY, KEPT, at(unused_url()), clock, CLIENT)


def test_a_redirect_is_not_followed(wire: Wire, clock: FakeClock) -> None:
    elsewhere = unused_url()
    wire.say({}, 307, {"Location": f"{elsewhere}/oauth/token"}, times=9)
    with pytest.raises(UnexpectedResponse, match="HTTP 307 without a token"):
        refreshed(wire, clock)
    assert len(wire.heard) == 1


@pytest.mark.parametrize("sent_in", ["body", "header", "secret"])
@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 503])
def test_no_message_holds_a_secret(wire: Wire, clock: FakeClock, status: int, sent_in: Any) -> None:
    secret = CLIENT.client_secret
    pair = f"{secret}:" if sent_in == "secret" else f"our-app:{secret}"
    basic = base64.b64encode(pair.encode()).decode()
    said = f"hidden-refresh hidden-access {CLIENT.client_secret} {basic} hidden%2Fclient%2Bsecret"
    way = spec.OAuth2(authorize_url="", token_url="/t", client_sent_in=sent_in)
    for body in (
        {"error": said, "error_description": said},
        {"error": {"code": "hidden-refresh", "message": said}},
        {"message": said, "new_refresh": "hidden-new"},
        said.encode(),
    ):
        wire.say(body, status, times=3)
        with pytest.raises(SyncPlatformError) as told:
            refreshed(wire, clock, way)
        everything = f"{told.value} {told.value.evidence} {told.value!r}"
        shown = "".join(traceback.format_exception(told.value))
        assert "hidden" not in everything + shown
        assert basic[:12] not in everything or sent_in == "body"
        wire.forget()


def test_a_secret_that_cannot_be_sent_is_told_without_it(wire: Wire, clock: FakeClock) -> None:
    client = OAuthClient("our-app", "hiddén")
    with pytest.raises(ConfigurationError, match="Copy them again") as told:
        oauth.renew(WAY, KEPT, at(wire.url), clock, client)
    assert "hidd" not in "".join(traceback.format_exception(told.value))
    assert wire.heard == []
