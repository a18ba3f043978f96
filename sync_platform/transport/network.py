"""How a line reaches its vendor: through the proxy that the environment names, or straight, and
trusting the certificates that it names."""

from dataclasses import dataclass
from os import environ

from sync_platform.transport.url import Url, is_loopback


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """Who passes calls on."""

    url: str  # without its sign-in
    user: str = ""
    password: str = ""


@dataclass(frozen=True, kw_only=True)
class Way:
    """How calls get to one origin. Of what vouches for it, a file or a folder of certificates is
    given; neither, where nothing is encrypted."""

    proxy: Proxy | None = None
    certificates: str | None = None
    folder_of_certificates: str | None = None


def way_to(to: Url) -> Way:
    """Of the environment; raises ValueError where that names a proxy that cannot be used."""
    named = proxy_to(to)
    proxy = _taken_apart(named) if named else None
    if to.scheme != "https" and not (proxy and proxy.url.startswith("https:")):
        return Way(proxy=proxy)
    if file := environ.get("SSL_CERT_FILE"):
        return Way(proxy=proxy, certificates=file)
    if folder := environ.get("SSL_CERT_DIR"):
        return Way(proxy=proxy, folder_of_certificates=folder)
    import certifi  # not of who calls this very machine

    return Way(proxy=proxy, certificates=certifi.where())


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


def _taken_apart(proxy: str) -> Proxy:
    import httpx  # few need it, and its import takes as long as a quick call

    try:
        found = httpx.Proxy(proxy)
    except httpx.InvalidURL:
        raise ValueError("it is no URL") from None
    # Names are looked up by the proxy: within its network it may be the only one that can.
    scheme = "socks5h" if found.url.scheme == "socks5" else found.url.scheme
    user, password = found.auth or ("", "")
    if "\0" in f"{user}{password}":
        raise ValueError("no user or password holds NUL")
    return Proxy(url=f"{scheme}://{found.url.netloc.decode('ascii')}", user=user, password=password)
