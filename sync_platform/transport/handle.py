"""One of libcurl's handles: keeps a connection to its vendor from call to call.

It is used by one thread at a time; another one may cut it off.
"""

import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import pycurl

from sync_platform.transport.network import Way

KEPT_ALIVE = 30  # seconds that a connection is kept that nobody uses
GO_ON = 0  # what libcurl is told, where it asks
STOP = 1
NONE_OF_IT = 0  # of a chunk was taken, which ends the call
PROXY_FAILED = 97  # CURLE_PROXY, for which pycurl has no name
# Bytes that a socket has received (linux/tcp.h, struct tcp_info, tcpi_bytes_received).
RECEIVED = struct.Struct("128xQ")


class Listening(Protocol):
    """Who is told how a call goes on."""

    def goes_out(self, *where: object) -> int:
        """The connection stands, and the call is sent next. STOP: it is not."""
        ...

    def goes_on(self, to_read: int, read: int, to_write: int, written: int) -> int:
        """Something may have moved, in bytes of bodies; called every second at the least. STOP ends
        the call."""
        ...

    def hears_head(self, line: bytes) -> None:
        """A line of a head, with its end; before the call went out, of a proxy's answer."""
        ...

    def hears_body(self, chunk: bytes) -> int | None:
        """Some of the answer's body. NONE_OF_IT ends the call."""
        ...


class Failed(Exception):
    """No whole answer, in libcurl's words and by its number."""

    def __init__(self, number: int, words: str, *, by_proxy: bool = False) -> None:
        super().__init__(words or f"libcurl's error {number}")
        self.number, self.by_proxy = number, by_proxy


