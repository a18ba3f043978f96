import base64
import logging
import socket
import traceback
from contextlib import ExitStack
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.engine.ports import Secret
from sync_platform.errors import (
    NeedsReauth,
    NotPermitted,
    RateLimited,
    RecordRejected,
    SyncPlatformError,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.transport.api import HttpApi
from sync_platform.transport.call import Timeouts
from sync_platform.transport.retry import Patience
from sync_platform_tests.transport.conftest import TOKEN, Open
from sync_platform_tests.transport.wire import Wire, cut, drip, hang, leave, reset, unused_url

CHANGE = spec.OutboundChange(kind="update", key="7", values={"email": "x"})
UPDATE = spec.patch("/things/{key}", json=lambda change: dict(change.values))


def test_a_401_asks_to_reconnect(api: HttpApi, wire: Wire) -> None:
    wire.say({"message": "expired"}, status=401)
    with pytest.raises(NeedsReauth) as refused:
        api.get("/things")
    assert str(refused.value) == "Acme no longer accepts this sign-in. Reconnect acme-main."
    assert len(wire.heard) == 1


def test_a_403_says_what_is_not_permitted_and_what_to_do(api: HttpApi, wire: Wire) -> None:
    wire.say({"message": "Needs the scope things.read"}, status=403)
    with pytest.raises(NotPermitted) as refused:
        api.get("/things", limit="1")
    assert str(refused.value) == (
        "Acme does not permit GET /things to acme-main: Needs the scope things.read. Give its "
        "account that right in Acme, then resume acme-main."
    )
    assert len(wire.heard) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refused_change_is_told_in_the_vendors_words(
    api: HttpApi, wire: Wire, status: int
) -> None:
    wire.say({"errors": [{"detail": "email is no address"}]}, status=status)
    with pytest.raises(RecordRejected) as refused:
        api.send(UPDATE, CHANGE)
    assert str(refused.value) == "Acme did not take the change: email is no address."
    assert refused.value.evidence["status"] == status


def test_a_change_refused_without_a_reason_says_so(api: HttpApi, wire: Wire) -> None:
    wire.say(b"", status=400)
    with pytest.raises(RecordRejected, match="it answered HTTP 400 without a reason"):
        api.send(UPDATE, CHANGE)


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_refused_read_is_a_surprise_with_evidence(api: HttpApi, wire: Wire, status: int) -> None:
    wire.say({"error": {"message": "no such path"}}, status, {"X-Request-Id": "r-1"})
    with pytest.raises(UnexpectedResponse, match=f"HTTP {status} to GET /t: no such path") as told:
        api.send(spec.get("/t", params={"page": 2}), spec.Read())
    assert told.value.evidence == {
        "method": "GET",
        "url": f"{wire.url}/t",
        "status": status,
        "body": '{"error": {"message": "no such path"}}',
        "request_id": "r-1",
        "tries": 1,
    }


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 529])
def test_passing_failures_are_tried_six_times(api: HttpApi, wire: Wire, status: int) -> None:
    wire.say({"message": "overloaded"}, status, times=9)
    with pytest.raises(VendorUnavailable, match=rf"\(HTTP {status}\): overloaded\.") as lost:
        api.get("/things")
    assert len(wire.heard) == 6
    assert lost.value.evidence["tries"] == 6


def test_a_429_ends_as_rate_limited(api: HttpApi, wire: Wire) -> None:
    wire.say({}, 429, {"Retry-After": "3"}, times=9)
    with pytest.raises(RateLimited, match="asks acme-main to call less often") as limited:
        api.get("/things")
    assert limited.value.retry_after == 3
    assert len(wire.heard) == 6


def test_a_403_with_a_retry_after_is_a_rate_limit(api: HttpApi, wire: Wire) -> None:
    wire.say({}, 403, {"Retry-After": "1"})
    assert api.get("/things") == {}


@pytest.mark.parametrize("fault", [reset, cut])
def test_broken_connections_are_tried_again(api: HttpApi, wire: Wire, fault: Any) -> None:
    wire.do(fault)
    wire.say([1])
    assert api.get("/things") == [1]


