"""An open line to one vendor: sends a request, brings the whole answer, within bounds.

It can be closed by another thread, which ends a call that is under way. It speaks through httpcore,
httpx's own engine: cookies, redirects and the merging of addresses, which a vendor's API has no use
for, took as long as all the rest of a call, and their import as long as that of everything else.
"""

import socket
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import httpcore

from sync_platform import __version__
from sync_platform.errors import ConfigurationError
from sync_platform.transport.network import Network, pool_to
from sync_platform.transport.sign import Proof
from sync_platform.transport.unpacking import Unpacking, Unreadable
from sync_platform.transport.url import Url

HEADERS = {  # of all calls that have no others; names in lower case, so that none is sent twice
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": f"sync-platform/{__version__}",
}
WITH_A_BODY = ("POST", "PUT", "PATCH")
ERROR_BYTES = 65_536  # of the body of a refusal: enough for a sentence and the evidence


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long each part of a call may take, in seconds."""

    connect: float = 10.0
    read: float = 60.0  # of silence
    write: float = 60.0
    answer: float = 300.0  # from its head to the last byte


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
        to: Url,
        sent: Callable[[], None] = lambda: None,
    ) -> None:
        """`largest` is the most bytes of an answer, decompressed. All calls go `to` the origin of
        this url: through the proxy that the environment names for it (HTTPS_PROXY, NO_PROXY).
        `sent` is called whenever a call has gone out and its answer is waited for."""
        self._timeouts, self._largest = timeouts, largest
        self._seconds = {
            "connect": timeouts.connect,
            "read": timeouts.read,
            "write": timeouts.write,
            "pool": timeouts.connect,
        }
        self._scheme, self._host = to.scheme.encode("ascii"), to.host.encode("ascii")
        self._port, self._netloc = to.port, to.netloc.encode("ascii")
        self._lock = threading.Lock()
        self._under_way = 0
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.closed = threading.Event()
        self.calls = 0
        self.bytes = 0
        # In a thread, because it takes as long as opening the sessions with Postgres, which comes
        # next: certificates are read.
        self._making: Future[httpcore.ConnectionPool] = Future()
        network = Network(self._opened, sent)
        threading.Thread(target=self._make, args=(to, network), name="line", daemon=True).start()

    def _make(self, to: Url, network: httpcore.NetworkBackend) -> None:
        try:
            self._making.set_result(pool_to(to, network))
        except Exception as error:  # raised again by whoever wants the pool
            self._making.set_exception(error)

    @property
    def _pool(self) -> httpcore.ConnectionPool:
        try:
            return self._making.result()
        except (ImportError, OSError, ValueError) as error:
            # its words may hold a password
            raise ConfigurationError(
                "The proxy or the certificates that the environment names (HTTPS_PROXY, "
                "HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR) cannot be used: "
                f"{type(error).__name__}. Mend these variables and start again."
            ) from None

    def exchange(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        proof: Proof | None = None,
    ) -> Answer:
        """Send a request and read its answer; redirects are not followed. `target` is the path and
        query, quoted; names of headers are in small letters.

        Raises Lost, TooLarge or Unsendable; ConfigurationError where the environment names a proxy
        or certificates that cannot be used.
        """
        with self._lock:
            if self.closed.is_set():
                raise Lost("was not called, because the sync ended", reached=False)
            self._under_way += 1
            self.calls += 1
        try:
            response = self._pool.handle_request(
                self._request(method, target, HEADERS | dict(headers), content, proof)
            )
            named = _named(response.headers)
            try:
                body = self._read(response, named.get("content-encoding"))
            finally:
                response.close()
            return Answer(status=response.status, headers=named, body=body)
        except (httpcore.LocalProtocolError, UnicodeEncodeError):
            raise Unsendable from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise Lost("could not be reached", reached=False) from error
        except httpcore.TimeoutException as error:
            raise Lost("did not answer in time") from error
        except Unreadable as error:
            raise Lost("sent an answer that cannot be decompressed") from error
        except httpcore.ProxyError as error:
            raise Lost(
                "could not be reached: the proxy that the environment names refused", reached=False
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise Lost("broke the connection off before its answer was whole") from error
        finally:
            self._leave()

    def _request(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        content: bytes | None,
        proof: Proof | None,
    ) -> httpcore.Request:
        if proof is not None:
            target = proof.sign(headers, target)
        if content is not None or method in WITH_A_BODY:
            headers["content-length"] = str(len(content or b""))
        written = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        return httpcore.Request(
            method,
            httpcore.URL(
                scheme=self._scheme, host=self._host, port=self._port, target=target.encode("ascii")
            ),
            headers=[(b"host", self._netloc), *written],
            content=content,
            extensions={"timeout": self._seconds},
        )

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

    def _read(self, response: httpcore.Response, encoding: str | None) -> bytes:
        deadline = monotonic() + self._timeouts.answer
        unpacking = Unpacking(encoding) if encoding else None
        refusal = response.status >= 400
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_stream():
            if unpacking is not None:
                chunk = unpacking.of(chunk)
            chunks.append(chunk)
            size += len(chunk)
            with self._lock:
                self.bytes += len(chunk)
            if refusal and size >= ERROR_BYTES:
                return b"".join(chunks)
            if size > self._largest:
                raise TooLarge
            if monotonic() > deadline:
                raise Lost(f"took longer than {self._timeouts.answer:g} seconds to answer")
        if unpacking is not None:
            unpacking.end()
        return b"".join(chunks)

    def _opened(self, it: socket.socket) -> None:
        """Remembers the sockets: closing a pool does not wake a thread that reads from one."""
        with self._lock:  # a set cannot be listed while another thread adds to it
            self._sockets.add(it)
        if self.closed.is_set():
            _shut(it)

    def _leave(self) -> None:
        with self._lock:
            self._under_way -= 1
            last = self.closed.is_set() and self._under_way == 0
        if last:
            self._let_go()

    def _let_go(self) -> None:
        with suppress(ConfigurationError):  # there never was one
            self._pool.close()


def _shut(it: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(it, socket.SHUT_RDWR)  # under TLS too: no goodbye, just the end


def _named(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by their names in small letters; one that comes again goes on after a comma."""
    named: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("ascii").lower()
        try:
            value = raw_value.decode("utf-8")
        except UnicodeDecodeError:
            value = raw_value.decode("iso-8859-1")
        named[name] = f"{named[name]}, {value}" if name in named else value
    return named
