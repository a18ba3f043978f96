"""How every kind of answer of a token endpoint is understood."""

import base64
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.engine.ports import OAuthClient, Secret
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    RateLimited,
    RetryLater,
    SyncPlatformError,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.transport import oauth
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.transport.tokens import (
    CLIENT,
    KEPT,
    NOW,
    WAY,
    at,
    form,
    refreshed,
)
from sync_platform_tests.transport.wire import Wire, cut, reset, unused_url


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