@pytest.mark.parametrize("fault", [reset, cut])
def test_connections_that_stay_broken_are_the_vendor_unavailable(
    api: HttpApi, wire: Wire, fault: Any
) -> None:
    wire.do(fault, times=9)
    with pytest.raises(VendorUnavailable, match=r"broke the connection off .*tried again later"):
        api.get("/things")
    assert len(wire.heard) == 6


def test_a_vendor_that_is_not_there_cannot_be_reached(open_api: Open) -> None:
    with pytest.raises(VendorUnavailable, match=r"could not be reached \(GET /things\)") as lost:
        open_api(base_url=unused_url()).get("/things")
    assert lost.value.evidence["cause"].startswith("ConnectionError: ")
    assert lost.value.evidence["tries"] == 6


def test_a_vendor_that_takes_no_calls_is_not_waited_for_longer_than_said(open_api: Open) -> None:
    create = spec.post("/things", json={}), spec.OutboundChange(kind="create")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(8):  # more than it lets wait
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        api = open_api(base_url=url, timeouts=Timeouts(connect=0.1), patience=Patience(tries=1))
        with pytest.raises(VendorUnavailable, match="could not be reached") as lost:
            api.send(*create)
    assert "may have been made" not in str(lost.value)


def test_silence_is_not_waited_for_longer_than_said(open_api: Open, wire: Wire) -> None:
    wire.do(hang)
    wire.say([1])
    assert open_api(timeouts=Timeouts(read=0.05)).get("/things") == [1]
    assert len(wire.heard) == 2


def test_an_answer_that_drips_forever_is_given_up(open_api: Open, wire: Wire) -> None:
    wire.do(drip)
    wire.say([1])
    assert open_api(timeouts=Timeouts(answer=0.1)).get("/things") == [1]
    assert len(wire.heard) == 2


def test_json_that_stays_broken_is_unexpected(api: HttpApi, wire: Wire) -> None:
    wire.say(b"<html>Maintenance</html>", times=9)
    with pytest.raises(UnexpectedResponse, match="GET /things with a body that is not JSON") as it:
        api.get("/things")
    assert len(wire.heard) == 6
    assert it.value.evidence["body"] == "<html>Maintenance</html>"


def test_json_broken_once_is_read_again(api: HttpApi, wire: Wire) -> None:
    wire.say(b'{"results": [')
    wire.say([1])
    assert api.get("/things") == [1]


def test_an_error_body_is_read_only_as_far_as_it_helps(api: HttpApi, wire: Wire) -> None:
    wire.say(b"x" * 2**22, status=404)
    with pytest.raises(UnexpectedResponse) as told:
        api.get("/things")
    assert len(told.value.evidence["body"]) == 500
    assert api.usage.bytes < 2**21


# -- changes that must not be made twice --------------------------------------------------------


@pytest.mark.parametrize("fault", [reset, cut])
def test_a_create_whose_answer_was_lost_is_not_made_again(
    api: HttpApi, wire: Wire, fault: Any
) -> None:
    wire.do(fault)
    with pytest.raises(VendorUnavailable, match="may have been made: look in Acme"):
        api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert len(wire.heard) == 1


@pytest.mark.parametrize("fault", [reset, leave])
def test_a_create_is_not_sent_anew_where_a_kept_connection_ends(
    api: HttpApi, wire: Wire, fault: Any
) -> None:
    """The vendor may have made it, even if it said nothing."""
    api.get("/things")
    wire.do(fault)
    with pytest.raises(VendorUnavailable, match="may have been made: look in Acme"):
        api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert len(wire.heard) == 2


def test_a_create_that_failed_inside_the_vendor_is_not_made_again(api: HttpApi, wire: Wire) -> None:
    wire.say({}, status=500)
    with pytest.raises(VendorUnavailable):
        api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert len(wire.heard) == 1


def test_a_create_whose_answer_cannot_be_read_is_not_made_again(api: HttpApi, wire: Wire) -> None:
    wire.say(b"<html>", 201)
    with pytest.raises(UnexpectedResponse, match="POST /things with a body that is not JSON"):
        api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert len(wire.heard) == 1


