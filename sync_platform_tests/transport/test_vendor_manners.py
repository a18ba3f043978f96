"""What single vendors do differently, and how a connector says so."""

from dataclasses import replace

import pytest

from sync_platform import spec
from sync_platform.engine.ports import Secret
from sync_platform.errors import NotPermitted, UnexpectedResponse, VendorUnavailable
from sync_platform.transport.api import HttpApi
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.transport.conftest import Open, acme
from sync_platform_tests.transport.wire import Wire

CSV = spec.get("/results", answers="csv")


def over_quota(status: int, body: spec.Json) -> spec.Meaning | None:
    return "rate_limited" if spec.at(body, "code") == "REQUEST_LIMIT_EXCEEDED" else None


def test_headers_of_the_connector_go_with_every_call(open_api: Open, wire: Wire) -> None:
    tenant = replace(acme, headers=lambda settings: {"X-Tenant": settings["tenant"]})
    api = open_api(tenant, settings={"tenant": "t-7"})
    api.get("/things")
    api.send(spec.get("/things", headers={"If-None-Match": "1"}))
    assert [heard.headers["X-Tenant"] for heard in wire.heard] == ["t-7", "t-7"]
    assert wire.heard[1].headers["If-None-Match"] == "1"


def test_an_answers_headers_are_told_to_who_asks(api: HttpApi, wire: Wire) -> None:
    wire.say({"done": True}, headers={"X-Locator": "MTAw"})
    answer = api.ask(spec.get("/results"))
    assert (answer.body, answer.headers["x-locator"]) == ({"done": True}, "MTAw")


def test_a_form_is_sent_with_its_nested_values(api: HttpApi, wire: Wire) -> None:
    values = {
        "name": "Ä & Co",
        "metadata": {"plan": "pro"},
        "items": [{"price": "p1"}],
        "live": True,
    }
    api.send(spec.post("/things", form=lambda change: change.values), change(values))
    heard = wire.heard[0]
    assert heard.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert heard.body == (
        b"name=%C3%84+%26+Co&metadata%5Bplan%5D=pro&items%5B0%5D%5Bprice%5D=p1&live=true"
    )


def change(values: dict[str, object]) -> spec.OutboundChange:
    return spec.OutboundChange(kind="create", values=values, id="change-1")


def test_csv_is_read_by_its_header(api: HttpApi, wire: Wire) -> None:
    wire.say(b'"Id","Name"\n"1","a, ""b""\nc"\n"2",""\n')
    assert api.send(CSV) == [{"Id": "1", "Name": 'a, "b"\nc'}, {"Id": "2", "Name": ""}]
    assert wire.heard[0].headers["Accept"] == "text/csv"


@pytest.mark.parametrize("body", [b'"Id","Name"\n"1"\n', b'"Id","Name"\n"1","a', b"\xff\xfe\x00"])
def test_csv_that_is_cut_off_is_no_answer(api: HttpApi, wire: Wire, body: bytes) -> None:
    wire.say(body, times=9)
    with pytest.raises(UnexpectedResponse, match="with a body that is not CSV"):
        api.send(CSV)


NAMED = spec.get("/results", answers="csv", columns=("Id", "Name"))
HTML = b"\n<!DOCTYPE html>\n<p>Sign in, k-secret</p>"


@pytest.mark.parametrize("asked", [CSV, NAMED], ids=["any columns", "known columns"])
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"error":"x"}', "is JSON, not CSV"),
        (b'[{"a":1}]', "is JSON, not CSV"),
        (HTML, "is HTML or XML, not CSV"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "is HTML or XML, not CSV"),
        (b'"Id","Name","Name"\n"1","a","b"\n', "is CSV with two columns 'Name'"),
    ],
)
def test_what_comes_in_the_place_of_csv_is_no_list_without_records(
    open_api: Open, wire: Wire, asked: spec.Request, body: bytes, why: str
) -> None:
    wire.say(body, times=9)
    with pytest.raises(UnexpectedResponse, match=f"with a body that {why}") as raised:
        open_api(secret=lambda: Secret({"token": "k-secret"})).send(asked)
    assert "k-secret" not in f"{raised.value} {raised.value.evidence}"


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("application/json; charset=utf-8", b"null", "is sent as application/json, not as CSV"),
        ("text/html", b"Down for an hour", "is sent as text/html, not as CSV"),
        ("text/html", b"", "is sent as text/html, not as CSV"),
        ("text/html", b'{"error":"x"}', "is JSON, not CSV"),
        ("application/json", HTML, "is HTML or XML, not CSV"),
    ],
)
def test_a_body_that_may_be_csv_is_none_where_it_is_sent_as_something_else(
    api: HttpApi, wire: Wire, kind: str, body: bytes, why: str
) -> None:
    wire.say(body, headers={"Content-Type": kind}, times=9)
    with pytest.raises(UnexpectedResponse, match=why):
        api.send(CSV)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "has no header line"),
        (b"\n", "has no header line"),
        (b"null", "is CSV without a column 'Id'"),
        (b"Id;Name\n1;a\n", "is CSV without a column 'Id'"),
        (b"Id\n", "is CSV without a column 'Name'"),
    ],
)
def test_csv_without_the_columns_that_it_must_have_is_no_answer(
    api: HttpApi, wire: Wire, body: bytes, why: str
) -> None:
    for kind in ("text/csv", "application/json", "text/html"):  # the body tells what it lacks
        wire.say(body, headers={"Content-Type": kind}, times=9)
        with pytest.raises(UnexpectedResponse, match=why):
            api.send(NAMED)


