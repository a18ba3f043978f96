"""Waits on loopback for the browser to come back from the vendor."""

import html
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qsl, urlsplit

from sync_platform.errors import ConfigurationError, Refused

PATH = "/callback"
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>sync-platform</title>
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto;
padding: 0 1rem }}</style>
<p>{sentence}</p></html>
"""


class Callback:
    """A listener at `redirect_uri`. What comes without the state that is waited for is sent away,
    so that no other page in the browser can end the wait."""

    def __init__(self, server: HTTPServer) -> None:
        self._server = server
        self.state: str | None = None  # what to wait for; None: everything is sent away
        self.params: dict[str, str] | None = None
        self.arrived = Event()

    @property
    def redirect_uri(self) -> str:
        """To be registered at the vendor, to the letter."""
        return f"http://127.0.0.1:{self._server.server_port}{PATH}"

    def wait(self, state: str, seconds: float) -> dict[str, str]:
        """The query that the browser came back with. Raises Refused after so many seconds."""
        self.state = state
        if not self.arrived.wait(seconds) or self.params is None:
            raise Refused(
                f"Nobody came back from the sign-in within {seconds / 60:.0f} minutes, so nothing "
                "was connected. Run the command again."
            )
        return self.params


@contextmanager
def listening(port: int) -> Iterator[Callback]:
    """Listen on 127.0.0.1 until the block ends; port 0 takes a free one. Raises ConfigurationError
    where the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0  # seconds: a browser that opens a connection and says nothing

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            params = dict(parse_qsl(address.query, keep_blank_values=True))
            waited_for = callback.state is not None and params.get("state") == callback.state
            if address.path != PATH or not waited_for or callback.arrived.is_set():
                self._answer(404, "Nothing is waited for here.")
                return
            callback.params = params
            self._answer(200, "Back at sync-platform. Close this page and go on in the terminal.")
            callback.arrived.set()

        def _answer(self, status: int, sentence: str) -> None:
            body = PAGE.format(sentence=html.escape(sentence)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")  # the address holds the code
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the address holds the code."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} of this machine cannot be listened on: {error.strerror}. Stop what uses "
            "it, or choose another with --port; that address must be registered at the vendor."
        ) from error
    callback = Callback(server)
    thread = Thread(target=server.serve_forever, args=(0.05,), name="callback", daemon=True)
    thread.start()
    try:
        yield callback
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
