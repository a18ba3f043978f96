"""What an installation may set, all by environment variables; read once, where a process starts."""

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeVar, get_args
from urllib.parse import urlsplit

from sync_platform.errors import ConfigurationError

Grain = Literal["day", "week", "month"]
HOST = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?)(:(?P<port>\d{1,5}))?", re.ASCII
)
SWITCHES = ("true", "yes", "on", "all")  # no hosts: someone takes the list for a switch
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """An installation's settings. Its repr holds neither passwords nor keys.

    | variable | means | default |
    | --- | --- | --- |
    | SYNC_PLATFORM_HOME | the folder of the key file and the embedded Postgres | `.sync_platform` |
    | SYNC_PLATFORM_DATABASE_URL | the Postgres to use, `postgresql://…` | an embedded one |
    | SYNC_PLATFORM_KEYS | Fernet keys, newest first, ',' between | the file `keys` in home |
    | SYNC_PLATFORM_CONNECTORS | folders with connectors of your own, ':' between | none |
    | SYNC_PLATFORM_FIRST_DAY | the first day that can be backfilled | 2024-01-01 |
    | SYNC_PLATFORM_PARTITION_GRAIN | `day`, `week` or `month` | `day` |
    | SYNC_PLATFORM_FULL_SYNC_HOUR | the hour (UTC) of the daily full syncs, 0 to 23 | 2 |
    | SYNC_PLATFORM_MAX_DELETE_SHARE | the share a full sync may mark deleted, 0 to 1 | 0.5 |
    | SYNC_PLATFORM_PRUNE_RUNS_AFTER | days that Dagster's old runs are kept, or `never` | 7 |
    | SYNC_PLATFORM_PUBLIC_URL | where people reach the web pages | http://127.0.0.1:8000 |
    | SYNC_PLATFORM_DAGSTER_URL | where people reach Dagster's webserver | http://127.0.0.1:3000 |
    | SYNC_PLATFORM_DAGSTER_INTERNAL_URL | where the platform itself does | the same |
    | SYNC_PLATFORM_ALLOW_HTTP | hosts to call without encryption, ',' between | none |
    | SYNC_PLATFORM_OAUTH_<CONNECTOR>_CLIENT_ID | our OAuth client at that vendor | the store's |
    | SYNC_PLATFORM_OAUTH_<CONNECTOR>_CLIENT_SECRET | its secret | the store's |
    | SYNC_PLATFORM_OIDC_ISSUER | an OpenID provider for people to sign in with | none |
    | SYNC_PLATFORM_OIDC_CLIENT_ID | our client there | none |
    | SYNC_PLATFORM_OIDC_CLIENT_SECRET | its secret | none |
    | SYNC_PLATFORM_OIDC_ALLOWED_DOMAINS | of e-mail addresses to let in, ',' between | none |
    | SYNC_PLATFORM_OIDC_ADMINS | e-mail addresses to let in as admins, ',' between | none |
    """

    home: Path
    database_url: str | None = field(default=None, repr=False)  # postgresql://…; None: embedded
    keys: tuple[str, ...] | None = field(default=None, repr=False)  # None: the file home/keys
    connector_folders: tuple[Path, ...] = ()
    first_day: date = date(2024, 1, 1)
    grain: Grain = "day"
    full_sync_hour: int = 2
    delete_share: float = 0.5
    prune_runs_after: int | None = 7  # days; None: never
    public_url: str = "http://127.0.0.1:8000"  # an origin: no path, no slash at its end
    dagster_url: str = "http://127.0.0.1:3000"  # may have a path; no slash at its end
    dagster_internal_url: str | None = None  # None: dagster_url
    allow_http: frozenset[str] = frozenset()  # "host" for all its ports, "host:port", "[fd00::5]"
    oauth_clients: Mapping[str, tuple[str, str]] = field(  # connector: client id and secret
        default_factory=dict, repr=False
    )
    openid_issuer: str | None = None  # None: people sign in with passwords only
    openid_client_id: str | None = None
    openid_client_secret: str | None = field(default=None, repr=False)
    openid_domains: tuple[str, ...] = ()  # small letters
    openid_admins: tuple[str, ...] = ()  # small letters

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """The settings that these variables give; an empty one counts as not set.

        Raises ConfigurationError, naming the variable, its value (where it is no secret) and what
        is allowed.
        """

        def read(name: str, parse: Callable[[str], T], default: T) -> T:
            value = environ.get(f"SYNC_PLATFORM_{name}", "").strip()
            return parse(value) if value else default

        allow_http = read("ALLOW_HTTP", _hosts, cls.allow_http)
        internal_url = read("DAGSTER_INTERNAL_URL", partial(_url, "DAGSTER_INTERNAL_URL"), None)
        issuer = read("OIDC_ISSUER", partial(_issuer, allow_http=allow_http), None)
        client = read("OIDC_CLIENT_ID", str, None)
        if (issuer is None) != (client is None):
            raise ConfigurationError(
                "Of SYNC_PLATFORM_OIDC_ISSUER and SYNC_PLATFORM_OIDC_CLIENT_ID only one is set; "
                "people sign in through the provider only with both."
            )
        return cls(
            home=read("HOME", _folder, _folder(".sync_platform")),
            database_url=read("DATABASE_URL", _database_url, None),
            keys=read("KEYS", _keys, None),
            connector_folders=read("CONNECTORS", _folders, ()),
            first_day=read("FIRST_DAY", _first_day, cls.first_day),
            grain=read("PARTITION_GRAIN", _grain, cls.grain),
            full_sync_hour=read("FULL_SYNC_HOUR", _hour, cls.full_sync_hour),
            delete_share=read("MAX_DELETE_SHARE", _share, cls.delete_share),
            prune_runs_after=read("PRUNE_RUNS_AFTER", _days, cls.prune_runs_after),
            public_url=read("PUBLIC_URL", _public_url, cls.public_url),
            dagster_url=read("DAGSTER_URL", partial(_url, "DAGSTER_URL"), cls.dagster_url),
            dagster_internal_url=internal_url,
            allow_http=allow_http,
            oauth_clients=_oauth_clients(environ),
            openid_issuer=issuer,
            openid_client_id=client,
            openid_client_secret=read("OIDC_CLIENT_SECRET", str, None),
            openid_domains=read("OIDC_ALLOWED_DOMAINS", _small_names, ()),
            openid_admins=read("OIDC_ADMINS", _small_names, ()),
        )


