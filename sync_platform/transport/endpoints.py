"""Where signing in at a vendor goes: the addresses of its endpoints, as one account has them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from sync_platform.errors import ConfigurationError
from sync_platform.spec.auth import Url
from sync_platform.transport.address import Address


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The endpoints of one account, and what messages call the vendor and the connection.

    With `base_url` its origin takes the place of the vendor's. `allow_http` names the hosts that
    may be called without encryption (see `address`).
    """

    label: str = "The vendor"
    connector: str | None = None
    connection: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    allow_http: Collection[str] = ()

    def of(self, given: Url) -> str:
        """The address of an endpoint.

        Raises ConfigurationError where it may not be called without encryption, or a setting is
        missing or has a value that the connector knows no address for.
        """
        try:
            url = given(self.settings) if callable(given) else given
        except KeyError as missing:
            what = missing.args[0]
            if what in self.settings.values():
                raise ConfigurationError(
                    f"{self.label} told {what!r}, for which its connector knows no address, so "
                    "nothing was sent. Begin again; if it stays so, the connector must be mended."
                ) from None
            raise ConfigurationError(
                f"{self.label} needs the setting {what!r} to sign in."
            ) from None
        parts = urlsplit(url)
        if self.base_url is not None:
            origin = urlsplit(self.base_url)
            parts = parts._replace(scheme=origin.scheme, netloc=origin.netloc)
        Address(
            f"{parts.scheme}://{parts.netloc}",
            label=self.label,
            connection=self.connection or f"{self.label}'s sign-in",
            allow_http=self.allow_http,
        )
        return urlunsplit(parts)

    @property
    def reconnect(self) -> str:
        """What to do about a sign-in that has ended."""
        return f"Reconnect {self.connection}." if self.connection else "Sign in again."

    @property
    def client(self) -> str:
        """Where our app's id and secret are set."""
        if not self.connector:
            return "the client id and secret of our app"
        setting = f"SYNC_PLATFORM_OAUTH_{self.connector.upper()}_CLIENT"
        return f"{setting}_ID and {setting}_SECRET (or `sync-platform oauth-client`)"
