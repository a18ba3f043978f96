"""Runs the migrations inside a connection's transaction. The only place that loads Alembic."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def settings() -> Config:
    """Alembic's settings; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", "sync_platform.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(connection: Connection) -> None:
    """Apply what has not been applied. The schema `sync_platform` must be there."""
    config = settings()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