class Handle:
    """Close it, but not while another thread calls with it: cut it off instead."""

    def __init__(self, origin: str, way: Way, *, connect_seconds: float) -> None:
        """All its calls go to the same `origin`, as browsers write it."""
        self._lock = threading.Lock()
        self._sockets: dict[int, socket.socket] = {}  # libcurl's numbers; ours for the same ones
        self._looking = select.poll()  # at all of them
        self._is_cut = False
        self._gone = 0  # bytes received over connections that are closed
        self._heard = 0  # bytes of all answers so far
        self._is_kept = False  # the connection, from the call before
        self._had: int | None = None  # bytes received when the call went out over a kept one
        self._headers: Sequence[str] | None = None  # what it was last told
        self._method: str | None = None  # of a call without a body
        self._curl = curl = pycurl.Curl()
        proxied = way.proxy is not None and way.proxy.url.startswith("http")
        self._above = origin if proxied and origin.startswith("http:") else ""
        for option, value in (
            (pycurl.URL, f"{origin}/"),
            (pycurl.NOSIGNAL, 1),  # libcurl's own would be the whole process's
            (pycurl.NOPROGRESS, 0),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),  # or newer
            (pycurl.CONNECTTIMEOUT_MS, round(connect_seconds * 1000)),
            (pycurl.MAXAGE_CONN, KEPT_ALIVE),
            (pycurl.PROXY, ""),  # none but what follows: libcurl would ask the environment itself
            (pycurl.NOPROXY, ""),
            (pycurl.PREREQFUNCTION, self._goes_out),
            (pycurl.SOCKOPTFUNCTION, self._opened),
            (pycurl.CLOSESOCKETFUNCTION, self._closed),
        ):
            curl.setopt(option, value)
        self._go(way)

    def _go(self, way: Way) -> None:
        curl = self._curl
        if way.proxy is not None:
            curl.setopt(pycurl.PROXY, way.proxy.url)
            if way.proxy.user or way.proxy.password:
                curl.setopt(pycurl.PROXYUSERNAME, way.proxy.user.encode())
                curl.setopt(pycurl.PROXYPASSWORD, way.proxy.password.encode())
        for file, folder in (
            (pycurl.CAINFO, pycurl.CAPATH),
            (pycurl.PROXY_CAINFO, pycurl.PROXY_CAPATH),
        ):
            curl.unsetopt(file)  # those that libcurl found by itself
            curl.unsetopt(folder)
            if way.certificates is not None:
                curl.setopt(file, way.certificates)
            elif way.folder_of_certificates is not None:
                curl.setopt(folder, way.folder_of_certificates)

    def call(
        self,
        method: str,
        target: str,
        headers: Sequence[str],
        content: bytes | None,
        listening: Listening,
    ) -> None:
        """Send a call and hear its answer to the end. `target` goes out as it is. `headers` are
        whole lines; with `content`, their length must not be among them. A list of headers must not
        be changed afterwards.

        Raises Failed, and whatever is no Exception (KeyboardInterrupt), wherever it comes. Then the
        handle is to be closed: nobody knows what it was told, or what its connection holds.
        """
        curl = self._curl
        curl.setopt(pycurl.REQUEST_TARGET, f"{self._above}{target}")
        if headers is not self._headers:  # else they are those of the call before
            curl.setopt(pycurl.HTTPHEADER, headers)
            self._headers = headers
        if content is not None:
            curl.setopt(pycurl.POSTFIELDS, content)
            curl.setopt(pycurl.CUSTOMREQUEST, method)
            self._method = None
        elif method != self._method:
            curl.setopt(pycurl.HTTPGET, 1)
            curl.setopt(pycurl.CUSTOMREQUEST, method)
            self._method = method
        curl.setopt(pycurl.XFERINFOFUNCTION, listening.goes_on)
        curl.setopt(pycurl.HEADERFUNCTION, listening.hears_head)
        curl.setopt(pycurl.WRITEFUNCTION, listening.hears_body)
        self._listening, self._had, self._is_kept = listening, None, True
        try:
            curl.perform()
        except pycurl.error as error:
            refused = curl.getinfo(pycurl.HTTP_CONNECTCODE) >= 300
            by_proxy = refused or error.args[0] == PROXY_FAILED
            raise Failed(*error.args, by_proxy=by_proxy) from None
        if self._was_unasked():
            raise Failed(pycurl.E_GOT_NOTHING, "It answered before it was asked.")

    @property
    def is_fresh(self) -> bool:
        """Whether its connection, if it has one, can be used again: whatever there is to be read
        between two calls is the end of it, or no answer to the next one. libcurl itself looks only
        where it idled for a second."""
        # Under TLS it may be read already, and held by OpenSSL: see `_was_unasked`.
        return not self._looking.poll(0)

    def cut(self) -> None:
        """End the call that is under way in another thread."""
        with self._lock:
            self._is_cut = True
            for each in self._sockets.values():
                _shut(each)

    def close(self) -> None:
        """Let go of the connection."""
        self._curl.close()
        for each in self._sockets.values():  # after KeyboardInterrupt, libcurl tells of none
            each.close()

    def _goes_out(self, *where: object) -> int:
        self._had = self._received() if self._is_kept else None
        return self._listening.goes_out(*where)

    def _was_unasked(self) -> bool:
        """Whether some of the answer was there before the call went out. OpenSSL reads ahead: what
        comes in one go with the end of an answer is out of the socket before anybody looks."""
        heads = int(self._curl.getinfo(pycurl.HEADER_SIZE))
        heard = heads + int(self._curl.getinfo(pycurl.SIZE_DOWNLOAD_T))
        before, self._heard = self._heard, self._heard + heard
        if self._had is None:
            return False
        return was_there(self._had, self._received(), answered=before, heard=heard)

    def _received(self) -> int:
        """How many bytes came over its connections so far."""
        return self._gone + sum(map(_received, self._sockets.values()))

    def _opened(self, it: int, purpose: int) -> int:
        ours = socket.socket(fileno=os.dup(it))  # asking it later takes one call to the system
        with self._lock:
            self._is_kept = False
            self._sockets[it] = ours
            self._looking.register(ours, select.POLLIN)
            if self._is_cut:
                _shut(ours)
        return GO_ON

    def _closed(self, it: int) -> int:
        with self._lock:  # its number may be another one's as soon as it is closed
            ours = self._sockets.pop(it, None)
            try:
                if ours is not None:  # else it was closed before it was told of
                    with ours:
                        self._looking.unregister(ours)
                        self._gone += _received(ours)
            finally:
                os.close(it)
        return 0


def was_there(had: int, has: int, *, answered: int, heard: int) -> bool:
    """Whether some of an answer of `heard` bytes was there before its call went out, when `had`
    bytes had been received: `answered` of them were of answers to other calls. By now it `has` that
    many. Where those were not counted (gVisor tells 0), nobody can say."""
    return had >= answered > 0 and has - had < heard


def _shut(it: socket.socket) -> None:
    """Under TLS too: no goodbye, just the end."""
    with suppress(OSError):
        it.shutdown(socket.SHUT_RDWR)


def _received(it: socket.socket) -> int:
    """How many bytes came over a socket so far; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    told = it.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, RECEIVED.size)
    return int(RECEIVED.unpack(told)[0]) if len(told) == RECEIVED.size else 0
