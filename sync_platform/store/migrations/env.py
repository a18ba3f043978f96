"""Alembic runs this: the migrations, on the connection that `run.upgrade` opened."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="alembic_version",
    version_table_schema="sync_platform",
    transactional_ddl=True,
)
context.run_migrations()
