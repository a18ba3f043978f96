"""Whose data is in the schemas of connections that were removed."""

from alembic import op

revision = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE sync_platform.left_schemas (
            schema text NOT NULL,
            connection text NOT NULL,  -- as it was called
            connector text NOT NULL,
            account_id text,
            left_at timestamptz NOT NULL,
            CONSTRAINT left_schemas_pkey PRIMARY KEY (schema)
        )
    """)