def _refused(name: str, value: str, allowed: str) -> ConfigurationError:
    return ConfigurationError(f"SYNC_PLATFORM_{name} is {value!r}; {allowed}")


def _folder(value: str) -> Path:
    return Path(value).expanduser().absolute()


def _folders(value: str) -> tuple[Path, ...]:
    return tuple(_folder(part.strip()) for part in value.split(":") if part.strip())


def _database_url(value: str) -> str:
    """The url with the scheme that libpq knows."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        raise ConfigurationError(
            "SYNC_PLATFORM_DATABASE_URL is not a url (it is not shown, because it may hold a "
            "password); write postgresql://user:password@host:5432/database."
        )
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise _refused(
            "DATABASE_URL",
            f"{scheme}://…",
            "the database must be Postgres: write postgresql://user:password@host:5432/database.",
        )
    return f"postgresql://{rest}"


def _keys(value: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    wrong = [place for place, key in enumerate(keys, start=1) if not is_key(key)]
    if wrong or not keys:
        which = f"key {wrong[0]} of {len(keys)}" if wrong else "the list"
        raise ConfigurationError(
            f"SYNC_PLATFORM_KEYS: {which} is not a Fernet key (32 bytes in url-safe base64, 44 "
            "characters). Write them newest first, with commas between; make one with: python -c "
            "'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        )
    return keys


def is_key(text: str) -> bool:
    """Whether this can be a Fernet key."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}=", text):
        return False
    try:
        return len(base64.urlsafe_b64decode(text)) == 32
    except binascii.Error:
        return False


def _first_day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise _refused("FIRST_DAY", value, "write a date such as 2024-01-31.") from None


def _grain(value: str) -> Grain:
    for grain in get_args(Grain):
        if value == grain:
            return grain  # type: ignore[no-any-return]
    raise _refused("PARTITION_GRAIN", value, "it must be day, week or month.")


