"""An open line to one vendor: sends a request, brings the whole answer, within bounds.

It can be closed by another thread, which ends a call that is under way. It speaks through libcurl:
of what is written in Python, sending a call and taking its answer apart took longer than decoding
what it holds, and whatever else was to be done had to wait meanwhile.
"""

import re
import threading
from collections.abc import Callable, Mapping
from functools import cached_property

import pycurl

from sync_platform import __version__
from sync_platform.errors import ConfigurationError
from sync_platform.transport.call import (
    Answer,
    Lost,
    Timeouts,
    UnderWay,
    Unsendable,
    broken_off,
)
from sync_platform.transport.handle import Failed, Handle
from sync_platform.transport.network import Way, way_to
from sync_platform.transport.sign import Proof
from sync_platform.transport.url import Url

HEADERS = {  # of all calls that have no others; names in lower case, so that none is sent twice
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": f"sync-platform/{__version__}",
}
WITH_A_BODY = ("POST", "PUT", "PATCH")
OF_A_BODY = ("expect", "content-type")  # what libcurl adds by itself where nobody does
SENDABLE = re.compile(  # RFC 9110, 5.1 and 5.5: a token, and what can be seen
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:[!-~](?:[\t -~]*[!-~])?)?"
)
TARGET = re.compile("/[!-~]*")


class Line:
    """Kept-alive connections to one origin, as many as there are calls at a time."""

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
        `sent` is called whenever a call goes out and its answer is waited for."""
        self._timeouts, self._largest, self._to, self._sent = timeouts, largest, to, sent
        self._lock = threading.Lock()
        self._idle: list[Handle] = []
        self._busy: set[Handle] = set()
        self._last: tuple[dict[str, str], bool, list[str]] | None = None  # headers, as lines
        self.closed = threading.Event()
        self.calls = 0
        self.bytes = 0

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
        given = HEADERS | dict(headers)
        if proof is not None:
            target = proof.sign(given, target)
        if content is None and method in WITH_A_BODY:
            content = b""
        if not TARGET.fullmatch(target):
            raise Unsendable
        lines = self._lines(given, has_body=content is not None)
        call = UnderWay(self._timeouts, self._largest, sent=self._sent, closed=self.closed.is_set)
        handle, failed, is_sound = self._taken(), None, False
        try:
            handle.call(method, target, lines, content, call)
            is_sound = not call.leaves_more
        except Failed as error:
            failed = error
        finally:
            self._left(handle, call.size, is_sound=is_sound)
        if failed is not None and not call.is_enough:
            raise _meant(call, failed)
        return call.answer()

    def close(self) -> None:
        """Let go of all connections; a call under way in another thread raises Lost."""
        with self._lock:
            self.closed.set()
            idle, self._idle = self._idle, []
            for handle in self._busy:
                handle.cut()  # the thread that calls with it closes it
        for handle in idle:
            handle.close()

    @cached_property
    def _way(self) -> Way:
        try:
            return way_to(self._to)
        except (ImportError, ValueError) as error:
            raise _unusable(type(error).__name__) from None  # its words may hold a password

    def _lines(self, headers: dict[str, str], *, has_body: bool) -> list[str]:
        """As libcurl takes them; the same list where they are those of the call before."""
        last = self._last
        if last is None or last[:2] != (headers, has_body):
            self._last = last = headers, has_body, _lines(headers, has_body=has_body)
        return last[2]

    def _taken(self) -> Handle:
        with self._lock:
            if self.closed.is_set():
                raise Lost("was not called, because the sync ended", reached=False)
            self.calls += 1
            while self._idle and not self._idle[-1].is_fresh:
                self._idle.pop().close()
            if not self._idle:
                connect = self._timeouts.connect
                self._idle.append(Handle(self._to.origin, self._way, connect_seconds=connect))
            handle = self._idle.pop()
            self._busy.add(handle)
            return handle

    def _left(self, handle: Handle, size: int, *, is_sound: bool) -> None:
        with self._lock:
            self.bytes += size
            self._busy.discard(handle)
            if is_sound and not self.closed.is_set():
                self._idle.append(handle)
                return
        handle.close()


def _lines(headers: Mapping[str, str], *, has_body: bool) -> list[str]:
    """The headers as libcurl takes them; raises Unsendable."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if not all(map(SENDABLE.fullmatch, lines)):
        raise Unsendable
    lines = [line if line[-1] != " " else f"{line[:-2]};" for line in lines]  # without a value
    if has_body:
        lines += [f"{name}:" for name in OF_A_BODY if name not in headers]
    return lines


def _meant(call: UnderWay, failed: Failed) -> Exception:
    """What it means that a call has no answer."""
    if call.why is not None:
        return call.why
    if failed.number == pycurl.E_URL_MALFORMAT:
        return Unsendable()
    if failed.number == pycurl.E_SSL_CACERT_BADFILE:
        return _unusable("certificates that cannot be read")
    if call.is_out:
        return broken_off(str(failed))
    if failed.by_proxy:
        refused = "could not be reached: the proxy that the environment names refused"
        lost = Lost(refused, reached=False)
    else:
        lost = Lost("could not be reached", reached=False)
    lost.__cause__ = ConnectionError(str(failed))
    return lost


def _unusable(why: str) -> ConfigurationError:
    return ConfigurationError(
        "The proxy or the certificates that the environment names (HTTPS_PROXY, HTTP_PROXY, "
        f"ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR) cannot be used: {why}. Mend these variables and "
        "start again."
    )