def test_csv_that_has_its_columns_is_csv_whatever_it_is_called(api: HttpApi, wire: Wire) -> None:
    """An export in PHP is text/html where nobody says otherwise."""
    wire.say(b"Name,Id,,\nAnn,1,,\n", headers={"Content-Type": "text/html"})
    assert api.send(NAMED) == [{"Name": "Ann", "Id": "1", "": ""}]


def test_no_content_is_csv_without_records(api: HttpApi, wire: Wire) -> None:
    wire.say(b"", status=204)
    assert api.send(NAMED) == []


def test_a_403_that_is_a_rate_limit_is_waited_for(
    open_api: Open, wire: Wire, clock: FakeClock
) -> None:
    wire.say({"code": "REQUEST_LIMIT_EXCEEDED"}, status=403)
    wire.say({"ok": True})
    assert open_api(replace(acme, means=over_quota)).get("/things") == {"ok": True}
    assert clock.slept > 0


def test_a_403_that_is_none_is_what_its_status_says(open_api: Open, wire: Wire) -> None:
    wire.say({"code": "INSUFFICIENT_ACCESS"}, status=403)
    with pytest.raises(NotPermitted):
        open_api(replace(acme, means=over_quota)).get("/things")


def test_a_429_that_no_waiting_mends_is_not_tried_again(
    open_api: Open, wire: Wire, clock: FakeClock
) -> None:
    """And blocks no other call: it was not refused for coming too fast."""
    wire.say({"message": "The plan's calls are used up."}, 429, {"Retry-After": "600"})
    told = replace(acme, means=lambda status, body: "not_permitted" if status == 429 else None)
    api = open_api(told)
    with pytest.raises(NotPermitted) as refused:
        api.get("/things")
    assert str(refused.value) == (
        "Acme does not permit GET /things to acme-main: The plan's calls are used up. Mend that in "
        "Acme, then resume acme-main."
    )
    assert api.get("/things") == {}
    assert (len(wire.heard), clock.slept) == (2, 0)


def test_a_429_without_a_meaning_is_waited_for(
    open_api: Open, wire: Wire, clock: FakeClock
) -> None:
    wire.say({}, 429, {"Retry-After": "30"})
    assert open_api(replace(acme, means=over_quota)).get("/things") == {}
    assert clock.slept >= 30


def test_a_429_may_mean_that_the_vendor_is_busy(open_api: Open, wire: Wire) -> None:
    wire.say({}, 429, times=9)
    told = replace(acme, means=lambda status, body: "unavailable" if status == 429 else None)
    with pytest.raises(VendorUnavailable):
        open_api(told).get("/things")
    assert len(wire.heard) == 6


def test_a_400_may_be_a_missing_permission(open_api: Open, wire: Wire) -> None:
    wire.say({"message": "Ask your admin"}, status=400)
    told = replace(acme, means=lambda status, body: "not_permitted" if status == 400 else None)
    with pytest.raises(NotPermitted, match="Ask your admin"):
        open_api(told).get("/things")


def test_a_connector_knows_where_its_vendor_says_what_is_wrong(open_api: Open, wire: Wire) -> None:
    wire.say({"message": "Invalid.", "elements": [{"why": "No name"}]}, status=403)
    wire.say({"message": "Invalid."}, status=403)
    wire.say(b"<html>", status=403)
    told = replace(
        acme, says=lambda body: body["elements"][0]["why"] if "elements" in (body or ()) else None
    )
    for sentence in ("No name. Give", "Invalid. Give", "acme-main. Give"):
        with pytest.raises(NotPermitted, match=sentence):
            open_api(told).get("/things")
