"""What an installation may set, all by environment variables; read once, where a process starts."""

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, TypeVar, get_args

from sync_platform.errors import ConfigurationError

Grain = Literal["day", "week", "month"]
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
    """

    home: Path
    database_url: str | None = field(default=None, repr=False)  # postgresql://…; None: embedded
    keys: tuple[str, ...] | None = field(default=None, repr=False)  # None: the file home/keys
    connector_folders: tuple[Path, ...] = ()
    first_day: date = date(2024, 1, 1)
    grain: Grain = "day"
    full_sync_hour: int = 2
    delete_share: float = 0.5

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """The settings that these variables give; an empty one counts as not set.

        Raises ConfigurationError, naming the variable, its value (where it is no secret) and what
        is allowed.
        """

        def read(name: str, parse: Callable[[str], T], default: T) -> T:
            value = environ.get(f"SYNC_PLATFORM_{name}", "").strip()
            return parse(value) if value else default

        return cls(
            home=read("HOME", _folder, _folder(".sync_platform")),
            database_url=read("DATABASE_URL", _database_url, None),
            keys=read("KEYS", _keys, None),
            connector_folders=read("CONNECTORS", _folders, ()),
            first_day=read("FIRST_DAY", _first_day, cls.first_day),
            grain=read("PARTITION_GRAIN", _grain, cls.grain),
            full_sync_hour=read("FULL_SYNC_HOUR", _hour, cls.full_sync_hour),
            delete_share=read("MAX_DELETE_SHARE", _share, cls.delete_share),
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