def test_a_create_that_was_rate_limited_is_made_later(api: HttpApi, wire: Wire) -> None:
    wire.say({}, 429)
    wire.say({"id": "1"}, 201)
    created = api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert created == {"id": "1"}


def test_a_create_that_never_left_is_tried_again(open_api: Open) -> None:
    api = open_api(base_url=unused_url())
    with pytest.raises(VendorUnavailable, match="will be tried again later") as lost:
        api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert lost.value.evidence["tries"] == 6


def test_a_search_whose_answer_was_lost_is_made_again(api: HttpApi, wire: Wire) -> None:
    wire.do(cut)
    wire.say([1])
    assert api.send(spec.post("/search", json={}, safe_to_repeat=True), spec.Read()) == [1]


# -- secrets --------------------------------------------------------------------------------------


def everything_said(error: SyncPlatformError) -> str:
    return "".join(traceback.format_exception(error)) + repr(error.evidence)


def test_no_error_holds_the_token(api: HttpApi, wire: Wire) -> None:
    wire.say({"message": f"unknown token {TOKEN}"}, 403, {"X-Request-Id": TOKEN})
    with pytest.raises(NotPermitted, match="unknown token …") as told:
        api.get(f"/things/{TOKEN}")
    assert TOKEN not in everything_said(told.value)
    assert told.value.evidence["url"].endswith("/things/…")


def test_a_token_at_the_edge_of_the_evidence_is_not_cut_in_half(api: HttpApi, wire: Wire) -> None:
    wire.say(b"x" * 490 + TOKEN.encode(), 404)
    with pytest.raises(UnexpectedResponse) as told:
        api.get("/things")
    assert told.value.evidence["body"] == "x" * 490 + "…"


def test_no_error_holds_a_password_in_any_writing(open_api: Open, wire: Wire) -> None:
    basic = spec.Connector(
        name="acme",
        label="Acme",
        base_url="",
        auth=[spec.BasicAuth()],
        check=spec.get("/"),
        objects=[],
    )
    secret = {"username": "ada@acme.test", "token": 'pass/word"1'}
    pair = base64.b64encode(b'ada@acme.test:pass/word"1').decode()
    wire.say({"message": f'Basic {pair}, pass%2Fword%221, pass/word"1, ada@acme.test'}, 404)
    with pytest.raises(UnexpectedResponse) as told:
        open_api(basic, secret=lambda: Secret(secret)).get("/things")
    assert "GET /things: Basic …, …, …, … Nothing" in str(told.value)
    said = everything_said(told.value)
    assert [word for word in (pair, "pass/", "pass%", "ada@") if word in said] == []


def test_no_log_line_holds_a_key_that_is_sent_in_the_query(
    open_api: Open, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    keyed = spec.Connector(
        name="acme",
        label="Acme",
        base_url="",
        auth=[spec.ApiKey(name="api_key", sent_in="query")],
        check=spec.get("/"),
        objects=[],
    )
    with caplog.at_level(logging.DEBUG):
        open_api(keyed).get("/things")
    assert wire.paths == [f"/things?api_key={TOKEN}"]
    assert "/things" in caplog.text
    assert TOKEN not in caplog.text


def test_a_token_with_a_line_break_is_not_sent_and_not_told(open_api: Open, wire: Wire) -> None:
    api = open_api(secret=lambda: Secret({"token": "half-a\nsecret"}))
    with pytest.raises(NeedsReauth, match="Copy them again, whole") as told:
        api.get("/things")
    assert "half-a" not in everything_said(told.value)
    assert wire.heard == []


def test_a_header_that_http_cannot_carry_is_not_told(open_api: Open, wire: Wire) -> None:
    api = open_api()
    with pytest.raises(SyncPlatformError, match="a header holds characters") as told:
        api.send(spec.get("/things", headers={"X-Key": f"{TOKEN}\n"}))
    assert TOKEN not in everything_said(told.value)
    assert wire.heard == []
