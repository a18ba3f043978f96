"""Where Dagster keeps its runs and events: the platform's own Postgres, in a schema of its own.

A class instead of a url in dagster.yaml, so that plain `dagster dev` works: without a
SYNC_PLATFORM_DATABASE_URL the embedded server is started here, before anything else needs it.
"""

from typing import Any

import psycopg
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import QueuePool, event, make_url
from sqlalchemy.exc import DisconnectionError

from sync_platform.embedded import server_url
from sync_platform.settings import Settings

SCHEMA = "dagster"


class PlatformStorage(DagsterPostgresStorage):
    """Dagster's storage in schema `dagster` of the platform's database."""

    @classmethod
    def config_type(cls) -> Any:
        """It takes nothing: the address comes from the platform's settings."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "PlatformStorage":
        """Made by Dagster from dagster.yaml."""
        settings = Settings.from_env()
        url = server_url(settings.database_url, settings.home)
        with psycopg.connect(libpq(url), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        return cls(postgres_url=storage_url(url), inst_data=inst_data)


@event.listens_for(QueuePool, "checkout")
def replace_if_dead(connection: Any, record: object, proxy: object) -> None:
    """The webserver keeps its connections, but does not look whether they still live: after a
    restart of Postgres its next answer would be an error."""
    if type(connection).__module__.startswith("psycopg2"):  # Dagster speaks no other
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except connection.Error as error:
            raise DisconnectionError from error  # to the pool, which opens another


def libpq(url: str) -> str:
    """The url without SQLAlchemy's name of a driver."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def storage_url(url: str) -> str:
    """The same database for SQLAlchemy and psycopg 2, in Dagster's schema.

    Dagster speaks psycopg 2 only; a bare postgresql:// would mean psycopg 3 to SQLAlchemy 2.1.
    """
    return (
        make_url(url)
        .set(drivername="postgresql+psycopg2")
        .update_query_dict({"options": f"-csearch_path={SCHEMA}"})
        .render_as_string(hide_password=False)
    )
