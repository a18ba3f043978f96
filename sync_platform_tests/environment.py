"""An installation's settings as environment variables, for what is started from the environment."""

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

from sync_platform.settings import Settings


def variables(settings: Settings) -> dict[str, str]:
    """The variables that make Settings.from_env() give the same installation."""
    assert settings.database_url is not None
    return {
        "SYNC_PLATFORM_HOME": str(settings.home),
        "SYNC_PLATFORM_DATABASE_URL": as_url(settings.database_url),
    }


def as_url(conninfo: str) -> str:
    """A url, where libpq's other form was given as well."""
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    port = parts.pop("port", None)
    host = parts.pop("host", None)
    folder = host is not None and host.startswith("/")
    url = URL.create(
        "postgresql",
        username=parts.pop("user", None),
        password=parts.pop("password", None),
        host=None if folder else host,
        port=int(port) if port else None,
        database=parts.pop("dbname", None),
        query={**parts, **({"host": str(host)} if folder else {})},
    )
    return url.render_as_string(hide_password=False)
