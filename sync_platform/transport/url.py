"""Addresses of calls, taken apart.

Most are plain and seen through at a glance; httpx, whose import takes as long as a quick call, is
asked about all others: names in other scripts, IPv6, what must be quoted, dots in a path.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

PORTS = {"http": 80, "https": 443}
QUOTED = r"%[0-9A-F]{2}"
PLAIN = re.compile(  # what httpx would leave as it is
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    rf"(?P<path>(?:/(?:[A-Za-z0-9_~:@=-]|{QUOTED})(?:[A-Za-z0-9_.~:@=-]|{QUOTED})*)*/?)"
    rf"(?P<query>\?(?:[A-Za-z0-9_.~+&=-]|{QUOTED})+)?"
)


@dataclass(frozen=True, kw_only=True)
class Url:
    """Where a call goes, as it goes over the wire: in ASCII, quoted, the host in small letters."""

    scheme: str
    host: str  # an IPv6 address is without its brackets
    port: int | None  # None: the scheme's own
    target: str  # the path, and the query if there is one

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"

    @property
    def netloc(self) -> str:
        """The host, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """What a browser calls so: all but the target."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target without its path."""
        return self.target.partition("?")[2]

    def with_query(self, query: str) -> "Url":
        """The same with a query, which is quoted already, where it has none."""
        target = f"{self.target}?{query}"
        return Url(scheme=self.scheme, host=self.host, port=self.port, target=target)

    def joined(self, location: str) -> "Url":
        """Where a redirect leads from here; raises ValueError where that is no URL."""
        httpx = _httpx()
        try:
            return _from(httpx.URL(str(self)).join(location))
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from error


def parsed(text: str, params: Mapping[str, Any] | None = None) -> Url:
    """The address that a text names, without its user and its fragment; `params` are set in its
    query. Raises ValueError where it is no URL; it may have any scheme, and no host."""
    if not params and (plain := PLAIN.fullmatch(text)):
        scheme, host, port, path, query = plain.groups()
        number = int(port) if port else None
        if (host.rpartition(".")[2].isalpha() or host == "127.0.0.1") and (number or 0) < 2**16:
            return Url(
                scheme=scheme,
                host=host,
                port=None if number == PORTS[scheme] else number,
                target=f"{path or '/'}{query or ''}",
            )
    httpx = _httpx()
    try:
        url = httpx.URL(text)
        return _from(url.copy_merge_params(params) if params else url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from error


def is_bare(text: str) -> bool:
    """Whether a URL names no user, query or fragment. Raises ValueError where it is no URL."""
    if PLAIN.fullmatch(text):
        return "?" not in text
    httpx = _httpx()
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from error
    return not (url.userinfo or url.query or url.fragment)


def is_loopback(host: str) -> bool:
    """Whether it is this very machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _from(url: "httpx.URL") -> Url:
    return Url(
        scheme=url.scheme,
        host=url.raw_host.decode("ascii"),
        port=None if url.port == PORTS.get(url.scheme) else url.port,
        target=url.raw_path.decode("ascii"),
    )


def _httpx() -> Any:
    import httpx

    return httpx
