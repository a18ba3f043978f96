"""Since when an object of a connection is synced."""

from alembic import op

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    # NULL: chosen with its connection, as all that is chosen already counts.
    op.execute("ALTER TABLE sync_platform.connection_objects ADD COLUMN chosen_at timestamptz")
