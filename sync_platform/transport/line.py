"""An open line to one vendor: sends a request, brings the whole answer, within bounds.

It can be closed by another thread, which ends a call that is under way.
"""

import logging
import socket
import threading
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from time import monotonic
from typing import Any

import httpx

from sync_platform import __version__

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

    def __init__(self, *, timeouts: Timeouts, largest: int, loopback: bool) -> None:
        """`largest` is the most bytes of an answer, decompressed; `loopback` avoids proxies."""
        self._timeouts, self._largest = timeouts, largest
        self._lock = threading.Lock()
        self._under_way = 0
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.closed = threading.Event()
        self.calls = 0
        self.bytes = 0
        # In a thread, because it takes as long as opening the sessions with Postgres, which comes
        # next: certificates are read, and httpx loads the rest of itself.
        maker = ThreadPoolExecutor(1, thread_name_prefix="line")
        self._making = maker.submit(self._made, trust_env=not loopback)
        maker.shutdown(wait=False)

    def _made(self, *, trust_env: bool) -> httpx.Client:
        timeouts = self._timeouts
        return httpx.Client(
            headers={
                "User-Agent": f"sync-platform/{__version__}",
                "Accept": "application/json",
            },
            timeout=httpx.Timeout(
                connect=timeouts.connect,
                read=timeouts.read,
                write=timeouts.write,
                pool=timeouts.connect,
            ),
            limits=httpx.Limits(keepalive_expiry=30),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # the sign-in is ours
            verify=_tls(),
            trust_env=trust_env,
        )

    @property
    def _client(self) -> httpx.Client:
        return self._making.result()

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

        Raises Lost, TooLarge or Unsendable.
        """
        with self._lock:
            if self.closed.is_set():
                raise Lost("was not called, because the sync ended", reached=False)
            self._under_way += 1
            self.calls += 1
        try:
            with self._client.stream(
                method,
                url,
                headers=dict(headers),
                content=content,
                auth=auth,
                extensions={"trace": self._trace},
            ) as response:
                body = self._read(response, monotonic() + self._timeouts.answer)
                return Answer(status=response.status_code, headers=response.headers, body=body)
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            raise Unsendable from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Lost("could not be reached", reached=False) from error
        except httpx.TimeoutException as error:
            raise Lost("did not answer in time") from error
        except httpx.DecodingError as error:
            raise Lost("sent an answer that cannot be decompressed") from error
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
            self._client.close()
            return
        for each in sockets:
            _shut(each)  # the thread that reads from it closes the client

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
            self._client.close()


def _shut(it: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(it, socket.SHUT_RDWR)  # under TLS too: no goodbye, just the end


@cache
def _tls() -> SSLContext:
    """One for all clients of the process: reading the certificates takes longer than a call."""
    return httpx.create_ssl_context()


def _without_queries(record: logging.LogRecord) -> bool:
    """httpx logs every address whole, and some vendors take their keys in the query."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            it.copy_with(query=None) if isinstance(it, httpx.URL) else it for it in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_without_queries)
