"""Since when a connection has the account of another one's place, and which of its objects' rows
hold no value of that one any more."""

from alembic import op

revision = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    # NULL: no other account had it before.
    op.execute("ALTER TABLE sync_platform.connections ADD COLUMN account_since timestamptz")
    # Its connection's account_since, once they hold none.
    op.execute("ALTER TABLE sync_platform.sync_targets ADD COLUMN own_since timestamptz")
