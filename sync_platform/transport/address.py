"""Where calls go: to the connection's own origin, encrypted, with every filled-in part quoted.

Without encryption only this very machine is called, and the hosts that SYNC_PLATFORM_ALLOW_HTTP
names: `allow_http` holds them as that setting reads them ("erp.internal", "10.0.0.5:8080").
"""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlencode

from sync_platform.errors import ConfigurationError, Refused, UnexpectedResponse
from sync_platform.spec import iso
from sync_platform.transport.url import Url, is_bare, is_loopback, parsed

ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//|\\", re.IGNORECASE)
SLOT = re.compile(r"\{(\w+)\}")


def is_safe(url: Url, allow_http: Collection[str]) -> bool:
    """Whether nobody on the way can read what is sent there, or the way is said to be trusted."""
    if url.scheme == "https":
        return True
    allowed = is_loopback(url.host) or not listed_as(url).isdisjoint(allow_http)
    return url.scheme == "http" and allowed


def listed_as(url: Url) -> set[str]:
    """The entries of the setting that would allow it: its host, and its host with the port."""
    host = url.host
    try:
        address = ip_address(host)
        host = f"[{address}]" if address.version == 6 else str(address)
    except ValueError:
        pass  # a name
    return {host, f"{host}:{url.port or 80}"}


def unsafe(url: Url) -> str:
    """Why such an address is not called, and what to do; a sentence and more, without a query."""
    host, with_port = sorted(listed_as(url), key=len)
    shown = host if url.port is None else with_port
    return (
        f"http://{shown} is not encrypted, so anyone on the way could read the sign-in. Use "
        f"https://; or, where that way is trusted, add {shown} to SYNC_PLATFORM_ALLOW_HTTP and "
        "restart what runs."
    )


class Address:
    """The base url of a connection; raises ConfigurationError where it cannot be called safely."""

    def __init__(
        self, base_url: str, *, label: str, connection: str, allow_http: Collection[str] = ()
    ) -> None:
        self._label, self._connection = label, connection
        try:
            self._text = base_url.rstrip("/")
            self._base, bare = parsed(self._text), is_bare(self._text)
        except ValueError as error:
            raise self._unusable("it is no URL. Mend its base url.") from error
        if self._base.scheme not in ("http", "https") or not self._base.host:
            raise self._unusable("it must start with https:// and name a host. Mend its base url.")
        if not bare:
            raise self._unusable(
                "it must end with its path and hold no user, '?' or '#'. Mend its base url."
            )
        if not is_safe(self._base, allow_http):
            raise self._unusable(unsafe(self._base))
        self._above = self._base.path.rstrip("/")
        self._bare: tuple[str, Url] | None = None  # the address that was last asked for, parsed

    @property
    def base(self) -> Url:
        """The base url itself."""
        return self._base

    def of(self, path: str, params: Mapping[str, Any], values: Mapping[str, Any]) -> Url:
        """The url of a path under the base, or of a link that the vendor gave, with its params.

        "{name}" in a path becomes that value, quoted. A param that is None is left out, a list is
        repeated. Raises Refused, ConfigurationError, or UnexpectedResponse for a foreign link.
        """
        try:
            return self._joined(path, params, values)
        except UnicodeEncodeError as error:
            raise Refused(
                f"A value cannot be sent to {self._label}, because it holds half of a character. "
                "Nothing was called."
            ) from error

    def _joined(self, path: str, params: Mapping[str, Any], values: Mapping[str, Any]) -> Url:
        if ABSOLUTE.match(path):
            text = path
        else:
            filled = SLOT.sub(lambda slot: self._filled(slot[1], values), path)
            text = f"{self._text}/{filled.lstrip('/')}"
        texts = {name: _texts(value) for name, value in params.items() if value is not None}
        try:
            if "?" in text or "#" in text:
                return self.own(parsed(text, texts))
            bare = self._bare
            if bare is None or bare[0] != text:  # else it is the page before's
                self._bare = bare = text, self.own(parsed(text))
            return bare[1].with_query(urlencode(texts, doseq=True)) if texts else bare[1]
        except UnicodeEncodeError:
            raise
        except ValueError as error:
            raise UnexpectedResponse(
                f"The address of the next call to {self._label} is no URL; nothing was called."
            ) from error

    def redirected(self, url: Url, location: str) -> Url:
        """Where a redirect leads; raises UnexpectedResponse where that is elsewhere."""
        try:
            return self.own(url.joined(location))
        except ValueError as error:
            raise UnexpectedResponse(f"{self._label} redirects to what is no URL.") from error

    def own(self, url: Url) -> Url:
        """The url, if it has the base's origin; raises UnexpectedResponse."""
        base = self._base
        if (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port):
            return url
        raise UnexpectedResponse(
            f"{self._label} points to another host ({url.origin}) than {self._connection} signs in "
            f"to ({self._base.origin}). It was not called, so that the sign-in of one is not given "
            "to the other."
        )

    def path_of(self, url: Url) -> str:
        """The path below the base, without a query, as connectors write it."""
        path = url.path
        return path.removeprefix(self._above) if path.startswith(f"{self._above}/") else path

    def plain(self, url: Url) -> str:
        """The url as it may be shown: without query and user."""
        return f"{url.origin}{url.path}"

    def _filled(self, name: str, values: Mapping[str, Any]) -> str:
        value = values.get(name)
        if value is None and name != "key":
            raise ConfigurationError(
                f"{self._connection} lacks the setting {name!r}, which {self._label} needs."
            )
        text = "" if value is None else str(value)
        if text.strip() in ("", ".", ".."):  # would name another resource, such as the whole list
            raise Refused(
                f"{text!r} cannot be the {name} in a call to {self._label}, so nothing was done."
            )
        return quote(text, safe="")

    def _unusable(self, why: str) -> ConfigurationError:
        return ConfigurationError(f"The address of {self._connection} cannot be used: {why}")


def _texts(value: Any) -> str | list[str]:
    if isinstance(value, list | tuple | set | frozenset):
        return [_text(each) for each in value if each is not None]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return iso(value) if isinstance(value, datetime) else str(value)
