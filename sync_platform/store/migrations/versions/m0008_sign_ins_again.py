"""A sign-in for a connection that is there knows which of its name it was begun for."""

from alembic import op

revision = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE sync_platform.sign_ins ADD COLUMN connection_created_at timestamptz")