def _hour(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", value) or int(value) > 23:
        raise _refused("FULL_SYNC_HOUR", value, "it must be a whole hour from 0 to 23 (UTC).")
    return int(value)


def _share(value: str) -> float:
    allowed = "it must be a share from 0 to 1, such as 0.5."
    try:
        share = float(value)
    except ValueError:
        raise _refused("MAX_DELETE_SHARE", value, allowed) from None
    if not 0 <= share <= 1:
        raise _refused("MAX_DELETE_SHARE", value, allowed)
    return share


def _days(value: str) -> int | None:
    """A number of days; None where it says that they never pass."""
    if value in ("never", "0"):
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,3}", value):
        allowed = "it must be a whole number of days from 1 to 9999, or never."
        raise _refused("PRUNE_RUNS_AFTER", value, allowed)
    return int(value)


def _oauth_clients(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Id and secret by connector; raises ConfigurationError where one is without the other."""
    parts: dict[str, dict[str, str]] = {}
    for name, value in environ.items():
        told = re.fullmatch(r"SYNC_PLATFORM_OAUTH_([A-Z0-9_]+)_CLIENT_(ID|SECRET)", name)
        if told and value.strip():
            parts.setdefault(told[1], {})[told[2]] = value.strip()
    for connector, known in parts.items():
        for part, other in (("ID", "SECRET"), ("SECRET", "ID")):
            if part not in known:
                prefix = f"SYNC_PLATFORM_OAUTH_{connector}_CLIENT"
                raise ConfigurationError(f"{prefix}_{other} is set, but {prefix}_{part} is not.")
    return {name.lower(): (known["ID"], known["SECRET"]) for name, known in parts.items()}


def _url(name: str, value: str) -> str:
    """An http(s) address without a slash at its end."""
    parts = urlsplit(value)
    try:
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number
        right = False
    if not right or parts.username or parts.query or parts.fragment:
        raise ConfigurationError(
            f"SYNC_PLATFORM_{name} is not the address of a website (it is not shown: it may hold a "
            "password). Write https://sync.example.com, or http://127.0.0.1:8000."
        )
    return value.rstrip("/")


def _public_url(value: str) -> str:
    url = _url("PUBLIC_URL", value)
    if urlsplit(url).path:
        raise _refused("PUBLIC_URL", url, "it must be without a path: https://sync.example.com.")
    return url.lower()


def _hosts(value: str) -> frozenset[str]:
    """Hosts as a url of them would say it, each with its port where one is given."""
    return frozenset(_host(part.strip().lower()) for part in value.split(",") if part.strip())


def _host(part: str) -> str:
    told = HOST.fullmatch(part)
    try:
        if told is None or part in SWITCHES or not 0 < int(told["port"] or 80) < 65536:
            raise ValueError
        host = _as_in_urls(told["host"])
        return host if told["port"] is None else f"{host}:{int(told['port'])}"
    except ValueError:
        raise _refused(
            "ALLOW_HTTP",
            part.rpartition("@")[2],  # what is before may be a password
            "write hosts with ',' between, each with a port where only that one is meant: "
            "erp.internal,10.0.0.5:8080,[fd00::5]. No http://, user or path, and no * for all.",
        ) from None


def _as_in_urls(host: str) -> str:
    """A name as it is, an address in its shortest form; raises ValueError for what is neither."""
    if not re.fullmatch(r"[\d.]+|.*:.*", host):
        return host
    address = ip_address(host.strip("[]"))
    return f"[{address}]" if address.version == 6 else str(address)


def _issuer(value: str, allow_http: frozenset[str]) -> str:
    url = _url("OIDC_ISSUER", value)
    parts = urlsplit(url)
    try:
        host = _as_in_urls(parts.hostname or "")
    except ValueError:
        raise _refused("OIDC_ISSUER", url, "its host is neither a name nor an address.") from None
    safe = {*allow_http, "127.0.0.1", "localhost", "[::1]"}
    if parts.scheme == "http" and safe.isdisjoint({host, f"{host}:{parts.port or 80}"}):
        entry = host if parts.port is None else f"{host}:{parts.port}"
        raise _refused(
            "OIDC_ISSUER",
            url,
            "a sign-in provider must be reached by https. Where the way to it is trusted, add "
            f"{entry} to SYNC_PLATFORM_ALLOW_HTTP.",
        )
    return value  # to the letter: with the slash at its end, where it has one


def _small_names(value: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in value.split(",") if part.strip())
