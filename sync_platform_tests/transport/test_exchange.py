"""What goes over the wire byte for byte, and what a call leaves to the next one."""

import gzip
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.engine.ports import Secret
from sync_platform.errors import (
    NotPermitted,
    SyncPlatformError,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.transport.api import HttpApi
from sync_platform.transport.call import ERROR_BYTES, Timeouts
from sync_platform.transport.retry import Patience
from sync_platform_tests.transport.conftest import TOKEN, Open, acme
from sync_platform_tests.transport.wire import Handler, Wire, drip

BODY = b'{"id": 1}'
ONCE = Patience(tries=1)


def raw_deflate(body: bytes) -> bytes:
    """Deflate without zlib's frame, as some servers send it."""
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(body) + packing.flush()


# -- headers ------------------------------------------------------------------------------------


def test_a_get_says_who_asks_and_what_is_understood_each_once(api: HttpApi, wire: Wire) -> None:
    api.get("/things")
    headers = wire.heard[0].headers
    names = [name.lower() for name in headers]
    assert len(names) == len(set(names))
    assert f"http://{headers['Host']}" == wire.url
    assert headers["Accept"] == "application/json"
    assert headers["Accept-Encoding"] == "gzip, deflate"
    assert headers["User-Agent"].startswith("sync-platform/")
    assert not {"content-length", "transfer-encoding"} & set(names)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_call_that_could_have_a_body_says_that_it_has_none(
    api: HttpApi, wire: Wire, method: Any
) -> None:
    api.send(spec.Request(method=method, path="/things"))
    assert wire.heard[0].headers["Content-Length"] == "0"


def test_a_requests_header_takes_the_place_of_the_connectors_however_it_is_written(
    open_api: Open, wire: Wire
) -> None:
    given = {"ACCEPT": "application/hal+json", "X-Version": "1", "content-TYPE": "text/odd"}
    api = open_api(replace(acme, headers=given))
    changed: Any = {"accept": "application/xml", "x-version": None}
    api.send(spec.post("/things", json={}, headers=changed))
    headers = wire.heard[0].headers
    assert headers.get_all("Accept") == ["application/xml"]
    assert headers.get_all("X-Version") is None
    assert headers.get_all("Content-Type") == ["text/odd"]


def test_a_header_may_have_no_value(api: HttpApi, wire: Wire) -> None:
    api.send(spec.get("/things", headers={"X-Nothing": ""}))
    assert wire.heard[0].headers.get_all("X-Nothing") == [""]


def test_a_body_says_no_more_of_itself_than_the_connector_does(api: HttpApi, wire: Wire) -> None:
    """Nor is its vendor asked first whether it may come, however large it is."""
    api.send(spec.post("/things", json={"text": "x" * 2**21}))
    headers = wire.heard[0].headers
    assert headers.get_all("Content-Type") == ["application/json"]
    assert "Expect" not in headers


def test_of_an_answer_the_last_head_is_told_and_not_what_comes_after_its_body(
    api: HttpApi, wire: Wire
) -> None:
    def in_parts(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Here: 1\r\nX-HERE:  2 \r\n")
        handler.wfile.write(b"Transfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n")
        handler.wfile.write(b"9\r\n" + BODY + b"\r\n0\r\nX-Late: 1\r\n\r\n")

    wire.do(in_parts)
    answer = api.ask(spec.get("/things"))
    assert answer.body == {"id": 1}
    assert answer.headers["x-here"] == "1, 2"
    assert not {"x-early", "x-late"} & set(answer.headers)
    assert (api.get("/things"), wire.connections) == ({}, 1)


def test_no_header_of_a_connector_stands_beside_the_sign_in(open_api: Open, wire: Wire) -> None:
    api = open_api(replace(acme, headers={"authorization": "Basic bm8="}))
    api.get("/things")
    assert wire.heard[0].headers.get_all("Authorization") == [f"Bearer {TOKEN}"]


def test_a_name_and_a_password_are_sent_as_basic_says(open_api: Open, wire: Wire) -> None:
    api = open_api(
        replace(acme, auth=[spec.BasicAuth(username="ann@acme.test")]),
        secret=lambda: Secret({"token": "hush:hush"}),
    )
    api.get("/things")
    assert wire.heard[0].headers["Authorization"] == "Basic YW5uQGFjbWUudGVzdDpodXNoOmh1c2g="


def test_a_key_in_the_query_stands_beside_the_params(open_api: Open, wire: Wire) -> None:
    way = spec.ApiKey(name="api_key", sent_in="query")
    api = open_api(
        replace(acme, auth=[way]),
        secret=lambda: Secret({"token": "hush&hush"}),
    )
    api.get("/things", q="a b", page="2")
    assert wire.paths == ["/things?q=a+b&page=2&api_key=hush%26hush"]


def test_a_call_asks_for_nothing_of_the_one_before(api: HttpApi, wire: Wire) -> None:
    """What they share is put together once."""
    api.get("/things", q="a b", at="é&=#?")
    api.get("/things", at="2")
    api.get("/things")
    api.get("/th ings", at="2")
    api.get("/things?all=1", at="2")
    api.send(spec.post("/things", json={"id": 1}, headers={"X-Key": "1"}))
    api.send(spec.Request(method="PATCH", path="/things"))
    api.get("/things", at="3")
    api.send(spec.Request(method="DELETE", path="/things"))
    assert [(it.method, it.path, it.body) for it in wire.heard] == [
        ("GET", "/things?q=a+b&at=%C3%A9%26%3D%23%3F", b""),
        ("GET", "/things?at=2", b""),
        ("GET", "/things", b""),
        ("GET", "/th%20ings?at=2", b""),
        ("GET", "/things?all=1&at=2", b""),
        ("POST", "/things", b'{"id":1}'),
        ("PATCH", "/things", b""),
        ("GET", "/things?at=3", b""),
        ("DELETE", "/things", b""),
    ]
    bodies = [it.headers["Content-Length"] for it in wire.heard]
    assert bodies == [None] * 5 + ["8", "0", None, None]
    assert [it.method for it in wire.heard if it.headers["X-Key"]] == ["POST"]
    assert [it.method for it in wire.heard if it.headers["Content-Type"]] == ["POST"]
    assert wire.connections == 1


# -- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("gzip, deflate", lambda body: zlib.compress(gzip.compress(body))),
        ("identity", bytes),
    ],
)
def test_compressed_answers_are_read(
    api: HttpApi, wire: Wire, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    wire.say(pack(BODY), headers={"Content-Encoding": encoding})
    assert api.get("/things") == {"id": 1}


def test_an_answer_that_cannot_be_decompressed_is_asked_for_again(api: HttpApi, wire: Wire) -> None:
    wire.say(b"no gzip", headers={"Content-Encoding": "gzip"})
    wire.say(gzip.compress(BODY), headers={"Content-Encoding": "gzip"})
    assert api.get("/things") == {"id": 1}
    assert len(wire.heard) == 2


def test_an_answer_that_stays_impossible_to_decompress_is_told_so(
    open_api: Open, wire: Wire
) -> None:
    wire.say(b"no gzip", headers={"Content-Encoding": "gzip"})
    with pytest.raises(VendorUnavailable, match="an answer that cannot be decompressed"):
        open_api(patience=ONCE).get("/things")


def test_a_packed_answer_that_ends_too_early_is_never_taken_for_all(
    open_api: Open, wire: Wire
) -> None:
    """HTTP's own count of bytes may fit, where what stands between has packed half an answer."""
    rows = b"id,name\n" + b"1,Ada\n" * 10_000
    packing = zlib.compressobj(wbits=31)
    half = packing.compress(rows) + packing.flush(zlib.Z_SYNC_FLUSH)
    wire.say(half, headers={"Content-Encoding": "gzip"}, times=2)
    wire.say(gzip.compress(rows), headers={"Content-Encoding": "gzip"})
    asked = replace(spec.get("/things"), answers="csv")
    with pytest.raises(VendorUnavailable, match="an answer that cannot be decompressed"):
        open_api(patience=ONCE).send(asked)
    assert len(open_api().send(asked)) == 10_000


def test_an_encoding_that_nobody_asked_for_is_no_answer(open_api: Open, wire: Wire) -> None:
    wire.say(b"\x0b\x04\x80packed\x03", headers={"Content-Encoding": "br"})
    with pytest.raises(UnexpectedResponse, match="with a body that is not JSON"):
        open_api(patience=ONCE).get("/things")


def test_a_compressed_refusal_is_read_too(api: HttpApi, wire: Wire) -> None:
    body = b'{"message": "Ask Ann for the scope."}'
    wire.say(gzip.compress(body), 403, {"Content-Encoding": "gzip"})
    with pytest.raises(NotPermitted, match="Ask Ann for the scope"):
        api.get("/things")


def test_large_bodies_go_and_come_whole(api: HttpApi, wire: Wire) -> None:
    text = random.Random(1).randbytes(8 * 2**20).hex()
    wire.do(lambda handler: handler.answer(200, handler.wire.heard[-1].body, {}))
    assert api.send(spec.post("/things", json={"text": text})) == {"text": text}


def test_an_answer_in_chunks_is_read_whole(api: HttpApi, wire: Wire) -> None:
    def chunked(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for at in range(len(BODY)):
            handler.wfile.write(b"1\r\n" + BODY[at : at + 1] + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    wire.do(chunked)
    assert api.get("/things") == {"id": 1}
    assert api.get("/things") == {}
    assert wire.connections == 1


# -- what a call leaves to the next ---------------------------------------------------------------


def test_a_connection_is_used_again_after_a_refusal_that_was_read_whole(
    api: HttpApi, wire: Wire
) -> None:
    for status, body in ((404, {}), (400, {"message": "no"}), (503, {})):
        wire.say(body, status)
    with pytest.raises(SyncPlatformError):
        api.get("/things")
    with pytest.raises(SyncPlatformError):
        api.get("/things")
    assert api.get("/things") == {}
    assert len(wire.heard) == 4
    assert wire.connections == 1


@pytest.mark.parametrize("size", [ERROR_BYTES - 1, ERROR_BYTES, ERROR_BYTES + 1, 2**22])
def test_what_was_not_read_of_a_refusal_is_not_taken_for_the_next_answer(
    api: HttpApi, wire: Wire, size: int
) -> None:
    wire.say(b"x" * size, 404)
    wire.say({"id": 2})
    with pytest.raises(UnexpectedResponse):
        api.get("/things")
    assert api.get("/things") == {"id": 2}
    assert len(wire.heard) == 2
    assert wire.connections <= 2


def test_what_was_not_read_of_too_large_an_answer_is_not_either(open_api: Open, wire: Wire) -> None:
    wire.say(b"[" + b" " * 2**22 + b"]")
    wire.say({"id": 2})
    api = open_api(largest_answer=2**19)
    with pytest.raises(UnexpectedResponse, match="more than is read at once"):
        api.get("/things")
    assert api.get("/things") == {"id": 2}
    assert wire.connections == 2


def test_a_call_that_was_given_up_leaves_nothing_behind(open_api: Open, wire: Wire) -> None:
    wire.do(drip)
    wire.say({"id": 2})
    api = open_api(timeouts=Timeouts(answer=0.1), patience=ONCE)
    with pytest.raises(VendorUnavailable, match=r"longer than 0\.1 seconds"):
        api.get("/things")
    assert api.get("/things") == {"id": 2}
    assert wire.connections == 2


def test_a_vendor_that_closes_after_each_answer_is_called_anew(api: HttpApi, wire: Wire) -> None:
    def last(handler: Handler) -> None:
        handler.answer(200, BODY, {"Connection": "close"})
        handler.close_connection = True

    wire.do(last, times=3)
    assert [api.get("/things") for _ in range(3)] == [{"id": 1}] * 3
    assert (wire.connections, len(wire.heard)) == (3, 3)
