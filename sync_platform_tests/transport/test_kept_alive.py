"""What happens on a connection between two calls, and answers that end before they should."""

import socket
import threading

import pytest

from sync_platform import spec
from sync_platform.errors import VendorUnavailable
from sync_platform.transport.api import HttpApi
from sync_platform.transport.handle import was_there
from sync_platform.transport.retry import Patience
from sync_platform_tests.transport.conftest import Open
from sync_platform_tests.transport.wire import Answering, Handler, Wire

ONCE = Patience(tries=1)
CREATE = spec.post("/things", json={}), spec.OutboundChange(kind="create")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"


def written(raw: bytes) -> Answering:
    """Answers so, byte for byte, and closes the connection."""

    def answering(handler: Handler) -> None:
        handler.wfile.write(raw)
        handler.close_connection = True

    return answering


def answered_and(then: bytes, done: threading.Event) -> Answering:
    """Answers, and when the test lets it go on writes more, or closes the connection."""

    def answering(handler: Handler) -> None:
        handler.answer(200, b'{"id": "Ann"}', {})
        handler.wire.go_on.wait(10)
        handler.wire.go_on.clear()
        if then:
            handler.wfile.write(then)
        else:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_WR)
        done.set()

    return answering


def test_a_call_goes_over_no_connection_that_has_ended(open_api: Open, wire: Wire) -> None:
    """A vendor that drains its servers closes connections, and does not say so before."""
    api = open_api(patience=ONCE)
    for number in range(1, 4):
        done = threading.Event()
        wire.do(answered_and(b"", done))
        api.send(*CREATE)
        wire.go_on.set()
        assert done.wait(10)
        assert (len(wire.heard), wire.connections) == (number, number)


@pytest.mark.parametrize("status", [b"200 OK", b"408 Request Timeout"])
def test_what_a_vendor_says_between_two_calls_answers_neither(
    api: HttpApi, wire: Wire, status: bytes
) -> None:
    done = threading.Event()
    wire.do(answered_and(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\n{}" % status, done))
    wire.say({"id": "Bob"})
    assert api.get("/things/ann") == {"id": "Ann"}
    wire.go_on.set()
    assert done.wait(10)
    assert api.get("/things/bob") == {"id": "Bob"}
    assert (len(wire.heard), wire.connections) == (2, 2)


@pytest.mark.parametrize("kept", [len(HEAD) - it for it in (1, 2, 3, 5, 20, 40, 58)])
def test_a_head_that_is_cut_off_is_no_answer(open_api: Open, wire: Wire, kept: int) -> None:
    wire.do(written(HEAD[:kept]))
    with pytest.raises(VendorUnavailable, match="broke the connection off"):
        open_api(patience=ONCE).get("/things")


def test_a_body_that_is_cut_off_is_no_answer_however_its_end_is_told(
    open_api: Open, wire: Wire
) -> None:
    head = HEAD.replace(b"\r\nContent-L", b"\r\nTransfer-Encoding: identity\r\nContent-L")
    wire.do(written(head + b"[1, 2"))
    wire.do(written(head + b"[1, 2, 3]"))
    api = open_api(patience=ONCE)
    with pytest.raises(VendorUnavailable, match="broke the connection off"):
        api.get("/things")
    assert api.get("/things") == [1, 2, 3]


@pytest.mark.parametrize(
    ("had", "has", "is_so"),
    [(900, 900, True), (900, 1099, True), (900, 1100, False), (0, 0, False), (500, 500, False)],
)
def test_an_answer_of_more_bytes_than_came_since_its_call_is_none_to_it(
    had: int, has: int, is_so: bool
) -> None:
    """Unless the system has not counted those of the answers before."""
    assert was_there(had, has, answered=800, heard=200) is is_so


def test_a_header_may_be_called_like_the_protocol(api: HttpApi, wire: Wire) -> None:
    wire.do(written(HEAD.replace(b"Content-Type", b"HTTP/2: 1\r\nContent-Type") + b"[1, 2, 3]"))
    assert api.ask(spec.get("/things")).headers["http/2"] == "1"


def test_an_address_goes_out_to_the_letter(api: HttpApi, wire: Wire) -> None:
    """A link that the vendor signed is another one in other letters."""
    api.get(f"{wire.url}/a%2fb/%c3%a9?sig=%2b%2B")
    assert wire.paths == ["/a%2fb/%c3%a9?sig=%2b%2B"]
