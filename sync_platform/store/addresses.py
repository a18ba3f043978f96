"""The address of a Postgres, as libpq wants it."""

from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sync_platform.errors import ConfigurationError

SESSION = {
    "timezone": "UTC",
    # The server finds out within a minute or so that our machine is gone, and frees what it locked;
    # by itself it would after two hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
# The client finds a dead server within a minute or so, where the url says nothing else.
KEEPALIVES = {"keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10",
              "keepalives_count": "3"}  # fmt: skip
DEFAULTS = {"application_name": "sync_platform", "connect_timeout": "10"}


def parameters(url: str) -> dict[str, Any]:
    """The libpq parameters of a url (postgresql://, postgres://, postgresql+psycopg://) or of a
    libpq string (`host=… dbname=…`). Raises ConfigurationError, which does not show it."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "postgresql+psycopg":
        url = f"postgresql://{rest}"
    try:
        found = conninfo_to_dict(url)
    except ProgrammingError:
        # Neither libpq's words nor the error are passed on: they may quote the password.
        raise ConfigurationError(
            "The database's url cannot be read (it is not shown, because it may hold a password). "
            "Write postgresql://user:password@host:5432/database; characters such as @ / : # in "
            "the password must be written as %40 %2F %3A %23."
        ) from None
    return {name: value for name, value in found.items() if value not in (None, "")}


def conninfo(url: str, session: dict[str, str] | None = None, **defaults: str) -> str:
    """The libpq string for our sessions: UTC, our name, a bounded wait for the connection.

    `session` are settings of the session; `defaults` are libpq parameters, where the url is silent.
    """
    given = DEFAULTS | defaults | parameters(url)
    wanted = " ".join(f"-c {name}={value}" for name, value in (SESSION | (session or {})).items())
    given["options"] = f"{given.get('options', '')} {wanted}".strip()
    return make_conninfo("", **given)


def described(url: str) -> str:
    """Which database it is, for messages: without user and password."""
    given = parameters(url)
    host = given.get("host") or given.get("hostaddr") or "the local socket"
    port = f":{given['port']}" if "port" in given else ""
    return f"{given.get('dbname', 'the default database')!r} at {host}{port}"


def without_password(text: str, url: str) -> str:
    """The text, with the password blotted out should it be in there."""
    password = str(parameters(url).get("password", ""))
    return text.replace(password, "…") if len(password) > 3 else text
