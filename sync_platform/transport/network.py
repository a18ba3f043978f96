"""How a line reaches its vendor: through the proxy that the environment names, or straight, and
trusting the certificates that it names."""

import socket
import ssl
from collections.abc import Callable
from functools import cache
from importlib import import_module
from os import environ
from typing import Any

import certifi
import httpcore

from sync_platform.transport.url import Url, is_loopback

KEPT_ALIVE = 30.0  # seconds that a connection is kept that nobody uses


class _Stream(httpcore.NetworkStream):
    """A connection that tells when an answer begins to be waited for."""

    def __init__(self, stream: httpcore.NetworkStream, network: "Network") -> None:
        self._stream, self._network = stream, network
        self._asked = False
        network.opened(stream.get_extra_info("socket"))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._asked:
            self._asked = False
            self._network.sent()
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)
        self._asked = True

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(stream, self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Network(httpcore.SyncBackend):
    """Opens connections; `opened` is told of their sockets, `sent` is called whenever a call has
    gone out."""

    def __init__(self, opened: Callable[[socket.socket], None], sent: Callable[[], None]) -> None:
        self.opened, self.sent = opened, sent

    def connect_tcp(self, *given: Any, **named: Any) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(*given, **named), self)


def pool_to(to: Url, network: httpcore.NetworkBackend) -> httpcore.ConnectionPool:
    """Kept-alive connections to the origin of this url; raises ImportError, OSError or ValueError
    where the environment names a proxy or certificates that cannot be used."""
    proxy = proxy_to(to)
    return httpcore.ConnectionPool(
        ssl_context=tls(),
        proxy=_taken_apart(proxy) if proxy else None,
        max_connections=100,
        max_keepalive_connections=20,
        keepalive_expiry=KEPT_ALIVE,
        network_backend=network,
    )


def proxy_to(to: Url) -> str | None:
    """The proxy that the environment names for calls there; never between us and ourselves."""
    if is_loopback(to.host):
        return None
    from urllib.request import getproxies, proxy_bypass  # brings a whole client along

    named = getproxies()
    if "*" in (each.strip() for each in named.get("no", "").split(",")):
        return None
    # The host alone, too: NO_PROXY may hold an IPv6 address without the brackets of a url.
    if proxy_bypass(to.netloc) or proxy_bypass(to.host):
        return None
    found = named.get(to.scheme) or named.get("all")
    return f"http://{found}" if found and "://" not in found else found


def _taken_apart(proxy: str) -> httpcore.Proxy:
    import httpx  # few need it, and its import takes as long as a quick call

    try:
        found = httpx.Proxy(proxy)
    except httpx.InvalidURL:
        raise ValueError("it is no URL") from None
    if found.url.scheme.startswith("socks"):
        import_module("socksio")  # without it, only the first call would fail
    url = found.url
    return httpcore.Proxy(
        url=httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        ),
        auth=found.raw_auth,
        headers=found.headers.raw,
    )


@cache
def tls() -> ssl.SSLContext:
    """One for all lines of the process: reading the certificates takes longer than a call."""
    if file := environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(cafile=file)
    if folder := environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(capath=folder)
    return ssl.create_default_context(cafile=certifi.where())
