"""A vendor's side of the wire, scripted call by call, over real HTTP."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A request as it arrived."""

    method: str
    path: str  # with its query
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answering = Callable[["Handler"], None]


class Wire:
    """What arrived, and what is answered: `say` queues answers, after them comes `{}`."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[Heard] = []
        self.connections = 0
        self.arrived = threading.Event()  # a request has arrived
        self.go_on = threading.Event()  # an answer that waits may go on
        self._queue: list[Answering] = []

    def say(
        self,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Answer with JSON, or with bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.do(lambda handler: handler.answer(status, content, headers or {}), times)

    def do(self, answering: Answering, times: int = 1) -> None:
        self._queue += [answering] * times

    def forget(self) -> None:
        """Nothing was heard, and nothing is queued."""
        self.heard.clear()
        self._queue.clear()

    def next(self) -> Answering:
        if self._queue:
            return self._queue.pop(0)
        return lambda handler: handler.answer(200, b"{}", {})

    @property
    def paths(self) -> list[str]:
        return [it.path for it in self.heard]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wire: Wire

    def setup(self) -> None:
        self.wire.connections += 1
        super().setup()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        heard = Heard(method=self.command, path=self.path, headers=self.headers, body=body)
        self.wire.heard.append(heard)
        answering = self.wire.next()
        self.wire.arrived.set()
        answering(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = respond

    def answer(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def reset(handler: Handler) -> None:
    """Drop the connection without a word."""
    linger_not_at_all = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not_at_all)
    handler.close_connection = True
    handler.connection.close()


def leave(handler: Handler) -> None:
    """Close the connection instead of an answer."""
    handler.close_connection = True


def cut(handler: Handler) -> None:
    """Announce more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"results": [')
    handler.close_connection = True


def hang(handler: Handler) -> None:
    """Say nothing until the test lets it go on."""
    handler.wire.go_on.wait(30)
    handler.close_connection = True


def drip(handler: Handler) -> None:
    """Send a byte now and then, without an end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.wire.go_on.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()
    handler.close_connection = True


@contextmanager
def listening(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """A wire that listens until the block ends; with `tls`, encrypted, as `localhost`."""
    wire = Wire()
    handler = type("WireHandler", (Handler,), {"wire": wire})
    server = ThreadingHTTPServer((host, 0), handler)
    server.daemon_threads = True
    wire.url = f"http://{host}:{server.server_address[1]}"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        wire.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        wire.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def unused_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
