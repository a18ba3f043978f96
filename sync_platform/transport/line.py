"""An open line to one vendor: sends a request, brings the whole answer, within bounds.

It can be closed by another thread, which ends a call that is under way. It speaks through httpx's
transport and not through its client: cookies, redirects and the merging of addresses, which a
vendor's API has no use for, took as long as all the rest of a call.
"""

import socket
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from time import monotonic
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from sync_platform import __version__
from sync_platform.errors import ConfigurationError
from sync_platform.transport.address import is_loopback

HEADERS = {  # of all calls that have no others; names in lower case, so that none is sent twice
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "connection": "keep-alive",
    "user-agent": f"sync-platform/{__version__}",
}
KEPT_ALIVE = 30.0  # seconds that a connection is kept that nobody uses
ERROR_BYTES = 65_536  # of the body of a refusal: enough for a sentence and the evidence


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long each part of a call may take, in seconds."""

    connect: float = 10.0
    read: float = 60.0  # of silence
    write: float = 60.0
    answer: float = 300.0  # from the sending to the last byte


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the body is whole and decompressed, except that of a refusal (64 KiB)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Lost(Exception):
    """No whole answer came. `how` goes on after the vendor's name; `reached`: the vendor may have
    heard the call."""

    def __init__(self, how: str, *, reached: bool = True) -> None:
        super().__init__(how)
        self.how, self.reached = how, reached


class TooLarge(Exception):
    """The answer has more bytes than are taken."""


class Unsendable(Exception):
    """A header holds what HTTP cannot carry. Has no cause: that would quote the sign-in."""


class Line:
    """One pool of kept-alive connections."""

    def __init__(
        self,
        *,
        timeouts: Timeouts,
        largest: int,
        to: httpx.URL,
        sent: Callable[[], None] = lambda: None,
    ) -> None:
        """`largest` is the most bytes of an answer, decompressed. All calls go `to` the origin of
        this url: through the proxy that the environment names for it (HTTPS_PROXY, NO_PROXY).
        `sent` is called whenever a call has gone out and its answer is waited for."""
        self._timeouts, self._largest, self._sent = timeouts, largest, sent
        self._seconds = httpx.Timeout(
            connect=timeouts.connect,
            read=timeouts.read,
            write=timeouts.write,
            pool=timeouts.connect,
        ).as_dict()
        self._lock = threading.Lock()
        self._under_way = 0
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.closed = threading.Event()
        self.calls = 0
        self.bytes = 0
        # In a thread, because it takes as long as opening the sessions with Postgres, which comes
        # next: certificates are read, and httpx loads the rest of itself.
        maker = ThreadPoolExecutor(1, thread_name_prefix="line")
        self._making = maker.submit(_made, to)
        maker.shutdown(wait=False)

    @property
    def _transport(self) -> httpx.HTTPTransport:
        try:
            return self._making.result()
        except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
            # its words may hold a password
            raise ConfigurationError(
                "The proxy or the certificates that the environment names (HTTPS_PROXY, "
                "HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR) cannot be used: "
                f"{type(error).__name__}. Mend these variables and start again."
            ) from None

    def exchange(
        self,
        method: str,
        url: httpx.URL,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        auth: httpx.Auth,
    ) -> Answer:
        """Send a request and read its answer; redirects are not followed.

        Raises Lost, TooLarge or Unsendable; ConfigurationError where the environment names a proxy
        or certificates that cannot be used.
        """
        with self._lock:
            if self.closed.is_set():
                raise Lost("was not called, because the sync ended", reached=False)
            self._under_way += 1
            self.calls += 1
        try:
            request = httpx.Request(
                method,
                url,
                headers=HEADERS | {name.lower(): value for name, value in headers.items()},
                content=content,
                extensions={"timeout": self._seconds, "trace": self._trace},
            )
            response = self._transport.handle_request(next(auth.auth_flow(request)))
            try:
                body = self._read(response, monotonic() + self._timeouts.answer)
            finally:
                response.close()
            return Answer(status=response.status_code, headers=response.headers, body=body)
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            raise Unsendable from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Lost("could not be reached", reached=False) from error
        except httpx.TimeoutException as error:
            raise Lost("did not answer in time") from error
        except httpx.DecodingError as error:
            raise Lost("sent an answer that cannot be decompressed") from error
        except httpx.ProxyError as error:
            raise Lost(
                "could not be reached: the proxy that the environment names refused", reached=False
            ) from error
        except httpx.TransportError as error:
            raise Lost("broke the connection off before its answer was whole") from error
        finally:
            self._leave()

    def close(self) -> None:
        """Let go of all connections; a call under way in another thread raises Lost."""
        with self._lock:
            self.closed.set()
            busy = self._under_way > 0
            sockets = list(self._sockets)
        if not busy:
            self._let_go()
            return
        for each in sockets:
            _shut(each)  # the thread that reads from it closes the transport

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        refusal = response.status_code >= 400
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            with self._lock:
                self.bytes += len(chunk)
            if refusal and size >= ERROR_BYTES:
                break
            if size > self._largest:
                raise TooLarge
            if monotonic() > deadline:
                raise Lost(f"took longer than {self._timeouts.answer:g} seconds to answer")
        return b"".join(chunks)

    def _trace(self, event: str, about: dict[str, Any]) -> None:
        """Remembers the sockets: closing a client does not wake a thread that reads from one."""
        if event == "http11.send_request_body.complete":
            self._sent()
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            opened = about["return_value"].get_extra_info("socket")
            with self._lock:  # a set cannot be listed while another thread adds to it
                self._sockets.add(opened)
            if self.closed.is_set():
                _shut(opened)

    def _leave(self) -> None:
        with self._lock:
            self._under_way -= 1
            last = self.closed.is_set() and self._under_way == 0
        if last:
            self._let_go()

    def _let_go(self) -> None:
        with suppress(ConfigurationError):  # there never was one
            self._transport.close()


def _shut(it: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(it, socket.SHUT_RDWR)  # under TLS too: no goodbye, just the end


def _made(to: httpx.URL) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(
        verify=_tls(),
        limits=httpx.Limits(
            max_connections=100, max_keepalive_connections=20, keepalive_expiry=KEPT_ALIVE
        ),
        proxy=_proxy(to),
    )


def _proxy(to: httpx.URL) -> str | None:
    """The proxy that the environment names for calls there; never between us and ourselves."""
    if is_loopback(to.host):
        return None
    named = getproxies()
    if "*" in (each.strip() for each in named.get("no", "").split(",")):
        return None
    # The host alone, too: NO_PROXY may hold an IPv6 address without the brackets of a url.
    if proxy_bypass(to.netloc.decode("ascii")) or proxy_bypass(to.host):
        return None
    found = named.get(to.scheme) or named.get("all")
    return f"http://{found}" if found and "://" not in found else found


@cache
def _tls() -> SSLContext:
    """One for all lines of the process: reading the certificates takes longer than a call."""
    return httpx.create_ssl_context()
