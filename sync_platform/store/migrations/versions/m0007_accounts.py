"""Whose values an object's rows hold is told beside them, in the book of their tables."""

from alembic import op

revision = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE sync_platform.connections DROP COLUMN account_since")
    op.execute("ALTER TABLE sync_platform.sync_targets DROP COLUMN own_since")
